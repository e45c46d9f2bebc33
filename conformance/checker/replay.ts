// H14: what the server says of a replay is true: it began where it says, brought what it says, and left nothing out.
import type { ConnectEvent, LiveEvent, Position, SyncedEvent, SyncEvent } from './events.ts'
import { conversationOf, firstMissing, logOf, streamOf } from './entities.ts'
import { evidenceAt } from './messages.ts'
import type { Finding } from './findings.ts'
import type { Connection, Log, Rewind, State, Stream } from './state.ts'
import { complainOfHeld, moveTo, rewind, startAt } from './streams.ts'

/** `hello` names cursors: each of them is a promise of one `synced`. */
export function resume(state: State, connection: Connection): void {
  for (const cursor of connection.opened.cursors ?? []) {
    const stream = namedStream(state, connection, cursor)
    judgeCursor(state, stream, { cursor, event: connection.opened })
    const wanted = rewindOf(stream, cursor, connection.opened)
    stream.rewinds.push(wanted)
    rewind(stream, wanted)
  }
}

/** `sync` names cursors; until its replay begins the stream goes on as before. */
export function askSync(state: State, connection: Connection, event: SyncEvent): void {
  state.counters.syncs += 1
  for (const cursor of event.cursors) {
    const stream = namedStream(state, connection, cursor)
    judgeCursor(state, stream, { cursor, event })
    stream.rewinds.push(rewindOf(stream, cursor, event))
  }
}

/** The `sync` was refused: nothing is set back. */
export function refuseSync(connection: Connection, id: number): void {
  for (const stream of connection.streams.values()) {
    stream.rewinds = stream.rewinds.filter((one) => one.id !== id)
  }
}

/** A replay ends. */
export function onSynced(state: State, connection: Connection, event: SyncedEvent): void {
  const log = logOf(conversationOf(state, event.conv), event.epoch, connection)
  const stream = streamOf(connection, log)
  const index = stream.rewinds.findIndex(({ id }) => id === event.id)
  const [wanted] = index < 0 ? [] : stream.rewinds.splice(index, 1)
  state.findings.examine('H14')
  if (!event.recovered) state.counters.gaps += 1
  if (!event.recovered && wanted !== undefined && event.id === undefined) connection.lost = event
  const isSound = settleStart(state, { stream, log, wanted, event })
  judgeEnd(state, stream, { wanted, event })
  if (isSound) judgeBrought(state, stream, event)
  if (isSound && event.complete) judgeComplete(state, stream, { wanted, event })
  if (event.to > stream.pos) moveTo(stream, event.to)
  stream.lastMsg = Math.max(stream.lastMsg, Math.min(event.to, stream.pos))
  stream.atStart = false
  if (event.id === undefined) stream.hasReturned = true
  stream.paused = !event.complete
  for (const next of stream.rewinds) next.lastMsgThen = stream.lastMsg
  stream.last = event
}

/** All replays of `hello` or of one `sync` are over. */
export function onLive(state: State, connection: Connection, event: LiveEvent): void {
  for (const stream of connection.streams.values()) {
    if (event.id === undefined) complainOfHeld(state, stream, event)
    const unanswered = stream.rewinds.find(({ id }) => id === event.id)
    if (unanswered === undefined) continue
    stream.rewinds = stream.rewinds.filter((one) => one !== unanswered)
    state.findings.violate('H14', {
      expected: `${connection.id} to get a synced for ${stream.log.conversation.id} before live`,
      actual: 'live came without it',
      events: [unanswered.event, event],
    })
  }
  if (event.id !== undefined) return
  if (connection.welcome?.resumed === true && connection.lost !== undefined) {
    state.findings.violate('H14', {
      expected: `${connection.id} to be told resumed:false, as not all was recovered`,
      actual: 'welcome said resumed:true',
      events: [connection.opened, connection.welcome, connection.lost],
    })
  }
}

/** A cursor may name an epoch that is gone or never was: it moves nobody to another log. */
function namedStream(state: State, connection: Connection, { conv, epoch }: Position): Stream {
  const conversation = conversationOf(state, conv)
  const log = conversation.log ?? conversation.logs.get(epoch) ?? logOf(conversation, epoch, connection)
  return streamOf(connection, log)
}

/** H19: an honest client names only what it has stored. */
function judgeCursor(
  state: State,
  { place, log, pos }: Stream,
  { cursor, event }: { cursor: Position; event: ConnectEvent | SyncEvent },
): void {
  if (event.deliberate === true || cursor.epoch !== log.epoch || log !== log.conversation.log) return
  const top = Math.max(place.pos, pos, log.base)
  if (cursor.seq <= top) return
  state.findings.violate('H19', {
    expected: `the harness to name only what ${event.device} of ${event.user} has got, up to seq ${top} of ${cursor.conv}`,
    actual: `a cursor at seq ${cursor.seq}`,
    events: [event],
  })
}

function rewindOf(stream: Stream, { epoch, seq }: Position, event: ConnectEvent | SyncEvent): Rewind {
  const id = event.kind === 'sync' ? event.id : undefined
  const due = stream.log.conversation.log?.acked
  const isEarly = id !== undefined && !stream.connection.live
  return { id, epoch, seq, event, lastMsgThen: stream.lastMsg, due, applied: false, isEarly }
}

