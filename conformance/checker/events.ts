// The history of a run: what one recorder saw, in the order it saw it; one event is one line of a JSONL file.
//
// Requests (`send`, `join`, `sync` …) are recorded before they are written, everything else when it arrives, so
// the order of the lines is real time. An answer names its request by `id`, unique among a connection's open
// requests. A request without an answer has an unknown outcome: it may have happened. All senders and readers of
// a conversation have to be recorded; what others wrote before the recording is announced with `base`.

/** Grows when a reader of the old format would misread the new one. */
export const historyVersion = 1

/**
 * The first line.
 * @example {"kind":"header","format":"chatspec-history","version":1,"capabilities":["resume","groups"]}
 */
export interface HeaderEvent {
  kind: 'header'
  format: 'chatspec-history'
  version: typeof historyVersion
  /** As `welcome` declares them; what is not declared is not judged. Left out: nothing is known, all is judged. */
  capabilities?: string[]
}

/** Any moment of the run, not tied to a connection. */
interface Timed {
  /** Milliseconds on one monotonic clock; never decreases. */
  ms: number
}

/** Something that one connection of one device did or saw. */
interface OnConnection extends Timed {
  user: string
  device: string
  /** Unique in the history. */
  connection: string
}

/** A place in one numbering of one conversation. */
export interface Position {
  conv: string
  epoch: string
  seq: number
}

/** A message as any reader sees it. */
export interface SeenMessage {
  seq: number
  from: string
  msgId: string
  /** `bodyHash` of content, contentType and meta. */
  hash: number
  /** The server's accept time, in milliseconds. */
  timestamp: number
}

/**
 * Seqs up to `seq` were there before the recording began; `members` belong to the group since then.
 * @example {"kind":"base","ms":0,"conv":"g:team","epoch":"k3","seq":120,"members":["alice"]}
 */
export interface BaseEvent extends Timed, Position {
  kind: 'base'
  members?: string[]
}

/**
 * `hello` is about to be written; `cursors` if it asks for a resume.
 * @example {"kind":"connect","ms":1,"user":"bob","device":"phone","connection":"bob/1","cursors":[{"conv":"g:team","epoch":"k3","seq":41}]}
 */
export interface ConnectEvent extends OnConnection {
  kind: 'connect'
  cursors?: Position[]
  /** The harness names on purpose what the device never received, or says hello a second time. */
  deliberate?: boolean
}

/**
 * The session is open. `window` is `limits.window`: without it fences prove nothing.
 * @example {"kind":"welcome","ms":2,"user":"bob","device":"phone","connection":"bob/1","resumed":true,"window":256}
 */
export interface WelcomeEvent extends OnConnection {
  kind: 'welcome'
  resumed: boolean
  window?: number
}

/**
 * All replays are done: the one after `welcome`, or with `id` that of a `sync`.
 * @example {"kind":"live","ms":3,"user":"bob","device":"phone","connection":"bob/1"}
 */
export interface LiveEvent extends OnConnection {
  kind: 'live'
  id?: number
}

/**
 * The end of a connection; open requests have an unknown outcome from here on.
 * @example {"kind":"close","ms":9,"user":"bob","device":"phone","connection":"bob/1","code":1006,"clean":false}
 */
export interface CloseEvent extends OnConnection {
  kind: 'close'
  code: number
  /** False: cut, and the server may not know. */
  clean: boolean
}

/**
 * A send is about to be written; `conv` is derived if it names a user.
 * @example {"kind":"send","ms":4,"user":"alice","device":"laptop","connection":"alice/1","id":2,"msgId":"3f0b","conv":"d:alice:bob","hash":5823}
 */
export interface SendEvent extends OnConnection {
  kind: 'send'
  id: number
  msgId: string
  conv: string
  hash: number
  /** The harness reuses this msgId for another message on purpose. */
  deliberate?: boolean
}

/**
 * The accept-ack.
 * @example {"kind":"sent","ms":5,"user":"alice","device":"laptop","connection":"alice/1","id":2,"msgId":"3f0b","conv":"d:alice:bob","epoch":"k3","seq":42,"timestamp":1790000000123,"duplicate":false}
 */
export interface SentEvent extends OnConnection, Position {
  kind: 'sent'
  id: number
  msgId: string
  timestamp: number
  duplicate: boolean
}

