// H10: who may see what; joins and leaves move the windows, and some of their outcomes are known late or never.
import type { JoinEvent, LeaveEvent, MembershipEvent, OkEvent } from './events.ts'
import { conversationOf, firstMissing, logOf, maySee, membershipOf, userOf } from './entities.ts'
import type { Finding } from './findings.ts'
import type { MemberRequest } from './asked.ts'
import type { Connection, Log, Membership, Sighting, State } from './state.ts'
import { closeAt, joinAt, maybeJoinAfter, maybeLeaveAfter, openWindow, type Window } from './windows.ts'

/**
 * A user sees a seq of a conversation. True if it may; also as long as a join or leave is under way that will
 * decide it.
 */
export function judgeVisible(state: State, connection: Connection, log: Log, sighting: Sighting): boolean {
  const { findings } = state
  findings.tallies.H10.examined += 1
  const membership = log.conversation.members.get(connection.user.id)
  if (maySee(membership, log, sighting.seq)) {
    if (membership !== undefined && log === log.conversation.log) remember(membership, sighting)
    return true
  }
  if (membership !== undefined && membership.pending > 0) {
    hold(membership, connection, sighting)
    return true
  }
  findings.violate('H10', leak({ userId: connection.user.id, log, membership }, sighting))
  return false
}

function remember(membership: Membership, sighting: Sighting): void {
  if (membership.seen === undefined || sighting.seq > membership.seen.seq) membership.seen = sighting
}

interface View {
  userId: string
  log: Log
  membership: Membership | undefined
}

function leak({ userId, log, membership }: View, { seq, event }: Sighting): Finding {
  const own = membership?.windows.filter(({ from, to }) => from < to).map(describeWindow) ?? []
  return {
    expected: `${userId} to see of ${log.conversation.id} only its own: ${own.join(' and ') || 'nothing'}`,
    actual: `seq ${seq}`,
    events: [membership?.changedBy, event],
  }
}

function describeWindow({ from, to }: Window): string {
  return to === Number.POSITIVE_INFINITY ? `from ${from + 1} on` : `${from + 1} to ${to}`
}

function hold(membership: Membership, connection: Connection | undefined, sighting: Sighting): void {
  membership.held ??= new Map()
  const id = connection?.id ?? ''
  const held = membership.held.get(id)
  const had = connection?.device.places.get(membership.conversation)?.pos ?? 0
  if (held === undefined) membership.held.set(id, { first: sighting, last: sighting, connection, had })
  else held.last = sighting
}

/** A join or leave begins. */
export function askMembership(
  state: State,
  connection: Connection,
  event: JoinEvent | LeaveEvent,
): MemberRequest {
  const conversation = conversationOf(state, event.conv)
  const user = event.member === undefined ? connection.user : userOf(state, event.member)
  const membership = membershipOf(conversation, user)
  // On one connection they take effect and are answered in order.
  if (membership.pending > 0 && membership.pendingOn !== connection) membership.isRacing = true
  membership.pending += 1
  membership.asked += 1
  membership.noted = undefined
  membership.pendingOn = connection
  const acked = conversation.log?.acked?.seq ?? 0
  if (membership.pending === 1) membership.ackedAtFirst = acked
  return { kind: 'member', connection, event, membership, ackedThen: membership.ackedAtFirst }
}

/** It was granted, with its boundary. */
export function grantMembership(state: State, request: MemberRequest, ok: OkEvent): void {
  const { connection, event, membership } = request
  if (ok.epoch === undefined || ok.top === undefined || membership.isRacing) {
    doubtMembership(state, request, true)
    return
  }
  const log = logOf(membership.conversation, ok.epoch, connection)
  answered(membership)
  if (log !== membership.conversation.log) return
  change(state, membership, { change: event.kind, seq: ok.top, event: ok })
}

/** It was refused and certainly had no effect. */
export function refuseMembership(state: State, { membership }: MemberRequest): void {
  answered(membership)
  releaseHeld(state, membership)
}

/**
 * It was cut or failed, and the server may have said elsewhere what came of it. Or several connections tried at
 * once: the order of the answers need not be that of the effects.
 */
export function doubtMembership(state: State, request: MemberRequest, isAnswered = false): void {
  const { connection, event, membership, ackedThen } = request
  const { noted } = membership
  answered(membership)
  if (connection.server === 'forgotten') return
  if (noted !== undefined && noted.change === event.kind) {
    change(state, membership, noted)
    return
  }
  membership.isDoubtful = true
  if (event.kind === 'join') maybeJoinAfter(membership.windows, ackedThen)
  else maybeLeaveAfter(membership.windows, ackedThen)
  if (!isAnswered && connection.server === 'same') membership.latent.add(event.kind)
  membership.changedBy = event
  membership.held = undefined
}

