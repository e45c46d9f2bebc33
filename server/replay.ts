// How a connection gets from the log what it has not had: replays, and what waited for room in the window.
// HOT PATH, guarded by bench/server.bench.ts
import {
  closes,
  jsonCodec,
  type Membership,
  type Message,
  type Msg,
  type Seq,
  type Synced,
} from '../protocol/index.ts'
import { endOf, nextVisible, type Place, type SyncJob, visibleTop } from './conversation.ts'
import { freeWindow, goLive, leaveTopic, noWindows, written } from './delivery.ts'
import type { Hub } from './hub.ts'
import { logFailure } from './failure.ts'
import { showPeers } from './presence.ts'
import { showReceipts } from './receipts.ts'
import { closeSession, type Session } from './session.ts'
import { type Damage, readStretch } from './unreadable.ts'

/** Messages read from the log in one go. */
const replayBatch = 64

export interface ReplayStart {
  place: Place
  /** Exclusive. */
  after: Seq
  gap: Place['gap']
  /** Messages to replay at most before the place pauses. */
  allowance: number
}

/** Replays each place from its start; a `synced` ends each one, and `live` the whole. */
export function startReplay(
  hub: Hub,
  session: Session,
  starts: readonly ReplayStart[],
  id: number | undefined,
): void {
  const job: SyncJob = { id, remaining: starts.length }
  for (const { place, after, gap, allowance } of starts) {
    if (place.job !== undefined) endJob(hub, place, false)
    leaveTopic(place)
    freeWindow(session, place.unacked)
    place.unacked = 0
    place.lastMsgSeq = 0
    place.position = after
    place.replayFrom = after
    place.gap = gap
    place.allowance = allowance
    place.job = job
    if (place.mode !== 'behind') {
      place.mode = 'behind'
      session.behind ??= []
      session.behind.push(place)
    }
  }
  if (starts.length === 0) writeLive(hub, session, job)
  pump(hub, session)
}

/** Writes from the log what waits, as far as the window has room. */
export function pump(hub: Hub, session: Session): void {
  while (session.state === 'active') {
    const place = session.behind?.[0]
    if (place === undefined) return
    if (!tryCatchUp(hub, place)) return
    if (session.behind?.[0] === place) session.behind.shift()
  }
}

/** Where the log cannot be reached, the device comes back for the rest later. */
function tryCatchUp(hub: Hub, place: Place): boolean {
  try {
    return catchUp(hub, place)
  } catch (cause) {
    const { session, conversation } = place
    const failure = { err: cause, conv: conversation.id, session: session.sessionId }
    logFailure(hub, failure, 'a replay could not be read')
    closeSession(hub, session, closes.SERVER_ERROR)
    return false
  }
}

/** False if the window is full before the place has caught up. */
function catchUp(hub: Hub, place: Place): boolean {
  const { session, conversation } = place
  const userId = session.user?.id ?? ''
  const windows = conversation.members.get(userId)?.windows ?? noWindows
  const limits = hub.options.limits
  for (;;) {
    const stretch = nextVisible(windows, place.position, hub.log.head(conversation.id))
    if (stretch === undefined) return caughtUp(hub, place)
    if (place.job !== undefined && place.allowance <= 0) return pause(hub, place)
    const room = limits.window - session.unacked
    if (room <= 0 || session.unackedBytes >= hub.options.maxBufferedBytes) {
      if (session.stalledSinceMs === 0) session.stalledSinceMs = hub.now()
      return false
    }
    if (stretch.from > place.position) {
      writeMembership(hub, place, endOf(windows, place.position), place.position)
      writeMembership(hub, place, 'joined', stretch.from)
      place.position = stretch.from
    }
    const limit = Math.min(room, replayBatch, place.job === undefined ? replayBatch : place.allowance)
    const range = { after: place.position, upTo: stretch.to, limit }
    const found = readStretch(hub.log, conversation.id, range)
    if ('unreadableTo' in found) {
      if (!passDamage(hub, place, found)) return true
      continue
    }
    if (found.messages.length === 0) {
      closeSession(hub, session, closes.INSUFFICIENT_STATE)
      return false
    }
    for (const message of found.messages) {
      if (session.unackedBytes >= hub.options.maxBufferedBytes) break
      replay(hub, place, message)
    }
  }
}

