// How far a device and its user are: `ack`, `read`, and who is told: SPEC.md#receipts.
import { type Ack, peerOf, type Read } from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { type Conversation, hasPart, isGroup, isMember, topFor } from './disk.ts'
import { pump, release } from './streams.ts'

/** [RCP-06] */
const mostMembers = 32

export function ack(connection: Connection, frame: Ack): void {
  const { server, user } = connection
  const { has, disk } = server
  const seq = has('M18') ? frame.seq | 0 : frame.seq
  const conversation = disk.conversations.get(frame.conv)
  if (!hasPart(conversation, frame.conv, user) && !has('M210')) return refuse(connection, frame, 'NOT_MEMBER')
  const isKnown = conversation?.epoch === frame.epoch || (has('M44') && conversation)
  if (!conversation || !isKnown || (seq > topFor(conversation, user) && !has('M94')))
    return refuse(connection, frame, 'UNRECOVERABLE_POSITION')
  acknowledge(connection, conversation, seq)
  if (frame.id !== undefined) connection.write({ type: 'ok', id: frame.id })
  else if (has('M96')) connection.refuse('TOO_MANY_REQUESTS', 'an ack without an id')
  report(connection, conversation, 'delivered', seq)
  pump(connection)
}

function acknowledge(connection: Connection, { id }: Conversation, seq: number): void {
  const { server, user, device } = connection
  const { has, disk } = server
  const stream = connection.streams.get(id)
  const freed = stream ? release(stream, seq, has('M98')) : 0
  connection.inFlight -= freed
  if (freed > 0) connection.exhaustedSinceMs = undefined
  if (has('M98')) {
    // [M98] Only an unbroken row of acks moves the position.
    if (seq === disk.position(device, id) + 1) disk.setPosition(device, id, seq)
    return
  }
  if (seq > disk.position(device, id) || has('M95')) disk.setPosition(device, id, seq)
  if (has('M39'))
    for (const other of disk.positions.keys())
      if (other.startsWith(`${user} `)) disk.setPosition(other, id, seq)
}

export function read(connection: Connection, frame: Read): void {
  const { server, user } = connection
  const { has, disk } = server
  if (!connection.wantsReceipts && !has('B24'))
    return connection.refuse(
      'CAPABILITY_REQUIRED',
      'read needs receipts',
      frame.id === undefined ? {} : { id: frame.id },
    )
  const seq = has('M18') ? frame.seq | 0 : frame.seq
  const conversation = disk.conversations.get(frame.conv)
  if (!isMember(conversation, frame.conv, user)) return refuse(connection, frame, 'NOT_MEMBER')
  if (
    !conversation ||
    conversation.epoch !== frame.epoch ||
    (seq > topFor(conversation, user) && !has('M136'))
  )
    return refuse(connection, frame, 'UNRECOVERABLE_POSITION')
  if (frame.id !== undefined) connection.write({ type: 'ok', id: frame.id })
  report(connection, conversation, 'read', seq)
}

function refuse(
  connection: Connection,
  { id }: Ack | Read,
  name: 'NOT_MEMBER' | 'UNRECOVERABLE_POSITION',
): void {
  connection.refuse(name, 'no such position', id === undefined ? {} : { id })
}

/** [RCP-05] When the highest seq of any device advances, those who asked for receipts learn of it. */
export function report(
  origin: Connection,
  conversation: Conversation,
  kind: 'delivered' | 'read',
  seq: number,
): void {
  const { server, user } = origin
  const { has, disk } = server
  const { id: conv, epoch, members } = conversation
  if (seq <= disk.report(kind, user, conv) && !(has('M48') && kind === 'read')) return
  disk.setReport(kind, user, conv, seq)
  if (members.length > mostMembers && !has('M135')) return
  const others = isGroup(conv) ? members : [peerOf(conv, user) ?? user]
  const told = [...new Set(others)].filter((one) => one !== user).flatMap((one) => server.sessionsOf(one))
  const own = kind === 'read' && !has('M134') ? server.sessionsOf(user).filter((one) => one !== origin) : []
  for (const session of [...told, ...own])
    if (session.wantsReceipts && session.state === 'live')
      session.write({ type: 'receipt', conv, epoch, user, kind, seq })
}

/** [RCP-07] How far the others of direct conversations are. */
export function tellMissed(connection: Connection): void {
  const { server, user } = connection
  for (const conv of server.disk.ofUser.get(user) ?? []) {
    const peer = isGroup(conv) ? undefined : peerOf(conv, user)
    if (peer === undefined || peer === user) continue
    const { epoch } = server.disk.open(conv)
    for (const kind of ['delivered', 'read'] as const) {
      const seq = server.disk.report(kind, peer, conv)
      if (seq > 0) connection.write({ type: 'receipt', conv, epoch, user: peer, kind, seq })
    }
  }
}
