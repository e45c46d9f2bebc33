// The constant part of `welcome` in JSON: capabilities, heartbeat and limits, written once for each combination.
import type { Heartbeat, Limits } from '../protocol/index.ts'
import { type CapabilitySource, welcomeCapabilities } from './capabilities.ts'

export interface WelcomeTail {
  caps: string[]
  heartbeat: Heartbeat
  limits: Limits
}

/** What decides about it on one connection. */
interface Terms {
  wantsPresence: boolean
  wantsReceipts: boolean
  heartbeat: Heartbeat
}

/** Clients choose their heartbeat: more combinations than this are not kept. */
const tailsMax = 64

export function welcomeTail(source: CapabilitySource, terms: Terms): WelcomeTail {
  return {
    caps: welcomeCapabilities(source, terms),
    heartbeat: terms.heartbeat,
    limits: source.options.limits,
  }
}

export class WelcomeTails {
  private readonly tails = new Map<string, string>()

  /** The members `caps`, `heartbeat` and `limits` with the closing brace. */
  of(source: CapabilitySource, terms: Terms): string {
    const { intervalMs, timeoutMs, maxMissed } = terms.heartbeat
    const key = `${terms.wantsPresence} ${terms.wantsReceipts} ${intervalMs} ${timeoutMs} ${maxMissed}`
    const known = this.tails.get(key)
    if (known !== undefined) return known
    const text = JSON.stringify(welcomeTail(source, terms)).slice(1)
    if (this.tails.size < tailsMax) this.tails.set(key, text)
    return text
  }
}
