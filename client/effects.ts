// What goes into the session and what comes out of it; all else of the client is wiring.
import type {
  ClientMessage,
  ConversationId,
  GapReason,
  History,
  Join,
  Leave,
  Limits,
  Live,
  Membership,
  Msg,
  Network,
  NetworkChange,
  Ok,
  Page,
  Presence,
  Read,
  Receipt,
  Refresh,
  Sent,
  Seq,
  ServerMessage,
} from '../protocol/index.ts'
import type { Reason } from './reconnect.ts'
import type { ClientState, PendingSend } from './storage.ts'

/** `stopped` stays until `connect`; `idle` is before the first `connect` and after `disconnect` or `close`. */
export type LinkState =
  | 'idle'
  | 'connecting'
  | 'hello-sent'
  | 'replaying'
  | 'live'
  | 'draining'
  | 'backoff'
  | 'stopped'

export interface Status {
  state: LinkState
  /** In `backoff` and `stopped`: why. */
  reason?: Reason
  /** In `backoff` and `draining`: time until the next attempt. */
  retryInMs?: number
  /** From `replaying` on. */
  userId?: string
  limits?: Readonly<Limits>
  caps?: readonly string[]
  /** In `live`: messages that came from the log before it. */
  caughtUp?: number
}

/** Refused by the server, or by this client before anything was written. */
export interface Refused {
  /** From the table of errors; absent if this client refused. */
  code?: number
  name: string
  message: string
  /** True: it certainly had no effect. False: an earlier attempt, whose answer was lost, may have had one. */
  definite: boolean
}

export type SentInfo = Omit<Sent, 'type' | 'id'>
export type SendResult = { ok: true; sent: SentInfo } | { ok: false; error: Refused }
export type RequestResult = { ok: true; reply: Ok | Page | Live } | { ok: false; error: Refused }

/** A hole that the server cannot fill: what the application shows of the conversation may miss (`from`, `to`]. */
export interface Discontinuity {
  conv: ConversationId
  epoch: string
  from: Seq
  to: Seq
  /** `unannounced`: the server skipped messages and did not say so. */
  reason: GapReason | 'unannounced'
}

/** What the application hears, in order; the session goes on only after a message was handled. */
export type Delivery =
  | { type: 'message'; message: Msg }
  | { type: 'discontinuity'; discontinuity: Discontinuity }

export type Notice =
  | { type: 'state'; status: Status }
  | { type: 'receipt'; receipt: Receipt }
  | { type: 'presence'; presence: Presence }
  | { type: 'membership'; membership: Membership }
  | { type: 'trouble'; trouble: Reason }

export type RequestFrame =
  | Omit<Join, 'id'>
  | Omit<Leave, 'id'>
  | Omit<History, 'id'>
  | Omit<Read, 'id'>
  | Omit<NetworkChange, 'id'>
  | Omit<Refresh, 'id'>

export type SessionEvent =
  /** The storage was read; nothing is saved or sent before. */
  | { type: 'restored'; state: ClientState | undefined }
  | { type: 'connect' }
  /** Try again now, if a retry is due later. */
  | { type: 'retry' }
  /** Leave, and stay away until `connect`. */
  | { type: 'disconnect' }
  /** Leave for good. */
  | { type: 'close' }
  | { type: 'token'; attempt: number; token: string }
  | { type: 'no-token'; attempt: number; message: string }
  | { type: 'opened' }
  | { type: 'frame'; frame: ServerMessage }
  | { type: 'bad-frame'; message: string }
  | { type: 'closed'; code: number; message: string }
  | { type: 'send'; send: PendingSend }
  | { type: 'request'; key: number; frame: RequestFrame }
  | { type: 'read'; conv: ConversationId; seq: Seq }
  | { type: 'network'; network: Network }
  /** The application's handler of a delivered message returned. */
  | { type: 'handled'; conv: ConversationId; epoch: string; seq: Seq }
  | { type: 'saved' }
  | { type: 'not-saved'; message: string }
  /** The application cannot go on. */
  | { type: 'failed'; reason: Reason }
  | { type: 'tick' }

/** What comes from the application and its storage. */
export type ApplicationEvent = Extract<
  SessionEvent,
  { type: 'send' | 'request' | 'read' | 'network' | 'handled' | 'saved' | 'not-saved' }
>

/** What a server writes only after `welcome`. */
export type SessionFrame = Exclude<ServerMessage, { type: 'ping' | 'bye' | 'welcome' | 'error' }>

export type Effect =
  /** Answered by `token` or `no-token` with the same `attempt`. `refused`: the last one is of no use. */
  | { type: 'get-token'; attempt: number; refused: boolean }
  /** Answered by `opened` or `closed`. */
  | { type: 'open' }
  | { type: 'write'; frame: ClientMessage }
  /** The socket is of no more interest; nothing of it is handed in afterwards. */
  | { type: 'close'; code: number; message: string }
  /** Answered by `saved` or `not-saved`; at most one at a time. */
  | { type: 'save'; state: ClientState }
  | { type: 'deliver'; delivery: Delivery }
  | { type: 'settle'; msgId: string; result: SendResult }
  | { type: 'reply'; key: number; result: RequestResult }
  | { type: 'notice'; notice: Notice }
