// H1, H4, H11, H13 and what H10 says of reading: pages of history against everything that was seen.
import type { HistoryRequestEvent, PageEvent, SeenMessage } from './events.ts'
import { firstMissing, logOf, membershipOf } from './entities.ts'
import { judgeVisible } from './membership.ts'
import { evidenceAt, observe } from './messages.ts'
import type { HistoryRequest, Walk } from './asked.ts'
import type { Connection, Conversation, Log, Membership, Sighting, State } from './state.ts'
import { fingerprint, isRightSum, stretchOf } from './sums.ts'

/** Walks of one connection that may wait for their next page. */
const walksMax = 64

/** One page is asked for: the first of a walk, or the one behind a cursor. */
export function askHistory(
  connection: Connection,
  conversation: Conversation,
  event: HistoryRequestEvent,
): HistoryRequest {
  const known = event.cursor === undefined ? undefined : connection.walks.get(event.cursor)
  if (event.cursor !== undefined) connection.walks.delete(event.cursor)
  const walk: Walk = known ?? {
    conversation,
    epoch: undefined,
    last: undefined,
    start: undefined,
    stretch: { index: -1, stride: 0, sum: 0, count: 0 },
    // A cursor from elsewhere: nobody knows where this walk began.
    broken: event.cursor !== undefined,
  }
  const { log } = conversation
  return { kind: 'history', event, walk, due: dueTo(log, event), dueLog: log }
}

/** What a read has to hold: what was acked before, and a final one everything that anybody has seen. */
function dueTo(log: Log | undefined, { final }: HistoryRequestEvent): Sighting | undefined {
  if (log === undefined) return undefined
  const { acked, head } = log
  const newest = final === true && head > (acked?.seq ?? 0) ? log.bySeq.get(head)?.placedBy : undefined
  if (newest !== undefined) return { seq: head, event: newest }
  return acked && { seq: acked.seq, event: acked }
}

/** A page answers. */
export function readPage(
  state: State,
  connection: Connection,
  request: HistoryRequest,
  event: PageEvent,
): void {
  const { walk } = request
  const log = logOf(walk.conversation, event.epoch, connection)
  if (walk.epoch !== undefined && walk.epoch !== event.epoch) {
    walk.broken = true
    walk.last = undefined
  }
  walk.epoch = event.epoch
  const reading: Reading = {
    state,
    connection,
    request,
    event,
    log,
    walk,
    membership: memberOf(connection, walk),
  }
  state.counters.historyItems += event.items.length
  for (const item of event.items) readItem(reading, item)
  if (event.complete) endWalk(reading)
  else if (event.nextCursor !== undefined) keepWalk(connection, event.nextCursor, walk)
}

interface Reading {
  state: State
  connection: Connection
  request: HistoryRequest
  event: PageEvent
  log: Log
  walk: Walk
  membership: Membership
}

function memberOf(connection: Connection, walk: Walk): Membership {
  return membershipOf(walk.conversation, connection.user)
}

function keepWalk(connection: Connection, cursor: string, walk: Walk): void {
  connection.walks.set(cursor, walk)
  const [oldest] = connection.walks.keys()
  if (connection.walks.size > walksMax && oldest !== undefined) connection.walks.delete(oldest)
}

function readItem(reading: Reading, item: SeenMessage): void {
  const { state, connection, event, log, walk } = reading
  observe(state, log, item, event)
  judgeVisible(state, connection, log, { seq: item.seq, event })
  state.findings.tallies.H11.examined += 1
  const isForward = walk.last === undefined || isBehind(reading, walk.last.seq, item.seq)
  if (!isForward) {
    repeats(reading, item)
    return
  }
  judgeBetween(reading, item.seq)
  sumUp(reading, item)
  walk.start ??= item.seq
  walk.last = { seq: item.seq, event }
}

function isBehind({ request }: Reading, last: number, seq: number): boolean {
  return request.event.order === 'asc' ? seq > last : seq < last
}

function repeats({ state, request, event, walk }: Reading, item: SeenMessage): void {
  walk.broken = true
  state.findings.violate('H11', {
    expected: `${request.event.conv} in ${request.event.order} order, after seq ${walk.last?.seq}`,
    actual: `seq ${item.seq}`,
    events: [walk.last?.event, event],
  })
}

/** Nothing may be missing between the last item (or the beginning of the query) and this one. */
function judgeBetween(reading: Reading, seq: number): void {
  const { request, walk } = reading
  const { order, afterSeq = 0, beforeSeq = Number.POSITIVE_INFINITY, timed } = request.event
  if (walk.last === undefined && (timed === true || walk.broken)) return
  if (order === 'asc') judgeRange(reading, { after: walk.last?.seq ?? afterSeq, before: seq })
  else if (walk.last !== undefined) judgeRange(reading, { after: seq, before: walk.last.seq })
  else judgeTail(reading, { after: seq, before: beforeSeq })
}

