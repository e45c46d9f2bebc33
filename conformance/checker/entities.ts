// Finding or making what the history talks about: users, devices, conversations, logs, memberships, places.
import type { CheckerOptions } from './options.ts'
import { Findings } from './findings.ts'
import { noCounts } from './report.ts'
import type {
  Connection,
  Conversation,
  Device,
  Log,
  Membership,
  Place,
  State,
  Stream,
  User,
} from './state.ts'
import { joinAt, nextSure, openWindow, visibility } from './windows.ts'

/** Fresh messages of a conversation before the first look for settled ones. */
const firstSweepAt = 32
/** Seqs of one stretch at first. */
const firstStride = 64
const directPattern = /^d:([^:]+):([^:]+)$/

export function createState(options: CheckerOptions): State {
  return {
    options,
    capabilities: options.capabilities,
    findings: new Findings(options),
    counters: noCounts(),
    users: new Map(),
    connections: new Map(),
    conversations: new Map(),
    retired: [],
    retiredFrom: 0,
    nowMs: 0,
  }
}

export function userOf(state: State, id: string): User {
  let user = state.users.get(id)
  if (user === undefined) {
    user = {
      id,
      messages: new Map(),
      devices: new Map(),
      memberships: new Set(),
      online: 0,
      changed: undefined,
      changedByCut: false,
    }
    state.users.set(id, user)
  }
  return user
}

/** A device that was never seen gets a place in each conversation of its user. */
export function deviceOf(user: User, id: string): Device {
  const known = user.devices.get(id)
  if (known !== undefined) return known
  const device: Device = { id, user, places: new Map(), connection: undefined }
  user.devices.set(id, device)
  for (const membership of user.memberships) placeOf(device, membership)
  return device
}

export function conversationOf(state: State, id: string): Conversation {
  const known = state.conversations.get(id)
  if (known !== undefined) return known
  const [, low, high] = directPattern.exec(id) ?? []
  const direct = low !== undefined && high !== undefined ? [low, high] : undefined
  const conversation: Conversation = {
    id,
    direct,
    log: undefined,
    logs: new Map(),
    members: new Map(),
    places: [],
  }
  state.conversations.set(id, conversation)
  for (const name of new Set(direct)) joinAt(membershipOf(conversation, userOf(state, name)).windows, 0)
  return conversation
}

/**
 * The log of an epoch. One that was never seen becomes the conversation's newest, unless a connection to a server
 * that is gone and forgotten still tells of it.
 */
export function logOf(
  conversation: Conversation,
  epoch: string,
  connection?: Pick<Connection, 'server'>,
): Log {
  const newest = conversation.log
  if (newest?.epoch === epoch) return newest
  const known = conversation.logs.get(epoch)
  const log = known ?? createLog(conversation, epoch)
  conversation.logs.set(epoch, log)
  const becomesNewest = newest === undefined || known === undefined
  if (connection?.server === 'forgotten' || !becomesNewest) return log
  conversation.log = log
  if (newest !== undefined) renumber(conversation)
  return log
}

function createLog(conversation: Conversation, epoch: string): Log {
  return {
    conversation,
    epoch,
    base: 0,
    floor: 0,
    head: 0,
    acked: undefined,
    bySeq: new Map(),
    fresh: [],
    sweepAt: firstSweepAt,
    sums: { stride: firstStride, stretches: new Map() },
    presumers: new Map(),
    finals: [],
  }
}

/** The server was restarted and keeps nothing: what follows may be a new numbering, or nothing at all. */
export function forgetNumbering(conversation: Conversation): void {
  if (conversation.log === undefined) return
  conversation.log = undefined
  renumber(conversation)
}

/** Of the new numbering's memberships nothing is sure: who was a member may see all of it. */
function renumber(conversation: Conversation): void {
  for (const membership of conversation.members.values()) {
    const isMember = openWindow(membership.windows) !== undefined
    membership.windows = isMember
      ? [{ from: 0, to: Number.POSITIVE_INFINITY, sure: conversation.direct !== undefined }]
      : []
    membership.seen = undefined
    membership.noted = undefined
    membership.held = undefined
    membership.acked = 0
    membership.read = 0
  }
  for (const place of conversation.places) {
    place.pos = 0
    place.delivered = 0
    place.sureAcked = undefined
  }
}

export function membershipOf(conversation: Conversation, user: User): Membership {
  let membership = conversation.members.get(user.id)
  if (membership === undefined) {
    membership = {
      user,
      conversation,
      windows: [],
      pending: 0,
      asked: 0,
      ackedAtFirst: 0,
      pendingOn: undefined,
      isDoubtful: false,
      latent: new Set(),
      isRacing: false,
      held: undefined,
      changedBy: undefined,
      noted: undefined,
      seen: undefined,
      acked: 0,
      read: 0,
    }
    conversation.members.set(user.id, membership)
    user.memberships.add(membership)
    for (const device of user.devices.values()) placeOf(device, membership)
  }
  return membership
}

export function placeOf(device: Device, membership: Membership): Place {
  const { conversation } = membership
  let place = device.places.get(conversation)
  if (place === undefined) {
    place = { device, membership, pos: 0, delivered: 0, sureAcked: undefined }
    device.places.set(conversation, place)
    conversation.places.push(place)
  }
  return place
}

/** How this connection sees the conversation; it begins where its device stopped. */
export function streamOf(connection: Connection, log: Log): Stream {
  const { conversation } = log
  const known = connection.streams.get(conversation)
  if (known !== undefined) return known
  const place = placeOf(connection.device, membershipOf(conversation, connection.user))
  // A connection that was replaced has kept its positions, and in a newer conversation got nothing before.
  const isNewest = connection.device.connection === connection
  const pos = log === conversation.log && isNewest ? place.pos : 0
  const stream: Stream = {
    connection,
    place,
    log,
    pos,
    // Once the connection is live, only what is new may come.
    lastMsg: connection.live ? pos : 0,
    delivered: 0,
    own: new Set(),
    presumed: new Map(),
    atStart: true,
    hasReturned: false,
    paused: false,
    rewinds: [],
    held: undefined,
    last: connection.opened,
    judged: 0,
    unacked: 0,
  }
  connection.streams.set(conversation, stream)
  return stream
}

/** May this user see this seq? Of old numberings and of what was there before, a group's members are not known. */
export function maySee(membership: Membership | undefined, log: Log, seq: number): boolean {
  const { conversation, base } = log
  if (conversation.direct === undefined && (log !== conversation.log || seq <= base)) return true
  return membership !== undefined && visibility(membership.windows, seq) !== 'no'
}

/**
 * The first seq between `after` and `before`, both excluded, that the user has to see and that is not in `besides`.
 * Nothing is sure as long as a join or leave of the user is under way.
 */
export function firstMissing(
  membership: Membership,
  log: Log,
  range: { after: number; before: number; besides?: { has(seq: number): boolean } },
): number | undefined {
  if (log !== log.conversation.log || membership.pending > 0) return undefined
  const { before, besides } = range
  let seq = nextSure(membership.windows, Math.max(range.after, log.base))
  while (seq < before) {
    if (besides?.has(seq) !== true) return seq
    seq = nextSure(membership.windows, seq)
  }
  return undefined
}
