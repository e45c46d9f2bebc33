// Random frames, valid by the rules of the protocol: for property tests here and elsewhere.
import fc from 'fast-check'
import {
  type ClientMessage,
  directConversation,
  type FrameType,
  maxMetaValueBytes,
  maxRequestId,
  maxSafe,
  type ServerMessage,
} from '../index.ts'

const hexCharacters = [...'0123456789abcdef']
const nameCharacters = [...'ABCXYZabcxyz0189._~@-']
const printableCharacters = Array.from({ length: 95 }, (_, i) => String.fromCharCode(0x20 + i))

/** Users, devices and groups. */
export const userName = textOf(nameCharacters, 1, 64)
export const conversationId = fc.oneof(
  fc.tuple(userName, userName).map(([a, b]) => directConversation(a, b)),
  userName.map((group) => `g:${group}`),
)
export const msgId = fc
  .tuple(hex(8), hex(4), hex(3), fc.constantFrom('8', '9', 'a', 'b'), hex(3), hex(12))
  .map(([low, mid, high, variant, clock, node]) => `${low}-${mid}-4${high}-${variant}${clock}-${node}`)

/** From 0 to 2^53-1, with a liking for the edges of what 8, 16, 32 and 53 bits hold. */
export const uint = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.constantFrom(23, 24, 0xff, 0x100, 0xffff, 0x10000, 2 ** 31, 2 ** 32 - 1, 2 ** 32, maxSafe),
)
const atLeastOne = uint.map((value) => Math.max(1, value))
const requestId = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: maxRequestId }))

/** Any code points but surrogates, U+0000 included; or plain ASCII of some length. */
export const textContent = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ minLength: 100, maxLength: 400 }),
)
export const content = fc.oneof(textContent, textContent, fc.uint8Array({ maxLength: 100 }))

const epoch = printable(16)
const token = printable(600)
const sentence = fc.string({ unit: 'binary', maxLength: 40 })
const label = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })
const metaKey = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,20}$/)
const metaValue = fc.string({ unit: 'binary', maxLength: maxMetaValueBytes / 4 })
const meta = fc.dictionary(metaKey, metaValue, { maxKeys: 5, noNullPrototype: true })

const cursors = fc.array(record({ conv: conversationId, epoch, seq: uint }), { maxLength: 5 })
const network = fc.constantFrom('mobile', 'wifi', 'lan')
const gapReason = fc.constantFrom('overflow', 'retention', 'epoch', 'future', 'broker')
const caps = fc.array(printable(64), { maxLength: 5 })
const heartbeatRequest = record({ intervalMs: uint }, { timeoutMs: uint, maxMissed: uint })
const heartbeat = record({ intervalMs: uint, timeoutMs: uint, maxMissed: uint, deadAfterMs: uint })
const limits = record({
  maxFrame: uint,
  maxContent: uint,
  window: uint,
  sendWindow: uint,
  ackTimeoutMs: uint,
  dedupWindowMs: uint,
  offlineMax: uint,
  historyMaxLimit: uint,
  resumeWindowMs: uint,
  helloTimeoutMs: uint,
  sendRatePerSecond: uint,
  sendBurst: uint,
  frameRatePerSecond: uint,
  frameBurst: uint,
  connectionsPerUser: uint,
  conversationsPerUser: uint,
  groupMembersMax: uint,
})
const traceparent = fc
  .tuple(hex(32), hex(16), hex(2))
  .map(([trace, span, flags]) => `00-${trace}-${span}-${flags}`)

const position = { conv: conversationId, epoch, seq: uint }
const message = { ...position, msgId, from: userName, content, timestamp: uint }
const messageOptions = { contentType: printable(128), clientTime: uint, meta }

const ping = frame('ping', { n: uint })
const pong = frame('pong', { n: uint })
const bye = frame(
  'bye',
  {
    code: fc.integer({ min: 1000, max: 4999 }),
    reason: sentence,
    reconnect: fc.constantFrom('now', 'backoff', 'never'),
  },
  { retryAfterMs: uint },
)

