// Conversations that somebody online takes part in: members, their windows, and every connection's place in it.
import { directPattern, type Encoding, type Milliseconds, type Seq } from '../protocol/index.ts'
import type { MessageLog, RecordValue } from './log.ts'
import type { Records } from './records.ts'
import type { Session } from './session.ts'

/** A member sees `from < seq <= to`; `null` means the membership lasts. Whoever was removed did not leave. */
export type Window = [from: Seq, to: Seq | null, end?: 'removed']

export interface Member {
  /** In order of time; only the last one may be open. */
  windows: Window[]
  joinedAt: Milliseconds
  owner: boolean
}

/** How far a user has come, over all devices; never decreases. */
export interface Marks {
  delivered: Seq
  read: Seq
}

/** One answer to `hello` or `sync`: ends with `live` when no place waits for it any more. */
export interface SyncJob {
  id: number | undefined
  remaining: number
}

/**
 * One connection's place in one conversation.
 * `live`: new messages are written as they commit. `behind`: they wait in the log. `paused`: a `sync` with a limit
 * stopped early. `ended`: the membership is over, and only acks are still taken.
 */
export interface Place {
  readonly session: Session
  readonly conversation: Conversation
  mode: 'live' | 'behind' | 'paused' | 'ended'
  /** Everything up to here was written to this connection or is not for it. */
  position: Seq
  /** The device's cumulative ack. */
  acked: Seq
  /** `msg` frames after `acked`, and the seq of the last one. */
  unacked: number
  lastMsgSeq: Seq
  /** Highest seq this place has ever written: what comes again below it is a repeat. */
  written: Seq
  /** Last seq of an ended membership. */
  endsAt: Seq | null
  job: SyncJob | undefined
  /** Messages that the job may still replay here. */
  allowance: number
  /** Where the job's replay began, and what it could not bring. */
  replayFrom: Seq
  gap: { from: Seq; to: Seq; reason: 'overflow' | 'epoch' | 'future' | 'broker' } | undefined
}

export interface Conversation {
  readonly id: string
  readonly isGroup: boolean
  /** Socket topics of a group's live places, one for each encoding. */
  readonly topics: Readonly<Record<Encoding, string>>
  readonly members: Map<string, Member>
  readonly marks: Map<string, Marks>
  readonly places: Place[]
  /** Operations on their way through the log: it must not be unloaded before they end. */
  pending: number
}

const always: Window[] = [[0, null]]

/** Reads a conversation from the records. A group that does not exist has no members. */
export function loadConversation(log: MessageLog, records: Records, id: string): Conversation {
  const members = new Map<string, Member>()
  const direct = directPattern.exec(id)
  if (direct) {
    for (const user of [direct[1], direct[2]]) {
      if (user !== undefined) members.set(user, { windows: always, joinedAt: 0, owner: false })
    }
  } else {
    for (const [key, value] of records.list(['member', id])) {
      const user = key[2]
      if (user !== undefined) members.set(user, memberFrom(value, log.assignedHead(id)))
    }
  }
  const marks = new Map<string, Marks>()
  for (const [key, value] of records.list(['marks', id])) {
    const user = key[2]
    if (user !== undefined) marks.set(user, marksFrom(value, log.assignedHead(id)))
  }
  const topics = { json: `${id}|json`, cbor: `${id}|cbor` }
  return { id, isGroup: direct === null, topics, members, marks, places: [], pending: 0 }
}

/** After a damaged log was cut, positions beyond its head are pulled back to it. */
function memberFrom(value: RecordValue, head: Seq): Member {
  const { windows, joinedAt, owner } = value as { windows: Window[]; joinedAt: number; owner: boolean }
  return { windows: windows.map(([from, ...end]) => [Math.min(from, head), ...end]), joinedAt, owner }
}

function marksFrom(value: RecordValue, head: Seq): Marks {
  const { delivered, read } = value as { delivered: number; read: number }
  return { delivered: Math.min(delivered, head), read: Math.min(read, head) }
}

export function memberRecord(member: Member): RecordValue {
  return {
    windows: member.windows.map(([from, to, end]) => (end === undefined ? [from, to] : [from, to, end])),
    joinedAt: member.joinedAt,
    owner: member.owner,
  }
}

/** How the membership that ended at `seq` did so. */
export function endOf(windows: readonly Window[], seq: Seq): 'left' | 'removed' {
  return windows.some(([, to, end]) => to === seq && end === 'removed') ? 'removed' : 'left'
}

export function isMember(conversation: Conversation, userId: string): boolean {
  const windows = conversation.members.get(userId)?.windows
  return windows !== undefined && windows[windows.length - 1]?.[1] === null
}

export function currentMembers(conversation: Conversation): number {
  let count = 0
  for (const userId of conversation.members.keys()) if (isMember(conversation, userId)) count += 1
  return count
}

/** Stops counting early: large groups are asked for every ack. */
export function hasAtMost(conversation: Conversation, most: number): boolean {
  if (conversation.members.size <= most) return true
  let count = 0
  for (const userId of conversation.members.keys()) {
    if (isMember(conversation, userId)) count += 1
    if (count > most) return false
  }
  return true
}

/** The first stretch of seqs after `after` that a user with these windows may see, cut at `head`. */
export function nextVisible(
  windows: readonly Window[],
  after: Seq,
  head: Seq,
): { from: Seq; to: Seq } | undefined {
  for (const [from, to] of windows) {
    const end = to === null ? head : Math.min(to, head)
    const start = Math.max(from, after)
    if (start < end) return { from: start, to: end }
  }
  return undefined
}

/** The last seq that a user with these windows may see. */
export function visibleTop(windows: readonly Window[], head: Seq): Seq {
  const last = windows[windows.length - 1]
  if (last === undefined) return 0
  return last[1] === null ? head : Math.min(last[1], head)
}

export function createPlace(session: Session, conversation: Conversation, at: Seq): Place {
  return {
    session,
    conversation,
    mode: 'live',
    position: at,
    acked: at,
    unacked: 0,
    lastMsgSeq: 0,
    written: at,
    endsAt: null,
    job: undefined,
    allowance: 0,
    replayFrom: at,
    gap: undefined,
  }
}
