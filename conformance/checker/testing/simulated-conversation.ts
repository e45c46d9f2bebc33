// One conversation of the simulated server: its log, and who may see which part of it.
import type { SeenMessage } from '../events.ts'

/** `from < seq <= to`. */
interface Window {
  from: number
  to: number
}

export interface Start {
  from: number
  recovered: boolean
}

export class SimulatedConversation {
  readonly id: string
  readonly log: SeenMessage[] = []
  owner: string | undefined
  readonly #windows = new Map<string, Window[]>()

  constructor(id: string) {
    this.id = id
    const [kind, ...names] = id.split(':')
    if (kind === 'd') for (const name of names) this.join(name)
  }

  get head(): number {
    return this.log.length
  }

  /** Is or was a member. */
  knows(user: string): boolean {
    return this.#windows.has(user)
  }

  isMember(user: string): boolean {
    return this.#windows.get(user)?.at(-1)?.to === Number.POSITIVE_INFINITY
  }

  join(user: string): void {
    this.#windows.set(user, [...this.#of(user), { from: this.head, to: Number.POSITIVE_INFINITY }])
    this.owner ??= user
  }

  /** The owner's place goes to another member. */
  leave(user: string): void {
    const ended = this.#of(user).map(({ from, to }) => ({ from, to: Math.min(to, this.head) }))
    this.#windows.set(user, ended)
    if (this.owner === user) this.owner = [...this.#windows.keys()].find((one) => this.isMember(one))
  }

  /** The last seq that this user may see. */
  top(user: string): number {
    return Math.min(this.#of(user).at(-1)?.to ?? 0, this.head)
  }

  /** The next seq that this user may see. */
  next(user: string, after: number): number | undefined {
    for (const { from, to } of this.#of(user)) {
      const first = Math.max(from, after) + 1
      if (first <= Math.min(to, this.head)) return first
    }
    return undefined
  }

  /** Everything that this user may see. */
  visible(user: string): SeenMessage[] {
    const windows = this.#of(user)
    return this.log.filter(({ seq }) => windows.some(({ from, to }) => seq > from && seq <= to))
  }

  /** Where a replay begins: at the position, or with the newest `most` if it cannot be continued. */
  start(user: string, position: number | 'lost' | undefined, most: number): Start {
    const top = this.top(user)
    const floor = Math.min(this.#of(user)[0]?.from ?? 0, top)
    const oldest = Math.max(floor, top - most)
    if (position === 'lost' || (position ?? 0) > this.head) return { from: oldest, recovered: false }
    const from = Math.min(Math.max(floor, position ?? floor), top)
    return from >= oldest ? { from, recovered: true } : { from: oldest, recovered: false }
  }

  #of(user: string): Window[] {
    return this.#windows.get(user) ?? []
  }
}
