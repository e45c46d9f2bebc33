// Who gets a message that was just accepted: the connections of everybody entitled but its origin.
import { type Message, peerOf } from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { type Conversation, isGroup, isVisible } from './disk.ts'
import type { ChatServer } from './server.ts'
import { flow, streamOf } from './streams.ts'

/** [M24] The longest wait for one receiver. */
const longestWaitMs = 8_000
/** [M21] */
const listAgeMs = 150

export function receivers(server: ChatServer, conversation: Conversation, from: string): Connection[] {
  const { id, members, windows } = conversation
  const users = isGroup(id)
    ? server.has('M22')
      ? [...windows.keys()]
      : members
    : new Set([from, peerOf(id, from) ?? from])
  return [...users].flatMap((user) => {
    if (server.has('M25') && user === from && users instanceof Set) return []
    const sessions = server.sessionsOf(user)
    return server.has('M26') || (server.has('M253') && isGroup(id)) ? sessions.slice(-1) : sessions
  })
}

/** [M21] A list that was true some moments ago. */
export function cachedReceivers(server: ChatServer, conversation: Conversation, from: string): Connection[] {
  const nowMs = performance.now()
  const known = server.lists.get(conversation.id)
  if (known && nowMs - known.atMs < listAgeMs) return known.list
  const list = receivers(server, conversation, from)
  server.lists.set(conversation.id, { list, atMs: nowMs })
  return list
}

export function fanOut(
  origin: Connection,
  conversation: Conversation,
  message: Message,
  present?: Connection[],
): void {
  const { server } = origin
  const { has } = server
  if (origin.hasSession && origin.user === message.from) {
    const stream = streamOf(origin, conversation)
    // Whatever else waits on this connection, its own message is not written to it.
    if (!has('M199')) stream.own.add(message.seq)
    flow(origin, stream)
  }
  const targets = (present ?? receivers(server, conversation, message.from)).filter((one) => one !== origin)
  if (has('M24')) {
    server.chain = server.chain.then(() => inTurn(targets, conversation))
    return
  }
  for (const target of targets) {
    if (has('M114') && !target.isOpen) return
    if (has('M248') && targets.length > 1 && target === targets.at(-1))
      setTimeout(() => flow(target, streamOf(target, conversation)), 30)
    else if (has('M15') || has('M22')) direct(target, conversation, message)
    else flow(target, streamOf(target, conversation))
    if (has('M238')) target.write({ type: 'msg', ...message })
    if (has('M116') && (conversation.windows.get(target.user)?.length ?? 0) > 1)
      target.write({ type: 'msg', ...message })
  }
  if (present) skip(server, conversation, present, message)
}

/** [M15] [M22] Written as it comes, whatever was written before and whoever may see it. */
function direct(target: Connection, conversation: Conversation, message: Message): void {
  const stream = streamOf(target, conversation)
  if (target.server.has('M22') && isVisible(conversation, target.user, message.seq))
    return flow(target, stream)
  stream.position = Math.max(stream.position, message.seq)
  target.write({ type: 'msg', ...message })
}

/** [M21] Who came after the list was made is not on it. */
function skip(
  server: ChatServer,
  conversation: Conversation,
  present: Connection[],
  { from, seq }: Message,
): void {
  for (const one of receivers(server, conversation, from)) {
    const stream = streamOf(one, conversation)
    if (!present.includes(one)) stream.position = Math.max(stream.position, seq)
  }
}

/** [M24] One after the other, each when the one before it has acknowledged. */
async function inTurn(targets: readonly Connection[], conversation: Conversation): Promise<void> {
  for (const target of targets) {
    flow(target, streamOf(target, conversation))
    const sinceMs = performance.now()
    while (target.inFlight > 0 && target.isOpen && performance.now() - sinceMs < longestWaitMs)
      await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