/**
 * A request was refused. `definite`: it certainly had no effect; otherwise the outcome is unknown.
 * @example {"kind":"error","ms":5,"user":"alice","device":"laptop","connection":"alice/1","id":2,"code":104,"definite":true}
 */
export interface ErrorEvent extends OnConnection {
  kind: 'error'
  id: number
  code: number
  definite: boolean
}

/**
 * The harness gave up waiting; the outcome is unknown, a late answer still counts.
 * @example {"kind":"timeout","ms":9,"user":"alice","device":"laptop","connection":"alice/1","id":2}
 */
export interface TimeoutEvent extends OnConnection {
  kind: 'timeout'
  id: number
}

/**
 * A request was granted; `epoch` and `top` are the boundary that answers `join` and `leave`.
 * @example {"kind":"ok","ms":5,"user":"bob","device":"phone","connection":"bob/1","id":3,"epoch":"k3","top":17}
 */
export interface OkEvent extends OnConnection {
  kind: 'ok'
  id: number
  epoch?: string
  top?: number
}

/**
 * A `msg` arrived.
 * @example {"kind":"deliver","ms":6,"user":"bob","device":"phone","connection":"bob/1","conv":"d:alice:bob","epoch":"k3","seq":42,"from":"alice","msgId":"3f0b","hash":5823,"timestamp":1790000000123}
 */
export interface DeliverEvent extends OnConnection, Position, SeenMessage {
  kind: 'deliver'
  replay?: boolean
}

/**
 * The receiver acknowledges up to `seq`; with `id` it wants an `ok`.
 * @example {"kind":"ack","ms":6,"user":"bob","device":"phone","connection":"bob/1","conv":"d:alice:bob","epoch":"k3","seq":42}
 */
export interface AckEvent extends OnConnection, Position {
  kind: 'ack'
  id?: number
  /** The harness names on purpose what it never received. */
  deliberate?: boolean
}

/**
 * The user has read up to `seq`.
 * @example {"kind":"read","ms":7,"user":"bob","device":"phone","connection":"bob/1","conv":"d:alice:bob","epoch":"k3","seq":42}
 */
export interface ReadEvent extends OnConnection, Position {
  kind: 'read'
  id?: number
  deliberate?: boolean
}

/**
 * The client sets its positions back to `cursors`.
 * @example {"kind":"sync","ms":7,"user":"bob","device":"phone","connection":"bob/1","id":4,"cursors":[{"conv":"g:team","epoch":"k3","seq":41}]}
 */
export interface SyncEvent extends OnConnection {
  kind: 'sync'
  id: number
  cursors: Position[]
  deliberate?: boolean
}

/**
 * The replay of one conversation is over.
 * @example {"kind":"synced","ms":8,"user":"bob","device":"phone","connection":"bob/1","conv":"g:team","epoch":"k3","from":41,"to":42,"top":42,"complete":true,"recovered":true}
 */
export interface SyncedEvent extends OnConnection {
  kind: 'synced'
  id?: number
  conv: string
  epoch: string
  from: number
  to: number
  top: number
  complete: boolean
  recovered: boolean
}

/**
 * A skip of (`from`, `to`] is announced.
 * @example {"kind":"gap","ms":8,"user":"bob","device":"phone","connection":"bob/1","conv":"g:team","epoch":"k3","from":42,"to":60,"reason":"overflow"}
 */
export interface GapEvent extends OnConnection {
  kind: 'gap'
  conv: string
  epoch: string
  from: number
  to: number
  reason: string
}

/**
 * One page of history is asked for. `timed`: the query has bounds in time. `final`: part of reading a whole
 * conversation after everything else, by which losses are judged.
 * @example {"kind":"history","ms":9,"user":"bob","device":"phone","connection":"bob/1","id":5,"conv":"g:team","order":"asc","final":true}
 */
export interface HistoryRequestEvent extends OnConnection {
  kind: 'history'
  id: number
  conv: string
  order: 'asc' | 'desc'
  afterSeq?: number
  beforeSeq?: number
  timed?: boolean
  cursor?: string
  final?: boolean
}

