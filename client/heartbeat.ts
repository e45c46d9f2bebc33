// Is the server still there? Anything heard is life; silence is probed, and then believed.
import type { Heartbeat } from '../protocol/index.ts'

export class Liveness {
  #terms: Heartbeat
  #heardAtMs: number
  #probedAtMs: number

  constructor(terms: Heartbeat, nowMs: number) {
    this.#terms = terms
    this.#heardAtMs = nowMs
    this.#probedAtMs = nowMs
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs
  }

  renegotiate(terms: Heartbeat): void {
    this.#terms = terms
  }

  /** What is due: a `ping`, or the end. */
  check(nowMs: number): 'ping' | 'dead' | undefined {
    if (nowMs >= this.#deadAtMs()) return 'dead'
    if (nowMs < this.#probeAtMs()) return undefined
    this.#probedAtMs = nowMs
    return 'ping'
  }

  deadlineMs(): number {
    return Math.min(this.#deadAtMs(), this.#probeAtMs())
  }

  #deadAtMs(): number {
    return this.#heardAtMs + this.#terms.deadAfterMs
  }

  #probeAtMs(): number {
    return Math.max(this.#heardAtMs, this.#probedAtMs) + this.#terms.intervalMs
  }
}
