// Membership of groups: join, leave, and what the owner may do, each with its exact boundary in the log.
import { errors, groupPattern, type Join, type Leave, type Membership, type Seq } from '../protocol/index.ts'
import { type Conversation, currentMembers, isMember, type Member, memberRecord } from './conversation.ts'
import { leaveTopic } from './delivery.ts'
import type { Hub } from './hub.ts'
import { introduce } from './presence.ts'
import { refuse, type Session } from './session.ts'

/** Memberships of one user in one group that are remembered; the oldest ones are merged away first. */
const windowsMax = 64

export function handleJoin(hub: Hub, session: Session, message: Join): void {
  const conversation = groupFor(hub, session, message)
  const actor = session.user?.id
  if (conversation === undefined || actor === undefined) return
  const joiner = message.user ?? actor
  const refusal = joinRefusal(hub, conversation, actor, joiner)
  if (refusal !== undefined)
    return refuse(hub, session, errors[refusal.name], refusal.why, { id: message.id })
  const top = hub.log.assignedHead(conversation.id)
  const member = conversation.members.get(joiner) ?? { windows: [], joinedAt: 0, owner: false }
  const before = { ...member, windows: [...member.windows] }
  if (currentMembers(conversation) === 0) member.owner = true
  member.windows = [...member.windows.slice(-windowsMax + 1), [top, null]]
  member.joinedAt = hub.now()
  conversation.members.set(joiner, member)
  hub.records.put(['conv', joiner, conversation.id], null)
  // Now, like the record: a leave that follows at once must have the last word.
  const joined = hub.users.get(joiner)
  const endedBefore = joined?.conversations.get(conversation.id)
  joined?.conversations.set(conversation.id, null)
  commitMember(hub, conversation, joiner, member, (failure) => {
    if (failure !== undefined) {
      restore(conversation, joiner, before)
      if (endedBefore === undefined) joined?.conversations.delete(conversation.id)
      else joined?.conversations.set(conversation.id, endedBefore)
      return refuse(hub, session, errors.UNAVAILABLE, errors.UNAVAILABLE.meaning, { id: message.id })
    }
    hub.admit(joiner, conversation, top)
    session.write(hub, { type: 'ok', id: message.id, epoch: hub.log.epoch, top })
    tell(hub, session, joiner, { conversation, change: 'joined', seq: top })
    introduce(hub, joiner, conversation)
  })
}

function joinRefusal(
  hub: Hub,
  conversation: Conversation,
  actor: string,
  joiner: string,
): { name: 'NOT_MEMBER' | 'NOT_FOUND' | 'ALREADY_JOINED' | 'LIMIT_REACHED'; why: string } | undefined {
  const count = currentMembers(conversation)
  const byOwner = isMember(conversation, actor) && conversation.members.get(actor)?.owner === true
  const mayJoin =
    joiner === actor
      ? count === 0 || hub.options.groupJoin === 'open' || isMember(conversation, actor)
      : byOwner
  if (!mayJoin) return { name: 'NOT_MEMBER', why: `not a member of ${conversation.id}` }
  if (isMember(conversation, joiner)) return { name: 'ALREADY_JOINED', why: `${joiner} is a member already` }
  if (joiner !== actor && !hub.isKnownUser(joiner)) return { name: 'NOT_FOUND', why: `no user ${joiner}` }
  const { groupMembersMax, conversationsPerUser } = hub.options.limits
  if (count >= groupMembersMax) return { name: 'LIMIT_REACHED', why: `at most ${groupMembersMax} members` }
  if (conversationCount(hub, joiner) >= conversationsPerUser) {
    return { name: 'LIMIT_REACHED', why: `at most ${conversationsPerUser} conversations per user` }
  }
  return undefined
}

