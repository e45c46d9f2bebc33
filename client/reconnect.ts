// When to come back: what a close means, and how long to wait so that a thousand clients do not return as one.
import { type Bye, closes, type Reconnect, reconnectAfter } from '../protocol/index.ts'

export const reconnectTimes = {
  /** Without a word to wait, the first attempt comes within this. */
  nowMs: 1_000,
  /** Doubled with every further attempt that did not last. */
  baseMs: 500,
  capMs: 30_000,
  /** A connection that was live for so long ends a row of failures. */
  stableMs: 60_000,
} as const

/** Why a connection ended or could not begin. */
export interface Reason {
  /** Close code, or undefined if the connection never got that far. */
  code?: number
  name: string
  message: string
}

export interface Ending {
  reason: Reason
  policy: Reconnect
  retryAfterMs?: number
}

/** What WebSocket reports when a connection broke without a close frame. */
const lost = 1006

/** Close codes that this client uses itself. */
export const ownCloses = {
  NORMAL: { code: 1000, name: 'NORMAL', message: 'closed by this client' },
  UNRESPONSIVE: { code: 4000, name: 'UNRESPONSIVE', message: 'the server did not answer in time' },
  SERVER_SILENT: { code: 4000, name: 'SERVER_SILENT', message: 'nothing was heard for deadAfterMs' },
  BAD_FRAME: { code: 4502, name: 'BAD_FRAME', message: 'the server sent bytes that are no frame' },
} as const satisfies Record<string, Reason>

/** The server's own word counts, then the range of the code. */
export function endingOf(code: number, text: string, bye: Bye | undefined): Ending {
  const used = bye?.code ?? code
  const ending: Ending = {
    reason: { code: used, name: nameOf(used), message: bye?.reason || text || meaningOf(used) },
    policy: bye?.reconnect ?? (used === lost ? 'now' : reconnectAfter(used)),
  }
  if (bye?.retryAfterMs !== undefined) ending.retryAfterMs = bye.retryAfterMs
  return ending
}

function nameOf(code: number): string {
  return known(code)?.name ?? (code === lost ? 'CONNECTION_LOST' : `CLOSED_${code}`)
}

function meaningOf(code: number): string {
  return known(code)?.meaning ?? (code === lost ? 'the connection broke' : `the server closed with ${code}`)
}

function known(code: number) {
  return Object.values(closes).find((entry) => entry.code === code)
}

export class Backoff {
  readonly #random: () => number
  #failures = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** Attempts since the last connection that lasted. */
  get failures(): number {
    return this.#failures
  }

  /** Time until the next attempt. `now` is honoured once in a row of failures, or it would become a tight loop. */
  nextMs(policy: 'now' | 'backoff', retryAfterMs = 0): number {
    const failures = this.#failures++
    const { nowMs, baseMs, capMs } = reconnectTimes
    const limitMs = policy === 'now' && failures === 0 ? nowMs : Math.min(capMs, baseMs * 2 ** failures)
    // Full jitter, and after the cap: jitter before it would bring everybody back at the cap.
    return retryAfterMs + this.#random() * limitMs
  }

  reset(): void {
    this.#failures = 0
  }
}
