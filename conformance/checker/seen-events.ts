// Events of the server's side: recorded when a frame arrives, or a connection ends.
import type { OnConnection, Position, SeenMessage } from './event-parts.ts'

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
 * A `pong` came: everything queued to this connection before it has arrived.
 * @example {"kind":"fenced","ms":9,"user":"bob","device":"phone","connection":"bob/1","n":77}
 */
export interface FencedEvent extends OnConnection {
  kind: 'fenced'
  n: number
}

export type SeenEvent =
  | WelcomeEvent
  | LiveEvent
  | CloseEvent
  | SentEvent
  | ErrorEvent
  | OkEvent
  | DeliverEvent
  | SyncedEvent
  | GapEvent
  | PageEvent
  | MembershipEvent
  | ReceiptEvent
  | PresenceEvent
  | FencedEvent
