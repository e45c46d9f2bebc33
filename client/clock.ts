// Time as the client sees it: a monotonic clock and one-shot timers, handed in so that tests can bend them.

export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number
  /** Calls back once after `delayMs`; the result cancels. */
  after(delayMs: number, callback: () => void): () => void
}

/** Longest delay that setTimeout takes without wrapping around to 1 ms. */
const longestTimerMs = 0x7fff_ffff

/** Not Date.now(): a clock that is set must not look like a silent peer. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(longestTimerMs, Math.max(0, delayMs)))
    return () => clearTimeout(timer)
  },
}

/** One alarm, which may ring early but never late. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #set: { atMs: number; cancel: () => void } | undefined

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** An earlier time replaces a later one; the other way round it just rings once in vain. */
  setAt(atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY || (this.#set && this.#set.atMs <= atMs)) return
    this.#set?.cancel()
    const cancel = this.#clock.after(atMs - this.#clock.now(), () => {
      this.#set = undefined
      this.#ring()
    })
    this.#set = { atMs, cancel }
  }

  cancel(): void {
    this.#set?.cancel()
    this.#set = undefined
  }
}
