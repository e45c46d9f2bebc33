// Numbers and shapes that the protocol itself fixes, and the defaults of what a server may choose.
import type { Heartbeat, Limits, Network } from './messages.ts'

export const subprotocols = { cbor: 'chatspec.v1.cbor', json: 'chatspec.v1.json' } as const
export type Encoding = keyof typeof subprotocols

export const maxSafe = Number.MAX_SAFE_INTEGER
export const maxRequestId = 0xffff_ffff
/** Levels of maps and arrays in one frame, the frame's own map included. */
export const maxDepth = 8
export const maxMetaEntries = 16
export const maxMetaValueBytes = 256
export const maxCursorsPerFrame = 1000
export const maxCapsPerFrame = 64
/** Bytes of fixed header in the binary form: magic, length, timestamp. */
export const headerBytes = 13
export const magic = 0x1f

/** Users, groups and devices: safe in a conversation id, a URL, a log line and a Prometheus label. */
export const namePattern = /^[A-Za-z0-9._~@-]{1,64}$/
export const directPattern = /^d:([A-Za-z0-9._~@-]{1,64}):([A-Za-z0-9._~@-]{1,64})$/
export const groupPattern = /^g:[A-Za-z0-9._~@-]{1,64}$/
/** Version 4 UUID, lower case, so that one message has one spelling. */
export const msgIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
export const metaKeyPattern = /^[a-z][a-z0-9_.-]{0,63}$/

export const defaultLimits: Readonly<Limits> = Object.freeze({
  maxFrame: 131_072,
  maxContent: 16_384,
  window: 256,
  sendWindow: 256,
  ackTimeoutMs: 30_000,
  dedupWindowMs: 86_400_000,
  offlineMax: 10_000,
  historyMaxLimit: 500,
  resumeWindowMs: 2_592_000_000,
  helloTimeoutMs: 10_000,
  sendRatePerSecond: 200,
  sendBurst: 1_000,
  frameRatePerSecond: 1_000,
  frameBurst: 5_000,
  connectionsPerUser: 20,
  conversationsPerUser: 1_000,
  groupMembersMax: 1_000,
})

/** What each network type gets without an explicit request (decision 9). */
export const networkHeartbeats: Readonly<Record<Network, Heartbeat>> = {
  mobile: heartbeat(30_000, 3),
  wifi: heartbeat(60_000, 2),
  lan: heartbeat(120_000, 2),
}

/** Tolerance for timer grain on top of `deadAfterMs`. */
export const heartbeatToleranceMs = 4_000

function heartbeat(intervalMs: number, maxMissed: number): Heartbeat {
  const timeoutMs = 10_000
  return { intervalMs, timeoutMs, maxMissed, deadAfterMs: maxMissed * intervalMs + timeoutMs }
}

/** The one id of the conversation of two users, whoever asks. */
export function directConversation(a: string, b: string): string {
  return a <= b ? `d:${a}:${b}` : `d:${b}:${a}`
}

/** The other participant of a direct conversation, or undefined if `user` takes no part in it. */
export function peerOf(conv: string, user: string): string | undefined {
  const match = directPattern.exec(conv)
  if (!match) return undefined
  const [, low, high] = match
  return user === low ? high : user === high ? low : undefined
}
