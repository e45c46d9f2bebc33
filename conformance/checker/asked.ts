// What a connection has asked for and not been answered.
import type {
  AckEvent,
  HistoryEvent,
  HistoryRequestEvent,
  JoinEvent,
  LeaveEvent,
  ReadEvent,
  SendEvent,
  SentEvent,
  SyncEvent,
} from './events.ts'
import type { Connection, Conversation, Due, Log, Membership, Message, Sighting } from './state.ts'

export type Request =
  | SendRequest
  | MemberRequest
  | { kind: 'sync'; event: SyncEvent }
  | HistoryRequest
  | { kind: 'mark'; event: AckEvent | ReadEvent }

export interface MemberRequest {
  kind: 'member'
  connection: Connection
  event: JoinEvent | LeaveEvent
  membership: Membership
  /** The highest acked seq when the first of those under way was written: no boundary is below. */
  ackedThen: number
}

export interface HistoryRequest {
  kind: 'history'
  event: HistoryRequestEvent
  walk: Walk
  /** What the answer has to hold: acked before, or for a final read seen before. */
  due: Sighting | undefined
  dueLog: Log | undefined
}

export interface SendRequest {
  kind: 'send'
  event: SendEvent
  message: Message
  isUnknown: boolean
  /** Answered later than this one, which was written later. */
  passedBy: SentEvent | undefined
  /** The highest ack of those written before, when it was passed. */
  before: SentEvent | undefined
}

/** Sends of one connection to one conversation, in the order in which they were written. */
export interface SendOrder {
  waiting: SendRequest[]
  /** Neither acked nor refused: also those that timed out or failed. */
  unanswered: Set<SendRequest>
  highest: SentEvent | undefined
}

export interface Fence {
  event: HistoryEvent
  due: Due
  /** The window as it was when the fence was written. */
  unackedThen: number
  deliveriesThen: number
}

/** Pages of one query, so far. */
export interface Walk {
  conversation: Conversation
  /** Of the first page. */
  epoch: string | undefined
  /** The last seq read; undefined before the first item. */
  last: Sighting | undefined
  /** The first item of a final read. */
  start: number | undefined
  /** The stretch being summed up. */
  stretch: { index: number; stride: number; sum: number; count: number }
  /** Something was wrong already. */
  broken: boolean
}
