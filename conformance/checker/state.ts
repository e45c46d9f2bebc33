// What the judge remembers of a history; all of it follows open conversations and undelivered messages.
import type {
  CloseEvent,
  ConnectEvent,
  ErrorEvent,
  HistoryEvent,
  PresenceEvent,
  ReceiptEvent,
  SendEvent,
  SentEvent,
  WelcomeEvent,
} from './events.ts'
import type { Fence, Request, SendOrder, Walk } from './asked.ts'
import type { Findings } from './findings.ts'
import type { CheckerOptions } from './options.ts'
import type { Counters } from './report.ts'
import type { Window } from './windows.ts'

/** Something seen at a seq. */
export interface Sighting {
  seq: number
  event: HistoryEvent
}

/** One message as its sender named it. */
export interface Message {
  from: User
  msgId: string
  /** The first attempt; undefined if nobody was seen to send it. */
  invoke: SendEvent | undefined
  /** Attempts that differ from the first in body or conversation. */
  variants: SendEvent[] | undefined
  open: number
  unknown: number
  ok: number
  refusedBy: ErrorEvent | undefined
  /** The ack with the highest seq of the conversation when the first attempt began. */
  after: SentEvent | undefined
  /** Where it was seen first, and as what. */
  log: Log | undefined
  seq: number
  hash: number
  timestamp: number
  placedBy: HistoryEvent | undefined
  sent: SentEvent | undefined
  wasRecovered: boolean
  /** On its way out of the memory. */
  isRetired: boolean
}

/** One numbering of a conversation. */
export interface Log {
  conversation: Conversation
  epoch: string
  /** Seqs up to here were there before the recording. */
  base: number
  /** Seqs up to here may be forgotten. */
  floor: number
  /** The highest seq seen at all, and in an ack. */
  head: number
  acked: SentEvent | undefined
  bySeq: Map<number, Message>
  /** Those of `bySeq` that are not settled. */
  fresh: Message[]
  /** So many fresh ones start the next sweep. */
  sweepAt: number
  sums: Sums
  /** Streams that took a seq nobody has seen for an own send. */
  presumers: Map<number, Set<Stream>>
  /** What the final reads covered: seqs in (from, to], apart and ascending. */
  finals: { from: number; to: number }[]
}

/** Sums over stretches of `stride` seqs, by which also forgotten messages are compared. */
export interface Sums {
  stride: number
  stretches: Map<number, { sum: number; count: number }>
}

export interface Conversation {
  id: string
  /** Of a direct one: its two users. */
  direct: readonly string[] | undefined
  /** The newest numbering. */
  log: Log | undefined
  logs: Map<string, Log>
  members: Map<string, Membership>
  places: Place[]
}

/** What one connection has seen of a conversation that its user is perhaps not in yet. */
export interface Held {
  first: Sighting
  last: Sighting
  connection: Connection | undefined
  /** What its device had before. */
  had: number
}

/** A user in a conversation. The windows are about the newest log. */
export interface Membership {
  user: User
  conversation: Conversation
  windows: Window[]
  /** Joins and leaves of this user that are not answered. */
  pending: number
  /** Since the last time that none was pending: how many, and the highest acked seq at the first. */
  asked: number
  ackedAtFirst: number
  pendingOn: Connection | undefined
  /** Several connections had one under way at once. */
  isRacing: boolean
  /** A join or leave had an unknown outcome, and nobody has waited for quiet since. */
  isDoubtful: boolean
  /** Without an answer: they may still take effect, also after later ones. */
  latent: Set<'join' | 'leave'>
  /** Seen outside the windows while one was pending, by connection: the first and the last. */
  held: Map<string, Held> | undefined
  /** What last moved the windows. */
  changedBy: HistoryEvent | undefined
  /** What the server itself said meanwhile. */
  noted: { change: 'join' | 'leave'; seq: number; event: HistoryEvent } | undefined
  /** The highest seq that the user has seen. */
  seen: Sighting | undefined
  /** What its devices acknowledged and read, at most. */
  acked: number
  read: number
}

