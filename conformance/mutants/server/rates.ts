// Rates of a user over all its connections: SPEC.md#limits-and-slow-consumers.

/** So many at once, and so many per second after that. */
export class Bucket {
  readonly #perMs: number
  readonly #most: number
  #left: number
  #atMs = performance.now()

  constructor(ratePerSecond: number, burst: number) {
    this.#perMs = ratePerSecond / 1000
    this.#most = burst
    this.#left = burst
  }

  /** 0 if it may pass, or the milliseconds after which to try again. */
  take(): number {
    const nowMs = performance.now()
    this.#left = Math.min(this.#most, this.#left + (nowMs - this.#atMs) * this.#perMs)
    this.#atMs = nowMs
    if (this.#left < 1) return Math.max(1, Math.ceil((1 - this.#left) / this.#perMs))
    this.#left -= 1
    return 0
  }
}
