// `history`, and `GET /api/history`: pages of the log by time and by seq, with cursors that survive new messages.
import { errors, type History, jsonCodec, type Message, type Page, type Seq } from '../../protocol/index.ts'
import { isMember, nextVisible, type Window } from '../conversation.ts'
import type { Hub } from '../hub.ts'
import { refuse, type Session } from '../session.ts'

export type HistoryQuery = Omit<History, 'type' | 'id'>
export type HistoryError = 'BAD_REQUEST' | 'NOT_MEMBER' | 'CURSOR_INVALID'
export type HistoryResult =
  | { ok: true; page: Omit<Page, 'type' | 'id'> }
  | { ok: false; error: HistoryError; why: string }

/** Frame bytes that are not items: type, id, epoch, cursor. */
const pageOverheadBytes = 1_024

export function handleHistory(hub: Hub, session: Session, message: History): void {
  const result = readHistory(hub, session.user?.id ?? '', message)
  if (result.ok) session.write(hub, { type: 'page', id: message.id, ...result.page })
  else refuse(hub, session, errors[result.error], result.why, { id: message.id })
}

export function readHistory(hub: Hub, userId: string, query: HistoryQuery): HistoryResult {
  const most = hub.options.limits.historyMaxLimit
  if (query.limit > most) {
    return { ok: false, error: 'BAD_REQUEST', why: `limit: ${query.limit} arrived, 1 to ${most} are allowed` }
  }
  const conversation = hub.conversation(query.conv)
  const windows = conversation.members.get(userId)?.windows
  if (windows === undefined || !isMember(conversation, userId)) {
    return { ok: false, error: 'NOT_MEMBER', why: `not a member of ${query.conv}` }
  }
  const range = rangeOf(hub, query)
  if (query.cursor !== undefined) {
    const next = parseCursor(query, userId)
    if (next === undefined)
      return { ok: false, error: 'CURSOR_INVALID', why: 'cursor: not one of this query' }
    if (query.order === 'asc') range.after = Math.max(range.after, next)
    else range.upTo = Math.min(range.upTo, next - 1)
  }
  return { ok: true, page: pageOf(hub, userId, query, windows, range) }
}

interface Range {
  after: Seq
  upTo: Seq
}

function rangeOf(hub: Hub, query: HistoryQuery): Range {
  const { conv, fromTime, toTime, afterSeq = 0, beforeSeq } = query
  let after = afterSeq
  let upTo = hub.log.head(conv)
  if (beforeSeq !== undefined) upTo = Math.min(upTo, beforeSeq - 1)
  if (fromTime !== undefined) after = Math.max(after, hub.log.seqAtTime(conv, fromTime) - 1)
  if (toTime !== undefined) upTo = Math.min(upTo, hub.log.seqAtTime(conv, toTime) - 1)
  return { after, upTo }
}

function pageOf(
  hub: Hub,
  userId: string,
  query: HistoryQuery,
  windows: readonly Window[],
  range: Range,
): Omit<Page, 'type' | 'id'> {
  const found =
    query.order === 'asc' ? forward(hub, query, windows, range) : backward(hub, query, windows, range)
  const items: Message[] = []
  let bytes = pageOverheadBytes
  for (const message of found.slice(0, query.limit)) {
    bytes += Buffer.byteLength(jsonCodec.encode({ type: 'msg', ...message }, 0))
    if (items.length > 0 && bytes > hub.options.limits.maxFrame) break
    items.push(message)
  }
  const epoch = hub.log.epoch
  const last = items[items.length - 1]
  if (last === undefined || items.length === found.length) return { epoch, items, complete: true }
  return { epoch, items, nextCursor: cursorAfter(query, userId, last.seq), complete: false }
}

/** One more than the limit: whether more remains is known, never guessed from a short page. */
function forward(
  hub: Hub,
  query: HistoryQuery,
  windows: readonly Window[],
  { after, upTo }: Range,
): Message[] {
  const found: Message[] = []
  let position = after
  while (found.length <= query.limit) {
    const stretch = nextVisible(windows, position, upTo)
    if (stretch === undefined) break
    const limit = query.limit + 1 - found.length
    const batch = hub.log.read(query.conv, { after: stretch.from, upTo: stretch.to, limit })
    for (const message of batch) found.push(message)
    position = batch.length < limit ? stretch.to : (batch[batch.length - 1]?.seq ?? stretch.to)
  }
  return found
}

function backward(
  hub: Hub,
  query: HistoryQuery,
  windows: readonly Window[],
  { after, upTo }: Range,
): Message[] {
  const found: Message[] = []
  for (const [from, to] of [...windows].reverse()) {
    const limit = query.limit + 1 - found.length
    const start = Math.max(after, from)
    const end = Math.min(upTo, to ?? upTo)
    if (limit <= 0 || start >= end) continue
    for (const message of hub.log.read(query.conv, { after: start, upTo: end, limit, reverse: true }))
      found.push(message)
  }
  return found
}

/** Seq-based, so that new messages shift nothing; bound to its query by a checksum, not a secret: rights are checked anew. */
function cursorAfter(query: HistoryQuery, userId: string, seq: Seq): string {
  return `${seq.toString(36)}.${checksum(query, userId, seq)}`
}

function parseCursor(query: HistoryQuery, userId: string): Seq | undefined {
  const [seqText = '', sum = ''] = (query.cursor ?? '').split('.')
  const seq = Number.parseInt(seqText, 36)
  if (!Number.isSafeInteger(seq) || seq < 1 || seq.toString(36) !== seqText) return undefined
  return sum === checksum(query, userId, seq) ? seq : undefined
}

/** FNV-1a over the query that the cursor belongs to. */
function checksum(query: HistoryQuery, userId: string, seq: Seq): string {
  const { conv, order, fromTime, toTime, afterSeq, beforeSeq } = query
  const text = [userId, seq, conv, order, fromTime, toTime, afterSeq, beforeSeq].join(' ')
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0).toString(36)
}
