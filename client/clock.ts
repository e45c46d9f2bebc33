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
