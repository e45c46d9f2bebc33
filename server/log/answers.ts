// The answers that wait for one commit: given all at once, in call order, when it is known how the commit ended.
import type { AppendOutcome } from '../log.ts'

type Done = (outcome: AppendOutcome) => void

/** Of a record nobody hears more than whether it failed. */
const recorded: AppendOutcome = { kind: 'stored', seq: 0, timestamp: 0 }

export class Answers {
  /** What to say if the commit succeeds, and to whom: two arrays, for each message has an entry. */
  readonly #outcomes: AppendOutcome[] = []
  readonly #dones: Done[] = []

  get size(): number {
    return this.#dones.length
  }

  append(outcome: AppendOutcome, done: Done): void {
    this.#outcomes.push(outcome)
    this.#dones.push(done)
  }

  record(done: (failure?: Error) => void): void {
    this.append(recorded, (outcome) => (outcome.kind === 'unavailable' ? done(outcome.cause) : done()))
  }

  committed(): void {
    for (let i = 0; i < this.#dones.length; i += 1) this.#dones[i]?.(this.#outcomes[i] ?? recorded)
  }

  /** Also to duplicates and conflicts: what they refer to may be what just failed. */
  failed(cause: Error): void {
    for (const done of this.#dones) done({ kind: 'unavailable', cause })
  }
}
