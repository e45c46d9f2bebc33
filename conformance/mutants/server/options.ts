// What such a server announces, and how it is set up: small numbers, so that every limit can be reached.
import type { Heartbeat, HeartbeatRequest, Limits, Network } from '../../../protocol/index.ts'
import { networkHeartbeats } from '../../../protocol/index.ts'
import type { SwitchId } from '../switches.ts'

export interface ServerOptions {
  secret: string
  audience: string
  issuer: string
  adminToken: string
  limits: Limits
  /** All that it can do and declares to those who ask. */
  caps: readonly string[]
  /** Declared although it is not there. */
  lies: readonly string[]
  /** Time between `drain` and close 1012. */
  graceMs: number
  switches: ReadonlySet<SwitchId>
}

export const limits: Readonly<Limits> = Object.freeze({
  maxFrame: 131_072,
  maxContent: 16_384,
  window: 64,
  sendWindow: 256,
  ackTimeoutMs: 10_000,
  dedupWindowMs: 600_000,
  offlineMax: 300,
  historyMaxLimit: 200,
  resumeWindowMs: 86_400_000,
  helloTimeoutMs: 5_000,
  sendRatePerSecond: 300,
  sendBurst: 600,
  frameRatePerSecond: 1_500,
  frameBurst: 3_000,
  connectionsPerUser: 20,
  conversationsPerUser: 60,
  groupMembersMax: 40,
})

export const capabilities: readonly string[] = [
  'durability=process',
  'fence',
  'life=any-frame',
  'devices',
  'msg-echo=other-devices',
  'directory',
  'groups',
  'join=open',
  'sync',
  'resume',
  'history',
  'history=window',
  'presence',
  'receipts',
]

const ranges = {
  intervalMs: { least: 1_000, most: 300_000 },
  timeoutMs: { least: 500, most: 60_000 },
  maxMissed: { least: 1, most: 10 },
} as const

/** [HB-12] The numbers of the table, overridden one by one, each moved into its range. */
export function grant(network: Network = 'wifi', wanted: Partial<HeartbeatRequest> = {}): Heartbeat {
  const number = (name: keyof typeof ranges): number =>
    Math.min(
      ranges[name].most,
      Math.max(ranges[name].least, wanted[name] ?? networkHeartbeats[network][name]),
    )
  const [intervalMs, timeoutMs, maxMissed] = [number('intervalMs'), number('timeoutMs'), number('maxMissed')]
  return { intervalMs, timeoutMs, maxMissed, deadAfterMs: maxMissed * intervalMs + timeoutMs }
}