/** The last page of a walk: it has to reach the end of what was asked for. */
function endWalk(reading: Reading): void {
  const { request, walk } = reading
  const { order, afterSeq = 0, beforeSeq = Number.POSITIVE_INFINITY, timed, final } = request.event
  if (timed === true || walk.broken) return
  const { last } = walk
  if (order === 'asc') judgeTail(reading, { after: last?.seq ?? afterSeq, before: beforeSeq })
  else if (last === undefined) judgeTail(reading, { after: afterSeq, before: beforeSeq })
  else judgeRange(reading, { after: afterSeq, before: last.seq })
  if (final === true) finish(reading)
}

interface Range {
  after: number
  before: number
}

/** A hole inside of what was read. */
function judgeRange(reading: Reading, range: Range): void {
  const { state, membership, log, request, event, walk } = reading
  const seq = firstMissing(membership, log, range)
  if (seq === undefined) return
  walk.broken = true
  if (request.event.final === true) loses(reading, seq)
  else {
    state.findings.violate('H11', {
      expected: `seq ${seq} of ${log.conversation.id} between ${range.after} and ${range.before}`,
      actual: 'history leaves it out',
      events: [membership.changedBy, ...evidenceAt(log, seq), walk.last?.event, event],
    })
  }
}

/** The newest messages: what was acked before the request has to be there. */
function judgeTail(reading: Reading, { after, before }: Range): void {
  const { state, membership, log, request, event, walk } = reading
  const { due } = request
  if (due === undefined || log !== request.dueLog || log !== log.conversation.log) return
  state.findings.tallies.H13.examined += 1
  const seq = firstMissing(membership, log, { after, before: Math.min(before, due.seq + 1) })
  if (seq === undefined) return
  walk.broken = true
  if (request.event.final === true) loses(reading, seq)
  else {
    state.findings.violate('H13', {
      expected: `seq ${seq} of ${log.conversation.id}, as ${due.seq} was acked before the request`,
      actual: `history ends with seq ${after}`,
      events: [...evidenceAt(log, seq), due.event, request.event, event],
    })
  }
}

/** The final log leaves out a seq: a message that somebody saw is lost, otherwise there is a hole. */
function loses({ state, membership, log, event, request }: Reading, seq: number): void {
  const evidence = evidenceAt(log, seq)
  const wasThere = evidence.length > 0 || seq <= log.floor
  state.findings.violate(wasThere ? 'H1' : 'H4', {
    expected: wasThere
      ? `seq ${seq} of ${log.conversation.id} in the final log, as it was there before`
      : `a message at seq ${seq} of ${log.conversation.id}`,
    actual: 'the final log leaves it out',
    events: [membership.changedBy, ...evidence, request.event, event],
  })
}

/** Whole stretches of the log are compared by their sums, which also hold what was forgotten. */
function sumUp({ state, log, walk, event }: Reading, item: SeenMessage): void {
  const { stride } = log.sums
  const { stretch } = walk
  const index = stretchOf(item.seq, stride)
  if (stretch.index !== index || stretch.stride !== stride) {
    // In the middle of a stretch it can only be summed up in part; its count will not fit.
    walk.stretch = { index, stride, sum: fingerprint(item), count: 1 }
  } else {
    stretch.sum = (stretch.sum + fingerprint(item)) | 0
    stretch.count += 1
  }
  const { sum, count } = walk.stretch
  if (count !== stride || (index + 1) * stride > log.floor || isRightSum(log.sums, index, sum) !== false)
    return
  state.findings.violate('H3', {
    expected: `seqs ${index * stride + 1} to ${(index + 1) * stride} of ${log.conversation.id} as they were seen before`,
    actual: 'at least one of them differs in sender, msgId, body or timestamp',
    events: [event],
  })
}

/** A final read is over: of its reader's memberships so much of the log was there. */
function finish({ log, walk, state, membership }: Reading): void {
  state.counters.finalReads += 1
  const { start, last } = walk
  if (start === undefined || last === undefined || log !== log.conversation.log) return
  for (const window of membership.windows) {
    const from = Math.max(window.from, Math.min(start, last.seq) - 1)
    const to = Math.min(window.to, Math.max(start, last.seq))
    if (from < to) log.finals.push({ from, to })
  }
  mergeFinals(log)
}

function mergeFinals(log: Log): void {
  const merged: Log['finals'] = []
  for (const { from, to } of log.finals.sort((a, b) => a.from - b.from)) {
    const previous = merged.at(-1)
    if (previous !== undefined && from <= previous.to) previous.to = Math.max(previous.to, to)
    else merged.push({ from, to })
  }
  log.finals = merged
}
