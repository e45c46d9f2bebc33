// Events of the recorder's own side: recorded before a frame is written, or when it gives up waiting.
import type { OnConnection, Position } from './event-parts.ts'

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
 * A `ping` with a nonce of its own is about to be written.
 * @example {"kind":"fence","ms":8,"user":"bob","device":"phone","connection":"bob/1","n":77}
 */
export interface FenceEvent extends OnConnection {
  kind: 'fence'
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
 * The harness gave up waiting; the outcome is unknown, a late answer still counts.
 * @example {"kind":"timeout","ms":9,"user":"alice","device":"laptop","connection":"alice/1","id":2}
 */
export interface TimeoutEvent extends OnConnection {
  kind: 'timeout'
  id: number
}

export type WrittenEvent =
  | ConnectEvent
  | SendEvent
  | AckEvent
  | ReadEvent
  | SyncEvent
  | HistoryRequestEvent
  | JoinEvent
  | LeaveEvent
  | FenceEvent
  | InvalidEvent
  | TimeoutEvent
