// H7 and H9: on one connection a conversation goes forward without holes; what repeats was announced.
// HOT PATH, guarded by bench/checker.bench.ts: hence four parameters instead of an object per event.
import type { DeliverEvent, GapEvent, HistoryEvent, SentEvent } from './events.ts'
import { firstMissing, streamOf } from './entities.ts'
import { evidenceAt } from './messages.ts'
import type { Connection, Log, Rewind, State, Stream } from './state.ts'
import { dropPresumed, forgetPresumed, missingBefore, settleUnanswered, skippedBefore } from './unanswered.ts'

/** A `msg` that this user may see. */
export function follow(state: State, connection: Connection, log: Log, event: DeliverEvent): void {
  const stream = streamOf(connection, log)
  const { seq } = event
  state.findings.tallies.H7.examined += 1
  if (stream.log !== log) changeLog(state, stream, log, event)
  rewindIfBegun(stream, seq)
  judgeRepeat(state, stream, event)
  const mayJump = stream.atStart && isReplaying(stream)
  if (mayJump && isOtherEpoch(stream)) restart(stream, log, 0)
  if (seq <= stream.lastMsg) {
    if (!mayJump) {
      goesBack(state, stream, event)
      return
    }
    holdJump(stream, event)
  } else if (skippedBefore(stream, seq) !== undefined) {
    if (mayJump) holdJump(stream, event)
    else skips(state, stream, { seq, event })
  }
  advance(stream, event)
}

/** A `msg` that this user may not see; the harness will acknowledge it like any other. */
export function noteLeak(connection: Connection, log: Log, seq: number): void {
  const stream = streamOf(connection, log)
  if (stream.log === log && seq > stream.delivered) stream.delivered = seq
}

/** An own send counts as seen on its connection, which gets no `msg` for it. */
export function followOwn(state: State, connection: Connection, log: Log, event: SentEvent): void {
  const stream = streamOf(connection, log)
  if (stream.log !== log) restart(stream, log, event.seq - 1)
  if (stream.presumed.size > 0) {
    dropPresumed(stream, event.seq)
    settleUnanswered(state, stream, event)
  }
  if (event.seq <= stream.pos) return
  stream.own.add(event.seq)
  stream.last = event
  absorbOwn(stream)
}

/** The server announces a skip. */
export function followGap(state: State, connection: Connection, log: Log, event: GapEvent): void {
  const stream = streamOf(connection, log)
  if (stream.log !== log) restart(stream, log, event.from)
  rewindIfBegun(stream, event.from + 1)
  const seq = event.from + 1
  if (missingBefore(stream, seq) !== undefined) skips(state, stream, { seq, event })
  if (event.to <= stream.pos) return
  if (event.reason === 'membership') judgeMembershipGap(state, stream, event)
  stream.lastMsg = Math.max(stream.lastMsg, event.to)
  moveTo(stream, event.to)
  stream.last = event
}

/** Sets a stream to a position that the server has announced. */
export function moveTo(stream: Stream, seq: number): void {
  stream.pos = seq
  const { place } = stream
  if (seq > place.pos && stream.log === stream.log.conversation.log) place.pos = seq
  absorbOwn(stream)
}

/** The client named a cursor, and the replay from there begins. */
export function rewind(stream: Stream, next: Rewind): void {
  if (next.applied) return
  next.applied = true
  // A cursor of another numbering says nothing about this one.
  startAt(stream, { seq: next.epoch === stream.log.epoch ? next.seq : 0, event: next.event })
}

export function startAt(stream: Stream, { seq, event }: Pick<Rewind, 'seq' | 'event'>): void {
  forgetPresumed(stream)
  stream.pos = seq
  stream.lastMsg = seq
  stream.judged = 0
  stream.own.clear()
  stream.atStart = true
  stream.paused = false
  stream.held = undefined
  stream.last = event
}

/** A jump at the start of a replay that nothing announced. */
export function complainOfHeld(state: State, stream: Stream, by: HistoryEvent): void {
  const { held } = stream
  if (held === undefined) return
  stream.held = undefined
  const { conversation } = stream.log
  state.findings.violate('H7', {
    expected: `${stream.connection.id} to get ${conversation.id} from behind seq ${held.before} on, or to be told of a gap`,
    actual: `the replay began with seq ${held.seq}`,
    events: [...held.events, by],
  })
}

function isReplaying({ connection, rewinds }: Stream): boolean {
  return !connection.live || rewinds.length > 0
}

/** A seq that does not continue the stream begins the replay that a `sync` waits for. */
function rewindIfBegun(stream: Stream, seq: number): void {
  const { connection, hasReturned, lastMsg } = stream
  const [next] = stream.rewinds
  if (next === undefined || next.applied) return
  if (next.isEarly && !connection.live && !hasReturned) return
  if (seq <= lastMsg || skippedBefore(stream, seq) !== undefined) rewind(stream, next)
}