/** Every frame that a client may write. */
export const clientMessage: fc.Arbitrary<ClientMessage> = fc.oneof(
  ping,
  pong,
  bye,
  frame(
    'hello',
    { id: requestId, token, deviceId: userName },
    {
      network,
      heartbeat: heartbeatRequest,
      caps,
      client: record({ name: label, version: label }),
      traceparent,
      resume: record({ cursors }, { sessionId: printable(128) }),
    },
  ),
  frame('network', { id: requestId, network }, { heartbeat: heartbeatRequest }),
  frame('refresh', { id: requestId, token }),
  frame('send', { id: requestId, msgId, to: userName, content }, messageOptions),
  frame('send', { id: requestId, msgId, conv: conversationId, content }, messageOptions),
  frame('ack', position, { id: requestId }),
  frame('read', position, { id: requestId }),
  frame('join', { id: requestId, conv: conversationId }, { user: userName }),
  frame('leave', { id: requestId, conv: conversationId }, { user: userName }),
  frame('sync', { id: requestId, cursors, limit: atLeastOne }),
  frame(
    'history',
    { id: requestId, conv: conversationId, order: fc.constantFrom('asc', 'desc'), limit: atLeastOne },
    { fromTime: uint, toTime: uint, afterSeq: uint, beforeSeq: uint, cursor: printable(512) },
  ),
)

/** Every frame that a server may write. */
export const serverMessage: fc.Arbitrary<ServerMessage> = fc.oneof(
  ping,
  pong,
  bye,
  frame('welcome', {
    id: requestId,
    sessionId: printable(128),
    userId: userName,
    serverTime: uint,
    expiresAt: uint,
    resumed: fc.boolean(),
    caps,
    heartbeat,
    limits,
  }),
  frame(
    'error',
    { code: fc.integer({ min: 100, max: 999 }), name: sentence, message: sentence, retryable: fc.boolean() },
    { id: requestId, retryAfterMs: uint, msgId },
  ),
  frame('ok', { id: requestId }, { epoch, top: uint, heartbeat, expiresAt: uint }),
  frame('sent', { ...position, id: requestId, msgId, timestamp: uint, duplicate: fc.boolean() }),
  frame('msg', message, { ...messageOptions, replay: fc.boolean() }),
  frame('receipt', { ...position, user: userName, kind: fc.constantFrom('delivered', 'read') }),
  frame(
    'synced',
    {
      conv: conversationId,
      epoch,
      from: uint,
      to: uint,
      top: uint,
      complete: fc.boolean(),
      recovered: fc.boolean(),
    },
    { id: requestId, gap: record({ from: uint, to: uint, reason: gapReason }), read: uint },
  ),
  frame('live', {}, { id: requestId }),
  frame(
    'page',
    {
      id: requestId,
      epoch,
      items: fc.array(record(message, messageOptions), { maxLength: 4 }),
      complete: fc.boolean(),
    },
    { nextCursor: printable(512) },
  ),
  frame('gap', { conv: conversationId, epoch, from: uint, to: uint, reason: gapReason }),
  frame('presence', {
    user: userName,
    state: fc.constantFrom('online', 'offline'),
    devices: uint,
    since: uint,
  }),
  frame('membership', { ...position, user: userName, change: fc.constantFrom('joined', 'left', 'removed') }),
  frame('drain', { graceMs: uint, reconnectMinMs: uint, reconnectMaxMs: uint, resumable: fc.boolean() }),
)

type Model<T> = { [K in keyof T]: fc.Arbitrary<T[K]> }

function record<R extends object, O extends object>(
  required: Model<R>,
  optional?: Model<O>,
): fc.Arbitrary<R & Partial<O>> {
  return fc
    .tuple(
      fc.record(required, { noNullPrototype: true }),
      fc.record(optional ?? ({} as Model<O>), { requiredKeys: [], noNullPrototype: true }),
    )
    .map(([always, sometimes]) => ({ ...always, ...(sometimes as Partial<O>) }))
}

function frame<T extends FrameType, R extends object, O extends object>(
  type: T,
  required: Model<R>,
  optional?: Model<O>,
): fc.Arbitrary<{ type: T } & R & Partial<O>> {
  return record(required, optional).map((fields) => ({ type, ...fields }))
}

function hex(length: number): fc.Arbitrary<string> {
  return textOf(hexCharacters, length, length)
}

function printable(maxLength: number): fc.Arbitrary<string> {
  return textOf(printableCharacters, 1, maxLength)
}

function textOf(characters: string[], minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength })
}
