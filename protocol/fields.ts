// The one table of frames and fields: what each field may be. Validation and both encoders are driven by it.
import type { RuleId } from './decoded.ts'
import { errors } from './errors.ts'
import * as bounds from './limits.ts'
import type {
  AnyMessage,
  Cursor,
  FrameType,
  GapReason,
  Heartbeat,
  HeartbeatRequest,
  Limits,
  Message,
  Network,
  Reconnect,
} from './messages.ts'
import { isConversation, isEpoch, isMsgId, isName } from './names.ts'

export interface IntegerKind {
  readonly is: 'integer'
  readonly min: number
  readonly max: number
}
export interface BooleanKind {
  readonly is: 'boolean'
}
export interface TextKind<T extends string = string> {
  readonly is: 'text'
  /** For a person: what is allowed. */
  readonly allowed: string
  readonly accepts: (text: string) => boolean
  /** Of the refusal of a text that is not acceptable. */
  readonly rule: RuleId
  readonly code: number
  readonly words?: readonly T[]
}
/** Text or opaque bytes. */
export interface ContentKind {
  readonly is: 'content'
}
export interface MetaKind {
  readonly is: 'meta'
}
export interface ListKind {
  readonly is: 'list'
  readonly of: Kind
  readonly maxItems: number
}
export interface MapKind {
  readonly is: 'map'
  readonly fields: readonly Field[]
}
export type Kind = IntegerKind | BooleanKind | TextKind | ContentKind | MetaKind | ListKind | MapKind
export interface Field {
  readonly name: string
  readonly kind: Kind
  readonly optional: boolean
}

/** `KindFor` and `Shape` make the compiler hold the table against messages.ts: a missing field does not compile. */
type KindFor<T> = [T] extends [boolean]
  ? BooleanKind
  : [T] extends [number]
    ? IntegerKind
    : [T] extends [string]
      ? TextKind<T>
      : [Uint8Array] extends [T]
        ? ContentKind
        : [T] extends [readonly unknown[]]
          ? ListKind
          : [Record<string, string>] extends [T]
            ? MetaKind
            : MapKind
type IsOptional<T, K extends keyof T> = object extends Pick<T, K> ? true : false
type Shape<T> = {
  readonly [K in Exclude<keyof T, 'type'>]-?: IsOptional<T, K> extends true
    ? { readonly maybe: KindFor<Exclude<T[K], undefined>> }
    : KindFor<T[K]>
}
type FrameOf<T extends FrameType> = Extract<AnyMessage, { type: T }>

const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

const boolean: BooleanKind = { is: 'boolean' }
const content: ContentKind = { is: 'content' }
const meta: MetaKind = { is: 'meta' }
const uint = integer(0, bounds.maxSafe)
const atLeastOne = integer(1, bounds.maxSafe)
const requestId = integer(1, bounds.maxRequestId)

const name = text(isName, 'a name of 1 to 64 characters of A-Z a-z 0-9 . _ ~ @ -')
const conv = text(isConversation, 'd:<low user>:<high user> or g:<group>')
const msgId: TextKind = {
  ...text(isMsgId, 'a UUID version 4 in lower case'),
  rule: 'FRM-18',
  code: errors.BAD_MSGID.code,
}
const epoch = text(isEpoch, '1 to 128 printable ASCII characters')
const network = words<Network>('mobile', 'wifi', 'lan')
const reconnect = words<Reconnect>('now', 'backoff', 'never')
const gapReason = words<GapReason>('overflow', 'retention', 'epoch', 'future', 'broker')
const traceparent = text((given) => traceparentPattern.test(given), 'a W3C traceparent')
const sentence = chars(0, 256)

