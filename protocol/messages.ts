// The frames of chatspec/1: one type per frame, as both codecs produce and accept them.

/** Milliseconds since 1970 UTC; an integer from 0 to 2^53-1. */
export type Milliseconds = number
/** Position of a message in one conversation and epoch; dense from 1. 0 means "before the first". */
export type Seq = number
/** Correlates a request with its one reply: an integer from 1 to 2^32-1. */
export type RequestId = number
/** `d:<lowUser>:<highUser>` or `g:<group>`. */
export type ConversationId = string
/** Text, or opaque bytes (base64 with `"encoding":"base64"` in the JSON form). */
export type Content = string | Uint8Array

export type Network = 'mobile' | 'wifi' | 'lan'
export type Reconnect = 'now' | 'backoff' | 'never'

/** A position that a device has stored everything up to. */
export interface Cursor {
  conv: ConversationId
  epoch: string
  seq: Seq
}

/** Wanted by a client in `hello` and `network`; answered with what the server granted. */
export interface HeartbeatRequest {
  intervalMs: number
  timeoutMs?: number
  maxMissed?: number
}

/** A silent peer is closed `deadAfterMs = maxMissed * intervalMs + timeoutMs` after its last frame. */
export interface Heartbeat {
  intervalMs: number
  timeoutMs: number
  maxMissed: number
  deadAfterMs: number
}

/** Everything that a client has to keep to, announced in `welcome`. */
export interface Limits {
  /** Bytes of one WebSocket message, after inflation, both directions. */
  maxFrame: number
  /** Bytes of `content`: UTF-8 for text, raw for opaque bytes. */
  maxContent: number
  /** `msg` frames that may be written to one connection and not yet be acknowledged. */
  window: number
  /** `send` frames of one connection that may await their `sent`. */
  sendWindow: number
  /** With the window exhausted and no `ack` for so long, the connection is closed with 4003. */
  ackTimeoutMs: number
  /** How long a repeated `msgId` is recognised, at least. */
  dedupWindowMs: number
  /** Unacknowledged messages of one conversation that are replayed to a returning device; older ones are a `gap`. */
  offlineMax: number
  /** Largest `limit` of `history` and `sync`. */
  historyMaxLimit: number
  /** How long a device's cursors are kept after it was last seen. */
  resumeWindowMs: number
  /** Time for the first frame after the upgrade. */
  helloTimeoutMs: number
  /** Per user, over all connections: sustained `send` frames per second, and how many at once. */
  sendRatePerSecond: number
  sendBurst: number
  /** Per user, over all connections: sustained frames of any type per second, and how many at once. */
  frameRatePerSecond: number
  frameBurst: number
  connectionsPerUser: number
  conversationsPerUser: number
  groupMembersMax: number
}

// ---- client to server ----

export interface Hello {
  type: 'hello'
  id: RequestId
  token: string
  deviceId: string
  network?: Network
  heartbeat?: HeartbeatRequest
  /** Optional features that the client understands. */
  caps?: string[]
  client?: { name: string; version: string }
  /** W3C Trace Context. */
  traceparent?: string
  resume?: { sessionId?: string; cursors: Cursor[] }
}

export interface NetworkChange {
  type: 'network'
  id: RequestId
  network: Network
  heartbeat?: HeartbeatRequest
}

export interface Refresh {
  type: 'refresh'
  id: RequestId
  token: string
}

/** Exactly one of `to` (a user) and `conv` is present. */
export interface Send {
  type: 'send'
  id: RequestId
  /** UUID version 4 in lower case: the sender's name for this message, the same in every repeat. */
  msgId: string
  to?: string
  conv?: ConversationId
  content: Content
  contentType?: string
  /** The sender's own clock; carried along, orders nothing. */
  clientTime?: Milliseconds
  /** At most 16 entries; keys match `[a-z][a-z0-9_.-]{0,63}`, values at most 256 bytes. */
  meta?: Record<string, string>
}

/** Cumulative: everything up to `seq` is stored on this device. Answered by `ok` if it has an `id`. */
export interface Ack {
  type: 'ack'
  id?: RequestId
  conv: ConversationId
  epoch: string
  seq: Seq
}

/** Cumulative: everything up to `seq` was read by this user. Answered by `ok` if it has an `id`. */
export interface Read {
  type: 'read'
  id?: RequestId
  conv: ConversationId
  epoch: string
  seq: Seq
}

/** Joins a group (the first join creates and owns it), or, with `user`, adds somebody to an owned group. */
export interface Join {
  type: 'join'
  id: RequestId
  conv: ConversationId
  user?: string
}

/** Leaves a group, or, with `user`, removes somebody from an owned group. */
export interface Leave {
  type: 'leave'
  id: RequestId
  conv: ConversationId
  user?: string
}

export interface Sync {
  type: 'sync'
  id: RequestId
  cursors: Cursor[]
  /** Messages per conversation. */
  limit: number
}

/** `fromTime <= timestamp < toTime` and `afterSeq < seq < beforeSeq`. */
export interface History {
  type: 'history'
  id: RequestId
  conv: ConversationId
  fromTime?: Milliseconds
  toTime?: Milliseconds
  afterSeq?: Seq
  beforeSeq?: Seq
  order: 'asc' | 'desc'
  limit: number
  cursor?: string
}

// ---- server to client ----

export interface Welcome {
  type: 'welcome'
  id: RequestId
  sessionId: string
  userId: string
  serverTime: Milliseconds
  /** When the token runs out; 0 if it does not. */
  expiresAt: Milliseconds
  resumed: boolean
  /** `name` or `name=value`: what this server promises on this connection. */
  caps: string[]
  heartbeat: Heartbeat
  limits: Limits
}