/** A device in a conversation. */
export interface Place {
  device: Device
  membership: Membership
  /** Everything up to here has arrived or is not for this device. */
  pos: number
  /** The highest seq delivered on connections that are over. */
  delivered: number
  /** Acknowledged, and the server has said so, since the last restart. */
  sureAcked: Sighting | undefined
}

export interface Device {
  id: string
  user: User
  places: Map<Conversation, Place>
  /** The newest one. */
  connection: Connection | undefined
}

export interface User {
  id: string
  messages: Map<string, Message>
  devices: Map<string, Device>
  memberships: Set<Membership>
  /** Sessions that are open, and when that changed last. */
  online: number
  changed: WelcomeEvent | CloseEvent | undefined
  changedByCut: boolean
}

/** A conversation as one connection sees it go by. */
export interface Stream {
  connection: Connection
  place: Place
  log: Log
  /** Everything up to here has arrived, was announced as a gap, or is not for this user. */
  pos: number
  /** The last seq that came as a `msg`, or was named by the client. */
  lastMsg: number
  /** The highest seq that came as a `msg`. */
  delivered: number
  /** Own sends above `pos`: they are known by their `sent`. */
  own: Set<number>
  /** Seqs that are left out, and put down to own sends without an answer; with what came before. */
  presumed: Map<number, HistoryEvent[]>
  /** No `msg` has come since the stream began or was set back. */
  atStart: boolean
  /** The `synced` of the replay after `welcome` has come. */
  hasReturned: boolean
  paused: boolean
  /** A cursor that the client named, and the server has to answer with `synced`. */
  rewinds: Rewind[]
  /** A jump at the start of a replay, legal if the `synced` that ends it announces it. */
  held: { before: number; seq: number; events: HistoryEvent[] } | undefined
  last: HistoryEvent | undefined
  /** Missing seqs up to here were reported. */
  judged: number
  unacked: number
}

export interface Rewind {
  /** Of the `sync`; undefined: the resume in `hello`. */
  id: number | undefined
  epoch: string
  seq: number
  event: HistoryEvent
  /** The last `msg` when the client asked, and the highest ack of the conversation. */
  lastMsgThen: number
  due: SentEvent | undefined
  applied: boolean
  /** Asked before the replay after `welcome` was over: the two cannot be told apart for sure. */
  isEarly: boolean
}

/** What a user has to have got: per conversation the highest ack. */
export type Due = ReadonlyMap<Membership, SentEvent>

export interface Connection {
  id: string
  user: User
  device: Device
  opened: ConnectEvent
  welcome: WelcomeEvent | undefined
  /** If its server was killed, what still comes was written before; a new one may have forgotten all of it. */
  server: 'same' | 'restarted' | 'forgotten'
  /** The replay after `welcome` is over. */
  live: boolean
  streams: Map<Conversation, Stream>
  requests: Map<number, Request>
  sends: Map<string, SendOrder>
  /** What was acked before the connect and has to be there when `live` comes. */
  due: Due | undefined
  /** A named cursor could not be recovered. */
  lost: HistoryEvent | undefined
  fences: Map<number, Fence>
  deliveries: number
  unacked: number
  /** The window was exhausted: what waits behind it may come after a fence. */
  wasFull: boolean
  walks: Map<string, Walk>
  presence: Map<string, PresenceEvent>
  receipts: Map<string, ReceiptEvent>
}

export interface State {
  options: CheckerOptions
  /** By the options, or by the header. */
  capabilities: readonly string[] | undefined
  findings: Findings
  counters: Counters
  users: Map<string, User>
  connections: Map<string, Connection>
  conversations: Map<string, Conversation>
  /** Settled messages, oldest first, to be forgotten when there are too many. */
  retired: Message[]
  retiredFrom: number
  nowMs: number
}
