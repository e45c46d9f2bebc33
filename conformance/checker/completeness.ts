// H8: whoever is live has everything: behind a fence, at the end of a replay, and when nothing is under way.
import type { FencedEvent, FenceEvent, HistoryEvent, QuietEvent, SentEvent } from './events.ts'
import { firstMissing, placeOf } from './entities.ts'
import { evidenceAt } from './messages.ts'
import type { Connection, Due, Log, Membership, State, Stream, User } from './state.ts'
import { isUnanswered } from './unanswered.ts'

/** What was acked by now in the conversations of a user. */
export function dueNow(user: User): Due {
  const due = new Map<Membership, SentEvent>()
  for (const membership of user.memberships) {
    const acked = membership.conversation.log?.acked
    if (acked !== undefined) due.set(membership, acked)
  }
  return due
}

/** The replay after `welcome` brought everything that was acked before the connect. */
export function judgeReturn(state: State, connection: Connection, event: HistoryEvent): void {
  for (const [membership, acked] of connection.due ?? []) {
    judge(state, connection, {
      membership,
      seq: acked.seq,
      epoch: acked.epoch,
      by: [connection.opened, event],
    })
  }
  connection.due = undefined
}

/** A fence proves something if the window was not in the way, as the server saw it: acks behind the fence do not count. */
export function startFence(connection: Connection, event: FenceEvent): void {
  const provesNothing = !connection.live || connection.wasFull || connection.welcome?.window === undefined
  if (provesNothing) {
    if (connection.unacked === 0) connection.wasFull = false
    return
  }
  const { user, unacked, deliveries } = connection
  connection.fences.set(event.n, {
    event,
    due: dueNow(user),
    unackedThen: unacked,
    deliveriesThen: deliveries,
  })
}

export function endFence(state: State, connection: Connection, event: FencedEvent): void {
  const fence = connection.fences.get(event.n)
  if (fence === undefined) return
  connection.fences.delete(event.n)
  state.counters.fences += 1
  const unacked = fence.unackedThen + connection.deliveries - fence.deliveriesThen
  if (connection.wasFull || unacked >= (connection.welcome?.window ?? 0)) return
  for (const [membership, acked] of fence.due) {
    judge(state, connection, { membership, seq: acked.seq, epoch: acked.epoch, by: [fence.event, event] })
  }
}

/** Nothing is under way: everything that anybody has seen is everywhere. */
export function judgeQuiet(state: State, event: QuietEvent): void {
  for (const connection of state.connections.values()) {
    if (!connection.live) continue
    for (const membership of connection.user.memberships) {
      const { log } = membership.conversation
      if (log !== undefined)
        judge(state, connection, { membership, seq: log.head, epoch: log.epoch, by: [event] })
    }
  }
}

/** What came by an ack, or may be an own send without one. */
function ownOf(connection: Connection, log: Log, stream: Stream | undefined): { has(seq: number): boolean } {
  const order = connection.sends.get(log.conversation.id)
  return {
    has(seq) {
      if (stream?.own.has(seq) || stream?.presumed.has(seq)) return true
      const message = log.bySeq.get(seq)
      if (message === undefined) return seq > log.floor && (order?.unanswered.size ?? 0) > 0
      return isUnanswered(order, message)
    },
  }
}

interface Owed {
  membership: Membership
  seq: number
  epoch: string
  by: readonly HistoryEvent[]
}

function judge(state: State, connection: Connection, { membership, seq, epoch, by }: Owed): void {
  const { conversation } = membership
  const { log } = conversation
  if (log === undefined || log.epoch !== epoch || seq === 0) return
  const stream = connection.streams.get(conversation)
  if (stream !== undefined && (stream.paused || stream.rewinds.length > 0 || stream.log !== log)) return
  const place = placeOf(connection.device, membership)
  state.findings.examine('H8')
  const after = Math.max(stream?.pos ?? place.pos, stream?.judged ?? 0)
  const missing = firstMissing(membership, log, {
    after,
    before: seq + 1,
    besides: ownOf(connection, log, stream),
  })
  if (missing === undefined) return
  if (stream !== undefined) stream.judged = seq
  else place.pos = seq
  state.findings.violate('H8', {
    expected: `${connection.id} to have seq ${missing} of ${conversation.id}`,
    actual: `it has everything up to seq ${missing - 1} and did not get it`,
    events: [membership.changedBy, ...evidenceAt(log, missing), stream?.last, ...by],
  })
}