interface Ending {
  stream: Stream
  log: Log
  wanted: Rewind | undefined
  event: SyncedEvent
}

/** Brings the stream to where the replay began; false if something was wrong with that already. */
function settleStart(state: State, { stream, log, wanted, event }: Ending): boolean {
  if (stream.log !== log) {
    stream.log = log
    startAt(stream, { seq: event.from, event })
  } else if (wanted !== undefined && !wanted.applied && wanted.epoch === log.epoch) {
    const isBack = wanted.seq < wanted.lastMsgThen && !wanted.isEarly
    if (isBack || wanted.seq > stream.pos) rewind(stream, wanted)
  }
  if (wanted !== undefined && wanted.epoch !== event.epoch)
    return judgeOtherEpoch(state, stream, { wanted, event })
  return event.recovered ? judgeRecovered(state, stream, { wanted, event }) : judgeLost(state, stream, event)
}

/** Not recovered: the replay may begin anywhere, as long as it is where the server says. */
function judgeLost(state: State, stream: Stream, event: SyncedEvent): boolean {
  const { held } = stream
  if (held !== undefined && isAnnounced(stream, held.seq, event)) stream.held = undefined
  complainOfHeld(state, stream, event)
  // The cursor was above the top: what comes next follows from the top, not from there.
  if (stream.pos > event.top && stream.lastMsg > event.top) startAt(stream, { seq: event.from, event })
  if (event.from > stream.pos) moveTo(stream, event.from)
  return true
}

/** Everything between what the server gave up and the first message of the replay was brought. */
function isAnnounced({ place, log }: Stream, seq: number, { from }: SyncedEvent): boolean {
  return firstMissing(place.membership, log, { after: from, before: seq }) === undefined
}

interface Claim {
  wanted: Rewind | undefined
  event: SyncedEvent
}

function judgeOtherEpoch(state: State, stream: Stream, { wanted, event }: Claim): boolean {
  if (!event.recovered) return judgeLost(state, stream, event)
  stream.held = undefined
  if (event.from > stream.pos) moveTo(stream, event.from)
  return lie(state, {
    expected: `recovered:false for a cursor of epoch ${wanted?.epoch} in epoch ${event.epoch}`,
    actual: 'recovered:true',
    events: [wanted?.event, event],
  })
}

function judgeRecovered(state: State, stream: Stream, { wanted, event }: Claim): boolean {
  if (stream.held !== undefined) {
    complainOfHeld(state, stream, event)
    return false
  }
  if (wanted === undefined || wanted.seq <= event.top || !isMemberAt(stream, wanted.seq)) return true
  return lie(state, {
    expected: `recovered:false for a cursor at ${wanted.seq}, above the top ${event.top}`,
    actual: 'recovered:true',
    events: [wanted.event, event],
  })
}

/** Would this user see the seq if it existed? */
function isMemberAt({ place, log }: Stream, seq: number): boolean {
  return firstMissing(place.membership, log, { after: seq - 1, before: seq + 1 }) === seq
}

/** Nothing above `to` came in the replay: what is accepted during it waits for its end (OFF-05). */
function judgeEnd(state: State, stream: Stream, { wanted, event }: Claim): void {
  const { atStart, hasReturned, lastMsg, connection, last } = stream
  // Where the replay of a `sync` begins is known only if it went back; live messages may come until then.
  const hasBegun = event.id === undefined ? !hasReturned : wanted?.applied === true
  if (!hasBegun || atStart || lastMsg <= event.to) return
  lie(state, {
    expected: `${connection.id} to get seq ${lastMsg} of ${event.conv} after its synced up to ${event.to}`,
    actual: 'it came before it',
    events: [last, event],
  })
}

/** Everything up to `to` has come. */
function judgeBrought(state: State, stream: Stream, event: SyncedEvent): void {
  const { place, log, pos, own, connection } = stream
  const seq = firstMissing(place.membership, log, { after: pos, before: event.to + 1, besides: own })
  if (seq === undefined) return
  lie(state, {
    expected: `${connection.id} to get everything of ${event.conv} up to seq ${event.to} before its synced`,
    actual: `seq ${seq} did not come`,
    events: [...evidenceAt(log, seq), stream.last, event],
  })
}

/** Complete: nothing is left that was acked before the client asked. Newer ones may still come live. */
function judgeComplete(state: State, stream: Stream, { wanted, event }: Claim): void {
  const due = wanted?.due
  if (due === undefined || due.epoch !== event.epoch) return
  const { place, log, own } = stream
  const after = Math.max(event.to, stream.pos)
  const seq = firstMissing(place.membership, log, { after, before: due.seq + 1, besides: own })
  if (seq === undefined) return
  lie(state, {
    expected: `complete:false, as seq ${seq} of ${event.conv} was not brought`,
    actual: `complete:true with to ${event.to}`,
    events: [...evidenceAt(log, seq), due, wanted?.event, event],
  })
}

function lie(state: State, finding: Finding): false {
  state.findings.violate('H14', finding)
  return false
}
