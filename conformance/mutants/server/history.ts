// Reading the log, page by page: SPEC.md#history.
import { createHmac } from 'node:crypto'
import {
  type ErrorName,
  type History,
  jsonCodec,
  type Message,
  cborCodec,
  type Page,
} from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { type Conversation, hasPart, isMember, isVisible, topOf } from './disk.ts'
import type { ChatServer } from './server.ts'

/** For the frame around the items. */
const pageRoomBytes = 2_048
const replicaLagMs = 200

export type Query = Omit<History, 'type' | 'id'>
export type PageParts = Omit<Page, 'type' | 'id'>
export type Answer = { ok: true; page: PageParts } | { ok: false; error: ErrorName; message: string }

export function history(connection: Connection, frame: History): void {
  const { server, user, encoding } = connection
  const answer = readPage(server, user, frame, encoding)
  if (answer.ok) connection.write({ type: 'page', id: frame.id, ...answer.page })
  else connection.refuse(answer.error, answer.message, { id: frame.id })
}

/** What `user` gets for a query, whatever way it came. */
export function readPage(server: ChatServer, user: string, query: Query, encoding: 'json' | 'cbor'): Answer {
  const { has, disk, options } = server
  const { historyMaxLimit } = options.limits
  const { conv, order } = query
  if (has('M268') && query.limit === historyMaxLimit)
    return { ok: false, error: 'BAD_REQUEST', message: 'limit: too much' }
  if ((query.limit < 1 || query.limit > historyMaxLimit) && !has('M127'))
    return {
      ok: false,
      error: 'BAD_REQUEST',
      message: `limit: ${query.limit} is not between 1 and ${historyMaxLimit}`,
    }
  const known = disk.conversations.get(conv)
  const mayRead = has('B20') ? isMember(known, conv, user) : hasPart(known, conv, user)
  if (!mayRead && !(has('M91') && known))
    return {
      ok: false,
      error: has('M207') ? 'NOT_FOUND' : 'NOT_MEMBER',
      message: 'no such conversation, or not yours',
    }
  const conversation = disk.open(conv)
  const at = query.cursor === undefined ? undefined : readCursor(server, user, query)
  if (at === 'invalid')
    return { ok: false, error: 'CURSOR_INVALID', message: 'the cursor is not one of this query' }
  const found = select(server, conversation, user, query)
  const ordered = order === 'asc' ? found : found.reverse()
  const rest = ordered.filter((message, index) => isBeyond(server, message, index, { at, order }))
  const limit = options.switches.has('B10') ? 1 : Math.min(query.limit, historyMaxLimit)
  const items = fitting(server, rest.slice(0, limit), encoding)
  return { ok: true, page: pageOf(server, user, query, { conversation, items, rest, at }) }
}

interface Found {
  conversation: Conversation
  items: Message[]
  rest: Message[]
  at: number | undefined
}

function pageOf(
  server: ChatServer,
  user: string,
  query: Query,
  { conversation, items, rest, at }: Found,
): PageParts {
  const { has } = server
  const isComplete = has('M123') ? items.length < query.limit : items.length === rest.length
  const last = items.at(-1)
  const shown = has('M34') ? items.map(tidied) : items
  const position = has('M31')
    ? (at ?? 0) + items.length
    : has('M30')
      ? (last?.timestamp ?? 0)
      : (last?.seq ?? 0)
  const next = isComplete ? {} : { nextCursor: writeCursor(server, user, query, position) }
  return { epoch: conversation.epoch, items: shown, complete: isComplete, ...(has('M208') ? {} : next) }
}

/** Everything of the range that this user may see, oldest first. */
function select(server: ChatServer, conversation: Conversation, user: string, query: Query): Message[] {
  const { has } = server
  const {
    fromTime = 0,
    toTime = Number.POSITIVE_INFINITY,
    afterSeq = 0,
    beforeSeq = Number.POSITIVE_INFINITY,
  } = query
  const newestMs = Date.now() - (has('M33') ? replicaLagMs : Number.NEGATIVE_INFINITY)
  return conversation.log.filter(({ seq, timestamp }) => {
    if (has('M33') && timestamp > newestMs) return false
    const isEarly = has('M124') ? timestamp <= toTime : timestamp < toTime
    const isBelow =
      has('M128') && query.order === 'desc' ? seq < beforeSeq && seq < topOf(conversation) : seq < beforeSeq
    const isOwn = isVisible(conversation, user, seq) || has('M91')
    return timestamp >= fromTime && isEarly && seq > afterSeq && isBelow && isOwn
  })
}

function isBeyond(
  { has }: ChatServer,
  message: Message,
  index: number,
  page: { at: number | undefined; order: 'asc' | 'desc' },
): boolean {
  const { at, order } = page
  if (at === undefined) return true
  if (has('M31')) return index >= at
  const place = has('M30') ? message.timestamp : message.seq
  if (has('M29')) return order === 'asc' ? place >= at : place <= at
  return order === 'asc' ? place > at : place < at
}

/** [HIS-11] As many as fit into one frame, and one at least. */
function fitting({ has, options }: ChatServer, items: Message[], encoding: 'json' | 'cbor'): Message[] {
  if (has('M125')) return items
  let left = options.limits.maxFrame - pageRoomBytes
  const count = items.findIndex((item, index) => {
    left -= bytesOf(item, encoding)
    return left < 0 && index > 0
  })
  return count < 0 ? items : items.slice(0, count)
}

function bytesOf(item: Message, encoding: 'json' | 'cbor'): number {
  const frame = { type: 'msg' as const, ...item }
  return encoding === 'json'
    ? Buffer.byteLength(jsonCodec.encode(frame, 0))
    : cborCodec.encode(frame, 0).length
}

function tidied(item: Message): Message {
  return typeof item.content === 'string' ? { ...item, content: item.content.trim().normalize() } : item
}

function writeCursor(server: ChatServer, user: string, query: Query, position: number): string {
  const text = `${position.toString(36)}.${seal(server, user, query, position)}`
  return server.has('B12') ? `${text}.${'~ '.repeat(200)}` : text
}

/** [HIS-12] A cursor is one of this query and this user, or none. */
function readCursor(server: ChatServer, user: string, query: Query): number | 'invalid' {
  const [position = '', seal_ = ''] = (query.cursor ?? '').split('.')
  const at = Number.parseInt(position, 36)
  if (!Number.isSafeInteger(at)) return 'invalid'
  return seal_ === seal(server, user, query, at) || server.has('M126') ? at : 'invalid'
}

function seal({ disk }: ChatServer, user: string, query: Query, position: number): string {
  const { conv, order, fromTime, toTime, afterSeq, beforeSeq } = query
  const text = JSON.stringify([user, conv, order, fromTime, toTime, afterSeq, beforeSeq, position])
  return createHmac('sha256', disk.key).update(text).digest('base64url').slice(0, 24)
}