/** Nothing is under way any more: what had no effect so far never will. */
export function settleMemberships(state: State): void {
  for (const { members } of state.conversations.values()) {
    for (const membership of members.values()) {
      membership.latent.clear()
      membership.isDoubtful = false
    }
  }
}

/** The server tells a user about its membership; the answer to the request itself says the same. */
export function noteMembership(state: State, connection: Connection, event: MembershipEvent): void {
  const conversation = conversationOf(state, event.conv)
  const membership = membershipOf(conversation, userOf(state, event.member))
  if (logOf(conversation, event.epoch, connection) !== conversation.log) return
  const noted = { change: event.change === 'joined' ? 'join' : 'leave', seq: event.seq, event } as const
  // It may be older than what made the membership doubtful, or than the restart.
  if (isKnown(membership, noted) || membership.isDoubtful || connection.server !== 'same') return
  if (membership.pending === 0) change(state, membership, noted)
  // Of several under way it would not be clear which one this is.
  else if (membership.asked === 1) membership.noted = noted
}

function answered(membership: Membership): void {
  membership.pending -= 1
  if (membership.pending > 0) return
  membership.asked = 0
  membership.isRacing = false
  membership.pendingOn = undefined
  membership.noted = undefined
}

type Change = NonNullable<Membership['noted']>

/** A boundary that was heard of before, or is older than what is known. */
function isKnown({ windows }: Membership, { change, seq }: Change): boolean {
  const last = windows.at(-1)
  if (change === 'leave' && last === undefined) return true
  return (
    last !== undefined &&
    (seq < last.from || windows.some(({ from, to }) => (change === 'join' ? from : to) === seq))
  )
}

function change(state: State, membership: Membership, { change, seq, event }: Change): void {
  membership.noted = undefined
  if (change === 'join') {
    if (openWindow(membership.windows)?.from !== seq) joinAt(membership.windows, seq)
    if (membership.latent.has('leave')) maybeLeaveAfter(membership.windows, seq)
    membership.changedBy = event
    judgeHeld(state, membership, seq)
    return
  }
  closeAt(membership.windows, seq)
  if (membership.latent.has('join')) maybeJoinAfter(membership.windows, seq)
  membership.changedBy = event
  const { seen } = membership
  const log = membership.conversation.log
  if (log !== undefined && seen !== undefined && !maySee(membership, log, seen.seq)) {
    // A join behind this leave may be under way, and what was seen belongs to that.
    if (membership.pending > 0) hold(membership, undefined, seen)
    else state.findings.violate('H10', leak({ userId: membership.user.id, log, membership }, seen))
  }
  membership.seen = undefined
  releaseHeld(state, membership)
}

/** The join is granted: what came before its answer has to begin right behind the boundary. */
function judgeHeld(state: State, membership: Membership, top: number): void {
  const log = membership.conversation.log
  for (const { first, last, connection, had } of membership.held?.values() ?? []) {
    if (log === undefined) break
    if (first.seq <= top)
      state.findings.violate('H10', leak({ userId: membership.user.id, log, membership }, first))
    else if (connection !== undefined)
      judgeStart(state, { membership, log, top: Math.max(top, had), first, connection })
    remember(membership, last)
  }
  membership.held = undefined
}

interface Start {
  membership: Membership
  log: Log
  top: number
  first: Sighting
  connection: Connection
}

function judgeStart(state: State, { membership, log, top, first, connection }: Start): void {
  // Acks may run ahead of what waits for the window; an own send without one may be what seems to be missing.
  if (first.event.kind === 'sent') return
  if ((connection.sends.get(log.conversation.id)?.unanswered.size ?? 0) > 0) return
  const own = connection.streams.get(log.conversation)?.own
  const range = { after: top, before: first.seq, ...(own && { besides: own }) }
  const missing = firstMissing(membership, log, range)
  if (missing === undefined) return
  state.findings.violate('H7', {
    expected: `${connection.id} to get ${log.conversation.id} from seq ${missing} on, right after the join`,
    actual: `it began with seq ${first.seq}`,
    events: [membership.changedBy, first.event],
  })
}

/** Nothing is under way any more that could have made it legal. */
function releaseHeld(state: State, membership: Membership): void {
  const log = membership.conversation.log
  if (membership.pending > 0 || membership.held === undefined || log === undefined) return
  for (const { first, last } of membership.held.values()) {
    if (!maySee(membership, log, first.seq)) {
      state.findings.violate('H10', leak({ userId: membership.user.id, log, membership }, first))
    } else if (!maySee(membership, log, last.seq)) {
      state.findings.violate('H10', leak({ userId: membership.user.id, log, membership }, last))
    }
  }
  membership.held = undefined
}
