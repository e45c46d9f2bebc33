// A token bucket: the client keeps to the announced rate itself instead of being refused.

/** Below what a sum of fractions may miss of a whole token. */
const whole = 1 - 1e-6

export class TokenBucket {
  #ratePerSecond: number
  #burst: number
  #tokens: number
  #countedAtMs: number

  constructor(limits: { ratePerSecond: number; burst: number }, nowMs: number) {
    this.#ratePerSecond = limits.ratePerSecond
    this.#burst = limits.burst
    this.#tokens = limits.burst
    this.#countedAtMs = nowMs
  }

  /** Another server, other limits; what was used stays used. */
  change(limits: { ratePerSecond: number; burst: number }, nowMs: number): void {
    this.#refill(nowMs)
    this.#ratePerSecond = limits.ratePerSecond
    this.#burst = limits.burst
    this.#tokens = Math.min(this.#tokens, limits.burst)
  }

  take(nowMs: number): boolean {
    this.#refill(nowMs)
    if (this.#tokens < whole) return false
    this.#tokens -= 1
    return true
  }

  /** When `take` succeeds again. */
  nextAtMs(): number {
    return this.#countedAtMs + Math.max(0, ((1 - this.#tokens) * 1000) / this.#ratePerSecond)
  }

  #refill(nowMs: number): void {
    const gained = ((nowMs - this.#countedAtMs) * this.#ratePerSecond) / 1000
    this.#tokens = Math.min(this.#burst, this.#tokens + gained)
    this.#countedAtMs = nowMs
  }
}
