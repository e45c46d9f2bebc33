// One writer for everything that changes the disk: a group of changes at a time, each of them atomic, in one order.
export class Writer {
  readonly #jobs: (() => void)[] = []
  readonly #delayMs: () => number
  #isDown = false

  /** `delayMs`: what a group takes beside one turn of the event loop. */
  constructor(delayMs: () => number) {
    this.#delayMs = delayMs
  }

  submit(job: () => void): void {
    if (this.#jobs.push(job) > 1) return
    const delayMs = this.#delayMs()
    if (delayMs > 0) setTimeout(() => this.#commit(), delayMs)
    else setImmediate(() => this.#commit())
  }

  /** What was not committed by now never is. */
  stop(): void {
    this.#isDown = true
  }

  #commit(): void {
    for (const job of this.#jobs.splice(0)) if (!this.#isDown) job()
  }
}
