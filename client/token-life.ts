// The token in use: whether it is still good, and when to ask for the next one.
import type { Milliseconds } from '../protocol/index.ts'

export const tokenTimes = {
  /** The token is renewed so long before it expires, or at half of its life if that is shorter. */
  leadMs: 60_000,
  /** Between two attempts to renew it. */
  retryMs: 5_000,
} as const

const never = Number.POSITIVE_INFINITY

export class TokenLife {
  readonly #isFixed: boolean
  #token = ''
  #isRefused = false
  #renewAtMs = never
  /** The server's clock minus ours. */
  #offsetMs = 0

  /** `isFixed`: there is no other token than the first. */
  constructor({ isFixed }: { isFixed: boolean }) {
    this.#isFixed = isFixed
  }

  get token(): string {
    return this.#token
  }

  /** The server has called it expired. */
  get isRefused(): boolean {
    return this.#isRefused
  }

  get renewAtMs(): number {
    return this.#renewAtMs
  }

  /** False if it is the one that was refused. */
  replace(token: string): boolean {
    if (this.#isRefused && token === this.#token) return false
    this.#token = token
    return true
  }

  refused(): void {
    this.#isRefused = true
  }

  accepted(terms: { serverTime: Milliseconds; expiresAt: Milliseconds }, nowMs: number): void {
    this.#isRefused = false
    this.#offsetMs = terms.serverTime - nowMs
    this.renewed(terms.expiresAt, nowMs)
  }

  /** It is good until `expiresAt` on the server's clock; 0: for ever. */
  renewed(expiresAt: Milliseconds, nowMs: number): void {
    const lifeMs = expiresAt - this.#offsetMs - nowMs
    const leadMs = Math.min(tokenTimes.leadMs, lifeMs / 2)
    const isRenewable = expiresAt > 0 && !this.#isFixed
    this.#renewAtMs = isRenewable ? nowMs + Math.max(tokenTimes.retryMs, lifeMs - leadMs) : never
  }

  /** The next one is asked for. */
  renewing(nowMs: number): void {
    this.#renewAtMs = nowMs + tokenTimes.retryMs
  }

  /** Without a connection there is nothing to renew. */
  offline(): void {
    this.#renewAtMs = never
  }
}
