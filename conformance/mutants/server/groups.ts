// Who is a member of what, from where to where: SPEC.md#groups.
import type { ErrorName, Join, Leave } from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { type Conversation, entry, isGroup, topOf } from './disk.ts'
import { acquaint, peersOf } from './presence.ts'
import { countConversations } from './send.ts'
import { streamOf } from './streams.ts'

export function join(connection: Connection, frame: Join): void {
  change(connection, frame, (conversation) => {
    const { server, user } = connection
    const target = frame.user ?? user
    const refused = hindersJoin(connection, conversation, target)
    if (refused) return refused
    const from = topOf(conversation)
    const known = peersOf(server, target)
    if (server.has('M256') && target !== user) {
      connection.write({ type: 'ok', id: frame.id, epoch: conversation.epoch, top: from })
      return undefined
    }
    if (server.has('M254')) conversation.members.unshift(target)
    else conversation.members.push(target)
    entry(conversation.windows, target, () => []).push({
      from: server.has('M28') ? 0 : from + (server.has('M257') ? 1 : 0),
      to: Number.POSITIVE_INFINITY,
    })
    server.disk.takePart(target, frame.conv)
    for (const one of conversation.members) if (!known.has(one)) acquaint(server, target, one)
    for (const session of server.sessionsOf(target)) {
      const isNew = !session.streams.has(frame.conv)
      const stream = streamOf(session, conversation)
      if (isNew) stream.position = from
      if (server.has('M203')) stream.position = from
    }
    tell(connection, conversation, target, 'joined', from)
    if (server.has('M64') && !connection.isOpen) server.entered(connection)
    connection.write({ type: 'ok', id: frame.id, epoch: conversation.epoch, top: from })
    return undefined
  })
}

export function leave(connection: Connection, frame: Leave): void {
  change(connection, frame, (conversation) => {
    const { server, user } = connection
    const { has } = server
    const target = frame.user ?? user
    const mine = conversation.members.includes(user)
    if (!mine || (frame.user !== undefined && !mayDecide(connection, conversation)))
      return notYours(connection, conversation)
    if (!conversation.members.includes(target)) return 'NOT_MEMBER'
    const to = topOf(conversation)
    const window = conversation.windows.get(target)?.at(-1)
    if (window) Object.assign(window, { to, change: frame.user === undefined ? 'left' : 'removed' })
    conversation.members.splice(conversation.members.indexOf(target), 1)
    if (has('M109')) conversation.members.sort()
    tell(connection, conversation, target, frame.user === undefined ? 'left' : 'removed', to)
    connection.write({ type: 'ok', id: frame.id, epoch: conversation.epoch, top: to + (has('M113') ? 1 : 0) })
    return undefined
  })
}

/** One atomic step, in one order with all messages. */
function change(
  connection: Connection,
  { id, conv }: Join | Leave,
  make: (conversation: Conversation) => ErrorName | undefined,
): void {
  const { server } = connection
  if (!isGroup(conv))
    return connection.refuse('NOT_MEMBER', 'a direct conversation has its two users', { id })
  server.writer.submit(() => {
    const conversation = server.disk.open(conv)
    const refused = make(conversation)
    if (refused) connection.refuse(refused, 'this change is not possible', { id })
    // [LEK-03] Nothing remains of a group that nobody ever joined.
    if (conversation.windows.size === 0) server.disk.conversations.delete(conv)
  })
}

function hindersJoin(
  connection: Connection,
  conversation: Conversation,
  target: string,
): ErrorName | undefined {
  const { server, user } = connection
  const { has, options } = server
  const { members } = conversation
  const { groupMembersMax, conversationsPerUser } = options.limits
  const isOther = target !== user
  const isOwnGroup = members[0] === user
  if (isOther && !mayDecide(connection, conversation)) return notYours(connection, conversation)
  if (members.length > 0 && options.caps.includes('join=owner') && !isOwnGroup && !has('M255'))
    return 'NOT_MEMBER'
  if (members.includes(target) && !has('M110')) return 'ALREADY_JOINED'
  if (members.length >= groupMembersMax + (has('M111') ? 1 : 0)) return 'LIMIT_REACHED'
  if (countConversations(server, target) >= conversationsPerUser && !has('M204')) return 'LIMIT_REACHED'
  if (has('M205') && conversation.windows.get(target)?.at(-1)?.change === 'removed') return 'NOT_MEMBER'
  return undefined
}

/** [GRP-15] Who may add and remove others. */
function mayDecide({ server, user }: Connection, { members }: Conversation): boolean {
  return server.has('M107') ? members.includes(user) : members[0] === user
}

/** [GRP-20] The same answer whether the group exists or not. */
function notYours({ server }: Connection, { members }: Conversation): ErrorName {
  return server.has('M112') && members.length === 0 ? 'NOT_FOUND' : 'NOT_MEMBER'
}

/** [GRP-16] To the user whose membership it is, but not where it was asked for. */
function tell(
  origin: Connection,
  conversation: Conversation,
  user: string,
  what: 'joined' | 'left' | 'removed',
  seq: number,
): void {
  const { server } = origin
  const { id: conv, epoch } = conversation
  for (const session of server.sessionsOf(user))
    if (session !== origin && session.state === 'live' && !server.has('M108'))
      session.write({ type: 'membership', conv, epoch, user, change: what, seq })
}