/** [OFF-06] What is skipped is said. False if that ends it: between live messages, a `sync` has to come first. */
function passDamage(hub: Hub, place: Place, { unreadableTo, cause }: Damage): boolean {
  const { session, conversation, position, gap } = place
  const conv = conversation.id
  logFailure(hub, { err: cause, conv, session: session.sessionId }, 'a replay leaves out what is damaged')
  place.position = unreadableTo
  if (place.job === undefined) {
    session.write(hub, {
      type: 'gap',
      conv,
      epoch: hub.log.epoch,
      from: position,
      to: unreadableTo,
      reason: 'broker',
    })
    place.mode = 'paused'
    return false
  }
  place.gap = { from: gap?.from ?? position, to: unreadableTo, reason: gap?.reason ?? 'broker' }
  place.replayFrom = unreadableTo
  return true
}

function replay(hub: Hub, place: Place, message: Message): void {
  const frame: Msg = { type: 'msg', ...message }
  if (place.job !== undefined || message.seq <= place.written) frame.replay = true
  const { session } = place
  const wire = session.encoding === 'json' ? jsonCodec.encode(frame, 0) : hub.cbor.encode(frame, hub.now())
  written(place, message.seq, wire.length)
  place.allowance -= 1
  hub.counters.delivered += 1
  session.socket.send(wire)
}

/** Where a replay passes from one membership to the next, or reaches the end of the last one. */
function writeMembership(hub: Hub, place: Place, change: Membership['change'], seq: Seq): void {
  place.session.write(hub, {
    type: 'membership',
    conv: place.conversation.id,
    epoch: hub.log.epoch,
    user: place.session.user?.id ?? '',
    change,
    seq,
  })
}

function caughtUp(hub: Hub, place: Place): boolean {
  if (place.job !== undefined) endJob(hub, place, true)
  if (place.endsAt === null || place.endsAt > hub.log.head(place.conversation.id)) {
    goLive(place)
  } else if (place.acked >= place.endsAt) {
    hub.removePlace(place)
  } else {
    place.mode = 'ended'
  }
  return true
}

function pause(hub: Hub, place: Place): boolean {
  endJob(hub, place, false)
  place.mode = 'paused'
  return true
}

function endJob(hub: Hub, place: Place, complete: boolean): void {
  const { session, conversation, job, gap } = place
  if (job === undefined) return
  const userId = session.user?.id ?? ''
  const windows = conversation.members.get(userId)?.windows ?? noWindows
  const synced: Synced = {
    type: 'synced',
    conv: conversation.id,
    epoch: hub.log.epoch,
    from: place.replayFrom,
    to: place.position,
    top: visibleTop(windows, hub.log.head(conversation.id)),
    complete,
    recovered: gap === undefined,
  }
  if (job.id !== undefined) synced.id = job.id
  if (gap !== undefined) synced.gap = gap
  if (session.wantsReceipts) synced.read = conversation.marks.get(userId)?.read ?? 0
  session.write(hub, synced)
  if (place.endsAt !== null) writeMembership(hub, place, endOf(windows, place.endsAt), place.endsAt)
  place.job = undefined
  place.gap = undefined
  job.remaining -= 1
  if (job.remaining === 0) writeLive(hub, session, job)
}

function writeLive(hub: Hub, session: Session, job: SyncJob): void {
  session.write(hub, job.id === undefined ? { type: 'live' } : { type: 'live', id: job.id })
  if (job.id !== undefined) return
  if (session.wantsPresence) showPeers(hub, session)
  if (session.wantsReceipts) showReceipts(hub, session)
}

/** Takes a cumulative ack: frees the window and writes what waited for it. True if the device's cursor moved. */
export function acknowledge(hub: Hub, place: Place, seq: Seq): boolean {
  const { session } = place
  const left = seq >= place.lastMsgSeq ? 0 : Math.min(place.unacked, place.lastMsgSeq - seq)
  const freed = place.unacked - left
  place.unacked = left
  freeWindow(session, freed)
  const moved = seq > place.acked
  if (moved) {
    place.acked = seq
    hub.cursors.moved(place)
  }
  if (place.mode === 'ended' && place.endsAt !== null && place.acked >= place.endsAt) hub.removePlace(place)
  if (session.behind !== undefined && session.behind.length > 0) pump(hub, session)
  return moved
}
