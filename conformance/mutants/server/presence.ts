// Who is online, for those who asked and are peers: SPEC.md#presence.
import { peerOf } from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { isGroup } from './disk.ts'
import type { ChatServer } from './server.ts'

/** Members of a larger group are no peers by it. */
const mostMembers = 200

export function peersOf({ disk }: ChatServer, user: string): Set<string> {
  const peers = new Set<string>()
  for (const id of disk.ofUser.get(user) ?? []) {
    const conversation = disk.conversations.get(id)
    if (!conversation) continue
    const { members, log } = conversation
    if (!isGroup(id) && log.length > 0) peers.add(peerOf(id, user) ?? user)
    if (isGroup(id) && members.length <= mostMembers && members.includes(user))
      for (const one of members) peers.add(one)
  }
  peers.delete(user)
  return peers
}

/** Tells the peers of a user how many of its devices are there now. */
export function changed(server: ChatServer, user: string): void {
  const devices = server.sessionsOf(user).length
  const isFlag = server.has('M47')
  tell(server, user, devices > 0 && !(isFlag && server.isLeaving) ? 'online' : 'offline', devices)
}

export function tell(server: ChatServer, user: string, state: 'online' | 'offline', devices: number): void {
  const { has } = server
  const everybody = has('M131')
    ? [...server.sessions.keys()].filter((one) => one !== user)
    : peersOf(server, user)
  for (const peer of everybody)
    for (const session of server.sessionsOf(peer))
      if (session.wantsPresence && session.state === 'live')
        session.write({
          type: 'presence',
          user,
          state,
          devices: has('M211') ? 1 : devices,
          since: Date.now(),
        })
}

/** [PRS-07] Two who have just become peers. */
export function acquaint(server: ChatServer, a: string, b: string): void {
  if (a === b || server.has('M288')) return
  for (const [at, user] of [
    [a, b],
    [b, a],
  ] as const) {
    const devices = server.sessionsOf(user).length
    if (devices === 0) continue
    for (const session of server.sessionsOf(at))
      if (session.wantsPresence && session.state === 'live')
        session.write({ type: 'presence', user, state: 'online', devices, since: Date.now() })
  }
}

/** [PRS-05] What a connection has to know that is live now. */
export function introduce(server: ChatServer, connection: Connection): void {
  if (!connection.wantsPresence || server.has('M132')) return
  for (const user of peersOf(server, connection.user)) {
    const devices = server.sessionsOf(user).length
    if (devices > 0) connection.write({ type: 'presence', user, state: 'online', devices, since: Date.now() })
  }
}
