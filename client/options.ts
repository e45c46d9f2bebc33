// What an application says to the client and hears from it, and the checks of what it says.
import {
  ChatspecError,
  type Content,
  type ConversationId,
  directPattern,
  type Encoding,
  groupPattern,
  type History,
  maxMetaEntries,
  maxMetaValueBytes,
  type Membership,
  metaKeyPattern,
  type Msg,
  msgIdPattern,
  type Network,
  namePattern,
  plainUtf8,
  type Presence,
  type Receipt,
  type Seq,
} from '../protocol/index.ts'
import type { Clock } from './clock.ts'
import type { Discontinuity, Refused, RequestResult, SendResult, SentInfo, Status } from './effects.ts'
import type { Reason } from './reconnect.ts'
import type { WebSocketConstructor } from './socket.ts'
import type { PendingSend, Storage } from './storage.ts'
import { randomUuid } from './uuid.ts'

const loneSurrogate = /\p{Surrogate}/u

/** Asked before each attempt to connect and before the token in use expires. `refused`: the last one is of no use. */
export type TokenProvider = (context: { refused: boolean }) => string | Promise<string>

export interface ClientOptions {
  /** `ws:` or `wss:`. */
  url: string
  token: string | TokenProvider
  /** The same whenever this device comes back, and of no other device. */
  deviceId: string
  /** Default `json`. */
  encoding?: Encoding
  /** Without one, a new client begins where the server believes this device to be. */
  storage?: Storage
  network?: Network
  /** Optional features; default `presence` and `receipts`. */
  caps?: readonly string[]
  /** Name and version of the application, for the server's log. */
  client?: { name: string; version: string }
  /** Default: the platform's own, else that of the package `ws`. */
  webSocket?: WebSocketConstructor
  /** Messages without an answer; more are refused with TOO_MANY_PENDING. Default 1000. */
  maxPending?: number
  /** The same for other requests. Default 100. */
  maxRequests?: number
  /** For tests. */
  clock?: Clock
  random?: () => number
}

export interface ClientEvents {
  /** Once each, in the order of their conversation; not the own messages of this device. */
  message: Msg
  /** Comes in order with the messages. */
  discontinuity: Discontinuity
  sent: SentInfo
  refused: { msgId: string; error: Refused }
  receipt: Receipt
  presence: Presence
  /** Of this user, in a group. */
  membership: Membership
  state: Status
  /** The client does not try any more, until `connect`. */
  stopped: Reason
  /** Something went wrong that the client deals with itself. */
  trouble: Reason
}

/** Exactly one of `to` (a user) and `conv`. */
export interface NewMessage extends Omit<PendingSend, 'msgId'> {
  /** Default: a new one. */
  msgId?: string
}

export interface SendHandle {
  msgId: string
  /**
   * Resolves when the server has answered for good, however long that takes; never rejects. Stays open when the client
   * is closed before: its successor with the same storage goes on, and gets a handle by the `msgId`.
   */
  result: Promise<SendResult>
}

export type HistoryQuery = { conv: ConversationId } & Partial<
  Omit<History, 'type' | 'id' | 'conv' | 'cursor'>
>

export type MembershipResult = RequestResult

/** @throws ChatspecError BAD_OPTION */
export function checkOptions(options: ClientOptions): void {
  const { url, deviceId, maxPending = 1, maxRequests = 1 } = options
  if (!URL.canParse(url) || !/^wss?:$/.test(new URL(url).protocol))
    refuse('BAD_OPTION', 'url', url, 'ws: or wss:')
  if (!namePattern.test(deviceId)) refuse('BAD_OPTION', 'deviceId', deviceId, String(namePattern))
  for (const [name, value] of Object.entries({ maxPending, maxRequests })) {
    if (!Number.isSafeInteger(value) || value < 1) refuse('BAD_OPTION', name, value, 'an integer from 1')
  }
}

/** The message as it is kept and sent. @throws ChatspecError BAD_SEND */
export function checkSend(message: NewMessage): PendingSend {
  const { msgId = randomUuid(), to, conv, contentType, meta } = message
  if (!msgIdPattern.test(msgId)) refuse('BAD_SEND', 'msgId', msgId, 'a lower-case UUID of version 4')
  if ((to === undefined) === (conv === undefined)) refuse('BAD_SEND', 'to', to, 'exactly one of to and conv')
  if (to !== undefined && !namePattern.test(to)) refuse('BAD_SEND', 'to', to, String(namePattern))
  if (conv !== undefined && !isConversation(conv))
    refuse('BAD_SEND', 'conv', conv, 'd:<low>:<high> or g:<group>')
  if (contentType !== undefined && !/^[ -~]{1,128}$/.test(contentType)) {
    refuse('BAD_SEND', 'contentType', contentType, '1 to 128 printable ASCII characters')
  }
  checkNatural('BAD_SEND', { clientTime: message.clientTime })
  const { content } = message
  if (typeof content === 'string' && loneSurrogate.test(content)) {
    refuse('BAD_SEND', 'content', 'text with a lone surrogate', 'well-formed text, or bytes')
  }
  checkMeta(meta ?? {})
  return { ...message, msgId, content: ownContent(content) }
}

/** @throws ChatspecError BAD_REQUEST */
export function checkHistory({ fromTime, toTime, afterSeq, beforeSeq, limit }: HistoryQuery): void {
  checkNatural('BAD_REQUEST', { fromTime, toTime, afterSeq, beforeSeq, limit })
  if (limit === 0) refuse('BAD_REQUEST', 'limit', limit, 'an integer from 1')
}

/** @throws ChatspecError BAD_REQUEST */
export function checkRead(seq: Seq): void {
  checkNatural('BAD_REQUEST', { seq })
}

/** JSON knows no NaN: a server would close the connection for such a frame, and for each repeat of it. */
function checkNatural(code: Misuse, numbers: Record<string, number | undefined>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) {
      refuse(code, name, String(value), 'an integer from 0')
    }
  }
}

function isConversation(conv: string): boolean {
  const direct = directPattern.exec(conv)
  if (!direct) return groupPattern.test(conv)
  const [, low = '', high = ''] = direct
  return low <= high
}

function checkMeta(meta: Record<string, string>): void {
  const entries = Object.entries(meta)
  if (entries.length > maxMetaEntries)
    refuse('BAD_SEND', 'meta', entries.length, `at most ${maxMetaEntries} entries`)
  for (const [key, value] of entries) {
    if (!metaKeyPattern.test(key)) refuse('BAD_SEND', 'meta', key, String(metaKeyPattern))
    if (loneSurrogate.test(value) || plainUtf8.byteLength(value) > maxMetaValueBytes) {
      refuse(
        'BAD_SEND',
        `meta.${key}`,
        `${value.length} characters`,
        `at most ${maxMetaValueBytes} bytes of UTF-8`,
      )
    }
  }
}

/** A repeat must be byte for byte the same, whatever the caller does with its buffer meanwhile. */
function ownContent(content: Content): Content {
  return typeof content === 'string' ? content : content.slice()
}

type Misuse = 'BAD_OPTION' | 'BAD_SEND' | 'BAD_REQUEST'

function refuse(code: Misuse, name: string, value: unknown, allowed: string): never {
  throw new ChatspecError(code, `${name} is ${JSON.stringify(value) ?? 'absent'}; allowed is ${allowed}`)
}
