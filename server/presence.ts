// Who is online, told to those who share a conversation with them and asked for it.
import { peerOf, type Presence } from '../protocol/index.ts'
import { type Conversation, hasAtMost, isMember } from './conversation.ts'
import type { Hub, User } from './hub.ts'
import type { Session } from './session.ts'

/** Members of larger groups do not see one another's presence: a mass reconnect would be squared. */
export const presenceMembersMax = 200

export function announceOnline(hub: Hub, user: User): void {
  if (user.conversations.size > 0) announce(hub, user, presenceOf(hub, user.id, user))
}

export function announceOffline(hub: Hub, user: User): void {
  if (user.conversations.size > 0) announce(hub, user, presenceOf(hub, user.id, undefined))
}

/** What a connection needs to know at its start: the peers that are online now. */
export function showPeers(hub: Hub, session: Session): void {
  const user = session.user
  if (user === undefined) return
  for (const peer of onlinePeers(hub, user)) session.write(hub, presenceOf(hub, peer.id, peer))
}

/** A first message or a join has made peers of this user and others: each learns who is here [PRS-07]. */
export function introduce(hub: Hub, userId: string, conversation: Conversation): void {
  const user = hub.users.get(userId)
  if (user === undefined || !hasAtMost(conversation, presenceMembersMax)) return
  const told = onlinePeers(hub, user, conversation.id).add(user)
  // Who has no place yet is still joining, and will be introduced then.
  for (const { session, endsAt } of conversation.places) {
    const peer = session.user
    if (peer === undefined || endsAt !== null || told.has(peer)) continue
    told.add(peer)
    tell(hub, peer, presenceOf(hub, user.id, user))
    tell(hub, user, presenceOf(hub, peer.id, peer))
  }
}

function announce(hub: Hub, user: User, presence: Presence): void {
  for (const peer of onlinePeers(hub, user)) tell(hub, peer, presence)
}

function tell(hub: Hub, { sessions }: User, presence: Presence): void {
  for (const session of sessions) {
    if (session.wantsPresence && session.state === 'active') session.write(hub, presence)
  }
}

function presenceOf(hub: Hub, userId: string, online: User | undefined): Presence {
  return {
    type: 'presence',
    user: userId,
    state: online === undefined ? 'offline' : 'online',
    devices: online?.sessions.length ?? 0,
    since: online?.onlineSinceMs ?? hub.now(),
  }
}

/** @param besides A conversation that does not count. */
function onlinePeers(hub: Hub, user: User, besides?: string): Set<User> {
  const peers = new Set<User>()
  for (const [id, endedAt] of user.conversations) {
    if (endedAt !== null || id === besides) continue
    const direct = peerOf(id, user.id)
    if (direct !== undefined) {
      const peer = hub.users.get(direct)
      if (peer !== undefined && peer !== user) peers.add(peer)
      continue
    }
    const conversation = hub.conversations.get(id)
    if (conversation === undefined || !hasAtMost(conversation, presenceMembersMax)) continue
    for (const memberId of conversation.members.keys()) {
      const peer = hub.users.get(memberId)
      if (peer !== undefined && peer !== user && isMember(conversation, memberId)) peers.add(peer)
    }
  }
  return peers
}