const cursor = map<Cursor>({ conv, epoch, seq: uint })
const cursors = list(cursor, bounds.maxCursorsPerFrame)
const caps = list(ascii(64), bounds.maxCapsPerFrame)
const heartbeatRequest = map<HeartbeatRequest>({
  intervalMs: uint,
  timeoutMs: maybe(uint),
  maxMissed: maybe(uint),
})
const heartbeat = map<Heartbeat>({ intervalMs: uint, timeoutMs: uint, maxMissed: uint, deadAfterMs: uint })
const limits = map<Limits>({
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
const message: Shape<Message> = {
  conv,
  epoch,
  seq: uint,
  msgId,
  from: name,
  content,
  contentType: maybe(ascii(128)),
  timestamp: uint,
  clientTime: maybe(uint),
  meta: maybe(meta),
}

const shapes: { readonly [T in FrameType]: Shape<FrameOf<T>> } = {
  hello: {
    id: requestId,
    token: ascii(8192),
    deviceId: name,
    network: maybe(network),
    heartbeat: maybe(heartbeatRequest),
    caps: maybe(caps),
    client: maybe(map<{ name: string; version: string }>({ name: chars(1, 64), version: chars(1, 64) })),
    traceparent: maybe(traceparent),
    resume: maybe(map<{ sessionId?: string; cursors: Cursor[] }>({ sessionId: maybe(ascii(128)), cursors })),
  },
  network: { id: requestId, network, heartbeat: maybe(heartbeatRequest) },
  refresh: { id: requestId, token: ascii(8192) },
  send: {
    id: requestId,
    msgId,
    to: maybe(name),
    conv: maybe(conv),
    content,
    contentType: maybe(ascii(128)),
    clientTime: maybe(uint),
    meta: maybe(meta),
  },
  ack: { id: maybe(requestId), conv, epoch, seq: uint },
  read: { id: maybe(requestId), conv, epoch, seq: uint },
  join: { id: requestId, conv, user: maybe(name) },
  leave: { id: requestId, conv, user: maybe(name) },
  sync: { id: requestId, cursors, limit: atLeastOne },
  history: {
    id: requestId,
    conv,
    fromTime: maybe(uint),
    toTime: maybe(uint),
    afterSeq: maybe(uint),
    beforeSeq: maybe(uint),
    order: words('asc', 'desc'),
    limit: atLeastOne,
    cursor: maybe(ascii(512)),
  },
  welcome: {
    id: requestId,
    sessionId: ascii(128),
    userId: name,
    serverTime: uint,
    expiresAt: uint,
    resumed: boolean,
    caps,
    heartbeat,
    limits,
  },
  error: {
    id: maybe(requestId),
    code: integer(100, 999),
    name: sentence,
    message: sentence,
    retryable: boolean,
    retryAfterMs: maybe(uint),
    msgId: maybe(msgId),
  },
  ok: {
    id: requestId,
    epoch: maybe(epoch),
    top: maybe(uint),
    heartbeat: maybe(heartbeat),
    expiresAt: maybe(uint),
  },
  sent: { id: requestId, msgId, conv, epoch, seq: uint, timestamp: uint, duplicate: boolean },
  msg: { ...message, replay: maybe(boolean) },
  receipt: { conv, epoch, user: name, kind: words('delivered', 'read'), seq: uint },
  synced: {
    id: maybe(requestId),
    conv,
    epoch,
    from: uint,
    to: uint,
    top: uint,
    complete: boolean,
    recovered: boolean,
    gap: maybe(
      map<{ from: number; to: number; reason: GapReason }>({ from: uint, to: uint, reason: gapReason }),
    ),
    read: maybe(uint),
  },
  live: { id: maybe(requestId) },
  page: {
    id: requestId,
    epoch,
    items: list(map<Message>(message), Number.POSITIVE_INFINITY),
    nextCursor: maybe(ascii(512)),
    complete: boolean,
  },
  gap: { conv, epoch, from: uint, to: uint, reason: gapReason },
  presence: { user: name, state: words('online', 'offline'), devices: uint, since: uint },
  membership: { conv, epoch, user: name, change: words('joined', 'left', 'removed'), seq: uint },
  drain: { graceMs: uint, reconnectMinMs: uint, reconnectMaxMs: uint, resumable: boolean },
  ping: { n: uint },
  pong: { n: uint },
  bye: { code: integer(1000, 4999), reason: sentence, reconnect, retryAfterMs: maybe(uint) },
}

/** The fields of every frame, in the order of messages.ts. */
export const frameFields = Object.fromEntries(
  Object.entries(shapes).map(([type, shape]) => [type, fieldsOf(shape)]),
) as Readonly<Record<FrameType, readonly Field[]>>

function integer(min: number, max: number): IntegerKind {
  return { is: 'integer', min, max }
}

function text(accepts: (given: string) => boolean, allowed: string): TextKind {
  return { is: 'text', allowed, accepts, rule: 'FRM-04', code: errors.BAD_REQUEST.code }
}

function ascii(max: number): TextKind {
  const expected = new RegExp(`^[ -~]{1,${max}}$`)
  return text((given) => expected.test(given), `1 to ${max} printable ASCII characters`)
}

function words<T extends string>(...allowed: T[]): TextKind<T> {
  const set: ReadonlySet<string> = new Set(allowed)
  return { ...text((given) => set.has(given), allowed.join(' | ')), words: allowed }
}

/** Characters are Unicode code points. */
function chars(min: number, max: number): TextKind {
  return text(
    (given) => given.length >= min && (given.length <= max || hasAtMost(given, max)),
    `${min} to ${max} characters`,
  )
}

function hasAtMost(text: string, maxPoints: number): boolean {
  return text.length <= 2 * maxPoints && [...text].length <= maxPoints
}

function list(of: Kind, maxItems: number): ListKind {
  return { is: 'list', of, maxItems }
}

function map<T>(shape: Shape<T>): MapKind {
  return { is: 'map', fields: fieldsOf(shape) }
}

function maybe<K extends Kind>(kind: K): { readonly maybe: K } {
  return { maybe: kind }
}

function fieldsOf(shape: Readonly<Record<string, Kind | { readonly maybe: Kind }>>): readonly Field[] {
  return Object.entries(shape).map(([fieldName, kind]) =>
    'maybe' in kind
      ? { name: fieldName, kind: kind.maybe, optional: true }
      : { name: fieldName, kind, optional: false },
  )
}