export function handleLeave(hub: Hub, session: Session, message: Leave): void {
  const conversation = groupFor(hub, session, message)
  const actor = session.user?.id
  if (conversation === undefined || actor === undefined) return
  const leaver = message.user ?? actor
  const member = conversation.members.get(leaver)
  const allowed =
    isMember(conversation, actor) && (leaver === actor || conversation.members.get(actor)?.owner === true)
  if (!allowed || member === undefined || !isMember(conversation, leaver)) {
    return refuse(hub, session, errors.NOT_MEMBER, `not a member of ${conversation.id}`, { id: message.id })
  }
  const top = hub.log.assignedHead(conversation.id)
  const before = { ...member, windows: [...member.windows] }
  const [from] = member.windows[member.windows.length - 1] ?? [top]
  const change = leaver === actor ? 'left' : 'removed'
  member.windows = [...member.windows.slice(0, -1), change === 'left' ? [from, top] : [from, top, change]]
  member.owner = false
  const heir = before.owner ? passOwnership(hub, conversation) : undefined
  hub.records.put(['conv', leaver, conversation.id], top)
  hub.users.get(leaver)?.conversations.set(conversation.id, top)
  commitMember(hub, conversation, leaver, member, (failure) => {
    if (failure !== undefined) {
      restore(conversation, leaver, before)
      if (heir !== undefined) heir.owner = false
      hub.users.get(leaver)?.conversations.set(conversation.id, null)
      return refuse(hub, session, errors.UNAVAILABLE, errors.UNAVAILABLE.meaning, { id: message.id })
    }
    endPlaces(hub, conversation, leaver, top)
    session.write(hub, { type: 'ok', id: message.id, epoch: hub.log.epoch, top })
    tell(hub, session, leaver, { conversation, change, seq: top })
  })
}

/** The group a verb names. `d:` conversations have no members to change. */
function groupFor(hub: Hub, session: Session, message: Join | Leave): Conversation | undefined {
  if (groupPattern.test(message.conv)) return hub.conversation(message.conv)
  refuse(hub, session, errors.BAD_REQUEST, 'conv: a direct conversation arrived, g:<group> is allowed', {
    id: message.id,
  })
  return undefined
}

/** Writes one member; the conversation stays loaded until the commit answers. */
function commitMember(
  hub: Hub,
  conversation: Conversation,
  userId: string,
  member: Member,
  done: (failure?: Error) => void,
): void {
  conversation.pending += 1
  hub.conversations.set(conversation.id, conversation)
  hub.records.put(['member', conversation.id, userId], memberRecord(member), (failure) => {
    conversation.pending -= 1
    done(failure)
    hub.unloadIfIdle(conversation.id)
  })
}

function restore(conversation: Conversation, userId: string, before: Member): void {
  if (before.windows.length === 0) conversation.members.delete(userId)
  else conversation.members.set(userId, before)
}

/** The earliest remaining member owns the group. */
function passOwnership(hub: Hub, conversation: Conversation): Member | undefined {
  let heir: [string, Member] | undefined
  for (const entry of conversation.members) {
    if (isMember(conversation, entry[0]) && (heir === undefined || entry[1].joinedAt < heir[1].joinedAt))
      heir = entry
  }
  if (heir === undefined) return undefined
  heir[1].owner = true
  hub.records.put(['member', conversation.id, heir[0]], memberRecord(heir[1]))
  return heir[1]
}

/** Everything up to `top` was delivered to live places; the others still bring it from the log. */
function endPlaces(hub: Hub, conversation: Conversation, userId: string, top: Seq): void {
  for (const place of [...conversation.places]) {
    if (place.session.user?.id !== userId) continue
    place.endsAt = top
    if (place.mode !== 'live') continue
    leaveTopic(place)
    place.mode = 'ended'
    if (place.acked >= top) hub.removePlace(place)
  }
}

/** The affected user's connections learn of the change, except the one that is answered by `ok`. */
function tell(
  hub: Hub,
  origin: Session,
  userId: string,
  { conversation, change, seq }: { conversation: Conversation; change: Membership['change']; seq: Seq },
): void {
  const frame: Membership = {
    type: 'membership',
    conv: conversation.id,
    epoch: hub.log.epoch,
    user: userId,
    change,
    seq,
  }
  for (const session of hub.users.get(userId)?.sessions ?? []) {
    if (session !== origin) session.write(hub, frame)
  }
}

function conversationCount(hub: Hub, userId: string): number {
  const online = hub.users.get(userId)
  if (online !== undefined) return online.conversations.size
  let count = 0
  for (const _ of hub.records.list(['conv', userId])) count += 1
  return count
}