export interface ErrorFrame {
  type: 'error'
  id?: RequestId
  code: number
  name: string
  message: string
  retryable: boolean
  retryAfterMs?: number
  msgId?: string
}

export interface Ok {
  type: 'ok'
  id: RequestId
  /** After `join` and `leave`: where the membership begins or ended. */
  epoch?: string
  top?: Seq
  /** After `network`. */
  heartbeat?: Heartbeat
  /** After `refresh`. */
  expiresAt?: Milliseconds
}

/** The accept-ack: durable at the declared level, ordered, will be delivered. */
export interface Sent {
  type: 'sent'
  id: RequestId
  msgId: string
  conv: ConversationId
  epoch: string
  seq: Seq
  timestamp: Milliseconds
  duplicate: boolean
}

/** One message as everybody sees it: the body of `msg` and an item of `page`. */
export interface Message {
  conv: ConversationId
  epoch: string
  seq: Seq
  msgId: string
  from: string
  content: Content
  contentType?: string
  /** The server's accept time. */
  timestamp: Milliseconds
  clientTime?: Milliseconds
  meta?: Record<string, string>
}

export interface Msg extends Message {
  type: 'msg'
  /** True if it came from the log and may have been delivered before. */
  replay?: boolean
}

export interface Receipt {
  type: 'receipt'
  conv: ConversationId
  epoch: string
  user: string
  kind: 'delivered' | 'read'
  seq: Seq
}

export type GapReason = 'overflow' | 'retention' | 'epoch' | 'future' | 'broker'

/** Ends the replay of one conversation. */
export interface Synced {
  type: 'synced'
  id?: RequestId
  conv: ConversationId
  epoch: string
  /** The replay held everything in (`from`, `to`] that this user may see. */
  from: Seq
  to: Seq
  /** The head of the conversation when this was written. */
  top: Seq
  /** False if more remains after `to`: live messages of it wait until a `sync` completes. */
  complete: boolean
  /** False: there is a hole before `from`, named in `gap`; reload. */
  recovered: boolean
  gap?: { from: Seq; to: Seq; reason: GapReason }
  /** This user's own read position, with capability `receipts`. */
  read?: Seq
}

export interface Live {
  type: 'live'
  id?: RequestId
}

export interface Page {
  type: 'page'
  id: RequestId
  epoch: string
  items: Message[]
  /** Opaque; present exactly when `complete` is false. */
  nextCursor?: string
  complete: boolean
}

export interface Gap {
  type: 'gap'
  conv: ConversationId
  epoch: string
  from: Seq
  to: Seq
  reason: GapReason
}

export interface Presence {
  type: 'presence'
  user: string
  state: 'online' | 'offline'
  devices: number
  since: Milliseconds
}

/**
 * To the other connections of a user whose membership of a group changed at `seq`; and in a replay, where it passes
 * from one membership to the next.
 */
export interface Membership {
  type: 'membership'
  conv: ConversationId
  epoch: string
  user: string
  change: 'joined' | 'left' | 'removed'
  seq: Seq
}

export interface Drain {
  type: 'drain'
  graceMs: number
  reconnectMinMs: number
  reconnectMaxMs: number
  resumable: boolean
}

// ---- both directions ----

export interface Ping {
  type: 'ping'
  /** Nonce, from 0 to 2^53-1, echoed by `pong`. */
  n: number
}

/** Queued behind every frame written to this connection before it: a fence. */
export interface Pong {
  type: 'pong'
  n: number
}

/** The last frame before a close: says more than a close reason can. */
export interface Bye {
  type: 'bye'
  code: number
  reason: string
  reconnect: Reconnect
  retryAfterMs?: number
}

export type ClientMessage =
  | Hello
  | Ping
  | Pong
  | NetworkChange
  | Refresh
  | Send
  | Ack
  | Read
  | Join
  | Leave
  | Sync
  | History
  | Bye

export type ServerMessage =
  | Welcome
  | ErrorFrame
  | Ok
  | Ping
  | Pong
  | Sent
  | Msg
  | Receipt
  | Synced
  | Live
  | Page
  | Gap
  | Presence
  | Membership
  | Drain
  | Bye

export type AnyMessage = ClientMessage | ServerMessage
export type FrameType = AnyMessage['type']

/** The `type` byte of the binary form. Numbers are never reused. */
export const frameNumbers = {
  hello: 1,
  welcome: 2,
  error: 3,
  ok: 4,
  ping: 5,
  pong: 6,
  network: 7,
  refresh: 8,
  send: 9,
  sent: 10,
  msg: 11,
  ack: 12,
  read: 13,
  receipt: 14,
  join: 15,
  leave: 16,
  sync: 17,
  synced: 18,
  live: 19,
  history: 20,
  page: 21,
  gap: 22,
  presence: 23,
  drain: 24,
  bye: 25,
  membership: 26,
} as const satisfies Record<FrameType, number>

/** Who may write a frame type: `client`, `server` or both. */
export const frameDirections = {
  hello: 'client',
  welcome: 'server',
  error: 'server',
  ok: 'server',
  ping: 'both',
  pong: 'both',
  network: 'client',
  refresh: 'client',
  send: 'client',
  sent: 'server',
  msg: 'server',
  ack: 'client',
  read: 'client',
  receipt: 'server',
  join: 'client',
  leave: 'client',
  sync: 'client',
  synced: 'server',
  live: 'server',
  history: 'client',
  page: 'server',
  gap: 'server',
  presence: 'server',
  drain: 'server',
  bye: 'both',
  membership: 'server',
} as const satisfies Record<FrameType, 'client' | 'server' | 'both'>
