// Who is online, told to those who share a conversation with them and asked for it.
import { peerOf, type Presence } from '../protocol/index.ts'
import { hasAtMost, isMember } from './conversation.ts'
import type { Hub, User } from './hub.ts'
import type { Session } from './session.ts'

/** Members of larger groups do not see one another's presence: a mass reconnect would be squared. */
export const presenceMembersMax = 200

export function announceOnline(hub: Hub, user: User): void {
  announce(hub, user, presenceOf(hub, user.id, user))
}

export function announceOffline(hub: Hub, user: User): void {
  announce(hub, user, presenceOf(hub, user.id, undefined))
}

/** What a connection needs to know at its start: the peers that are online now. */
export function showPeers(hub: Hub, session: Session): void {
  const user = session.user
  if (user === undefined) return
  for (const peer of onlinePeers(hub, user)) session.write(hub, presenceOf(hub, peer.id, peer))
}

function announce(hub: Hub, user: User, presence: Presence): void {
  for (const peer of onlinePeers(hub, user)) {
    for (const session of peer.sessions) {
      if (session.wantsPresence && session.state === 'active') session.write(hub, presence)
    }
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

function onlinePeers(hub: Hub, user: User): Set<User> {
  const peers = new Set<User>()
  for (const [id, endedAt] of user.conversations) {
    if (endedAt !== null) continue
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