/**
 * @example {"kind":"page","ms":9,"user":"bob","device":"phone","connection":"bob/1","id":5,"epoch":"k3","items":[{"seq":1,"from":"alice","msgId":"3f0b","hash":5823,"timestamp":1790000000123}],"complete":true}
 */
export interface PageEvent extends OnConnection {
  kind: 'page'
  id: number
  epoch: string
  items: SeenMessage[]
  nextCursor?: string
  complete: boolean
}

/**
 * Joins, or with `member` adds somebody.
 * @example {"kind":"join","ms":4,"user":"bob","device":"phone","connection":"bob/1","id":3,"conv":"g:team"}
 */
export interface JoinEvent extends OnConnection {
  kind: 'join'
  id: number
  conv: string
  member?: string
}

/**
 * Leaves, or with `member` removes somebody.
 * @example {"kind":"leave","ms":4,"user":"alice","device":"laptop","connection":"alice/1","id":3,"conv":"g:team","member":"bob"}
 */
export interface LeaveEvent extends OnConnection {
  kind: 'leave'
  id: number
  conv: string
  member?: string
}

/**
 * The server says that a membership began or ended.
 * @example {"kind":"membership","ms":5,"user":"bob","device":"phone","connection":"bob/1","conv":"g:team","epoch":"k3","member":"bob","change":"removed","seq":17}
 */
export interface MembershipEvent extends OnConnection, Position {
  kind: 'membership'
  member: string
  change: 'joined' | 'left' | 'removed'
}

/**
 * The server says how far another user is.
 * @example {"kind":"receipt","ms":8,"user":"alice","device":"laptop","connection":"alice/1","conv":"d:alice:bob","epoch":"k3","reader":"bob","mark":"read","seq":42}
 */
export interface ReceiptEvent extends OnConnection, Position {
  kind: 'receipt'
  reader: string
  mark: 'delivered' | 'read'
}

/**
 * @example {"kind":"presence","ms":8,"user":"alice","device":"laptop","connection":"alice/1","peer":"bob","online":true}
 */
export interface PresenceEvent extends OnConnection {
  kind: 'presence'
  peer: string
  online: boolean
}

/**
 * A `ping` with a nonce of its own is about to be written.
 * @example {"kind":"fence","ms":8,"user":"bob","device":"phone","connection":"bob/1","n":77}
 */
export interface FenceEvent extends OnConnection {
  kind: 'fence'
  n: number
}

/**
 * A `pong` came: everything queued to this connection before it has arrived.
 * @example {"kind":"fenced","ms":9,"user":"bob","device":"phone","connection":"bob/1","n":77}
 */
export interface FencedEvent extends OnConnection {
  kind: 'fenced'
  n: number
}

/**
 * The harness wrote something that no valid client writes; `deliberate` if that was the point.
 * @example {"kind":"invalid","ms":9,"user":"bob","device":"phone","connection":"bob/1","deliberate":true}
 */
export interface InvalidEvent extends OnConnection {
  kind: 'invalid'
  deliberate: boolean
}

/**
 * Something was done to the server or the network. `kill` and `restart` are judged by H17.
 * @example {"kind":"fault","ms":9,"fault":"kill","phase":"start"}
 */
export interface FaultEvent extends Timed {
  kind: 'fault'
  fault: string
  phase: 'start' | 'stop'
}

/**
 * The harness waited until nothing was under way any more: every connection that is live has all that is its.
 * @example {"kind":"quiet","ms":20}
 */
export interface QuietEvent extends Timed {
  kind: 'quiet'
}

export type ConnectionEvent =
  | ConnectEvent
  | WelcomeEvent
  | LiveEvent
  | CloseEvent
  | SendEvent
  | SentEvent
  | ErrorEvent
  | TimeoutEvent
  | OkEvent
  | DeliverEvent
  | AckEvent
  | ReadEvent
  | SyncEvent
  | SyncedEvent
  | GapEvent
  | HistoryRequestEvent
  | PageEvent
  | JoinEvent
  | LeaveEvent
  | MembershipEvent
  | ReceiptEvent
  | PresenceEvent
  | FenceEvent
  | FencedEvent
  | InvalidEvent

export type HistoryEvent = HeaderEvent | BaseEvent | FaultEvent | QuietEvent | ConnectionEvent
export type EventKind = HistoryEvent['kind']
