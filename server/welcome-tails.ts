// The constant part of `welcome` in JSON: capabilities, heartbeat and limits, written once for each combination.
import type { Heartbeat, Limits } from '../protocol/index.ts'

export interface WelcomeTail {
  caps: string[]
  heartbeat: Heartbeat
  limits: Limits
}

/** Clients choose their heartbeat: more combinations than this are not kept. */
const tailsMax = 64

export class WelcomeTails {
  private readonly tails = new Map<string, string>()

  /** The members `caps`, `heartbeat` and `limits` with the closing brace. */
  of(session: { wantsPresence: boolean; wantsReceipts: boolean }, tail: WelcomeTail): string {
    const { intervalMs, timeoutMs, maxMissed } = tail.heartbeat
    const key = `${session.wantsPresence} ${session.wantsReceipts} ${intervalMs} ${timeoutMs} ${maxMissed}`
    const known = this.tails.get(key)
    if (known !== undefined) return known
    const text = JSON.stringify(tail).slice(1)
    if (this.tails.size < tailsMax) this.tails.set(key, text)
    return text
  }
}