function advance(stream: Stream, event: DeliverEvent): void {
  const { place, connection } = stream
  const { seq } = event
  stream.atStart = false
  stream.lastMsg = seq
  if (seq > stream.delivered) stream.delivered = seq
  if (seq > stream.pos) stream.pos = seq
  if (stream.own.size > 0) absorbOwn(stream)
  if (stream.pos > place.pos && stream.log === stream.log.conversation.log) place.pos = stream.pos
  stream.last = event
  stream.unacked += 1
  connection.unacked += 1
  connection.deliveries += 1
  const window = connection.welcome?.window
  if (window !== undefined && connection.unacked >= window) connection.wasFull = true
}

function absorbOwn(stream: Stream): void {
  for (const seq of stream.own) {
    if (seq > stream.pos && missingBefore(stream, seq) !== undefined) return
    if (seq > stream.pos) stream.pos = seq
    stream.own.delete(seq)
  }
  const { place } = stream
  if (stream.pos > place.pos && stream.log === stream.log.conversation.log) place.pos = stream.pos
}

/** Another epoch: in a replay legal if the `synced` to come says that nothing was recovered (H14). */
function changeLog(state: State, stream: Stream, log: Log, event: DeliverEvent): void {
  const before = stream.log
  const { last, connection } = stream
  const isExpected = isReplaying(stream) || last === connection.opened
  restart(stream, log, event.seq - 1)
  if (isExpected) return
  state.findings.violate('H7', {
    expected: `${log.conversation.id} to go on in epoch ${before.epoch}, or a gap`,
    actual: `seq ${event.seq} of epoch ${log.epoch}`,
    events: [last, event],
  })
}

function restart(stream: Stream, log: Log, pos: number): void {
  forgetPresumed(stream)
  stream.log = log
  stream.pos = pos
  stream.lastMsg = 0
  stream.delivered = 0
  stream.own.clear()
  stream.atStart = true
  stream.held = undefined
}

/** The client named a cursor of another numbering than the one that the server replays. */
function isOtherEpoch({ rewinds, log }: Stream): boolean {
  const [first] = rewinds
  return first?.applied === true && first.epoch !== log.epoch
}

function holdJump(stream: Stream, event: DeliverEvent): void {
  const events = [stream.last, event].filter((one) => one !== undefined)
  stream.held = { before: stream.pos, seq: event.seq, events }
  stream.pos = event.seq
}

function goesBack(state: State, stream: Stream, event: DeliverEvent): void {
  state.findings.violate('H7', {
    expected: `${stream.connection.id} to get ${event.conv} in ascending order, after seq ${stream.lastMsg}`,
    actual: `seq ${event.seq}`,
    events: [stream.last, event],
  })
}

function skips(
  state: State,
  stream: Stream,
  { seq, event }: { seq: number; event: DeliverEvent | GapEvent },
): void {
  const missing = missingBefore(stream, seq) ?? stream.pos + 1
  state.findings.violate('H7', {
    expected: `${stream.connection.id} to get seq ${missing} of ${event.conv}, or to be told of a gap`,
    actual: event.kind === 'gap' ? `a gap from ${event.from} on` : `seq ${seq} came next`,
    events: [...evidenceAt(stream.log, missing), stream.last, event],
  })
}

function judgeMembershipGap(state: State, stream: Stream, event: GapEvent): void {
  const { place, log, pos, own, connection } = stream
  const after = Math.max(pos, event.from)
  const seq = firstMissing(place.membership, log, { after, before: event.to + 1, besides: own })
  if (seq === undefined) return
  state.findings.violate('H14', {
    expected: `a membership gap of ${connection.id} only over what was never for ${connection.user.id}`,
    actual: `seq ${seq} of ${event.conv} is in it`,
    events: [place.membership.changedBy, ...evidenceAt(log, seq), event],
  })
}

/** H9: what an earlier connection of this device has got. */
function judgeRepeat(state: State, stream: Stream, event: DeliverEvent): void {
  const { place, connection } = stream
  if (event.replay === true) state.counters.replays += 1
  if (event.seq > place.delivered || stream.log !== stream.log.conversation.log) return
  const { findings } = state
  findings.tallies.H9.examined += 1
  if (event.replay !== true) {
    findings.violate('H9', {
      expected: `${place.device.id} of ${place.device.user.id} to get a repeat with the replay flag`,
      actual: `seq ${event.seq} of ${event.conv} again without it`,
      events: [connection.opened, event],
    })
  }
  const { sureAcked } = place
  if (sureAcked === undefined || event.seq > sureAcked.seq || wasAskedFor(stream)) return
  findings.violate('H9', {
    expected: `only repeats of what ${place.device.id} of ${place.device.user.id} has not acknowledged, above seq ${sureAcked.seq}`,
    actual: `seq ${event.seq} of ${event.conv} again`,
    events: [sureAcked.event, connection.opened, event],
  })
}

function wasAskedFor({ connection, rewinds, log }: Stream): boolean {
  const named = connection.opened.cursors?.some(({ conv }) => conv === log.conversation.id) === true
  return named || rewinds.length > 0
}
