// Which `send` repeats which message: SPEC.md#deduplication.
import type { Content, Message, Send } from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { type Accepted, topOf } from './disk.ts'
import { receivers } from './fan-out.ts'
import { placeOf } from './send.ts'
import { flow, streamOf } from './streams.ts'

interface Attempt {
  connection: Connection
  frame: Send
  from: string
}

export function keyOf({ connection, frame, from }: Attempt): string {
  const { has } = connection.server
  if (has('M244')) return `${from} ${frame.msgId} ${connection.encoding}`
  return has('M03') ? frame.msgId : `${from} ${frame.msgId}`
}

/** The message that this one repeats, if any. */
export function findRepeat(attempt: Attempt): Accepted | undefined {
  const { connection, frame } = attempt
  const { server } = connection
  const { has, disk, options } = server
  if (has('M04')) return connection.ownIds.get(frame.msgId) as Accepted | undefined
  const key = keyOf(attempt)
  const found = disk.accepted.get(key)
  if (!found) return undefined
  const { dedupWindowMs } = options.limits
  const windowMs = has('M07') ? dedupWindowMs / 2 : dedupWindowMs
  const isForgotten = has('M10') && found.atMs < server.memory.startedAtMs
  // [LEK-05] What is older than the window is released.
  if (Date.now() - found.atMs <= windowMs + (has('B17') ? windowMs : 0) && !isForgotten) return found
  disk.accepted.delete(key)
  return undefined
}

export function remember(attempt: Attempt, message: Message): void {
  const { connection, from } = attempt
  const { disk, has } = connection.server
  const accepted = { message, atMs: Date.now() }
  connection.ownIds.set(message.msgId, accepted)
  if (has('M06'))
    for (const [key, { message: one }] of disk.accepted) if (one.from === from) disk.accepted.delete(key)
  disk.accepted.set(keyOf(attempt), accepted)
}

/** The first answer once more, or a conflict. */
export function answerRepeat(connection: Connection, frame: Send, conv: string, message: Message): void {
  const { has, disk } = connection.server
  const { id, msgId } = frame
  const isSame = isEqual(message, frame, conv) && !(has('M99') && frame.clientTime !== message.clientTime)
  // [M13] The object in the log itself.
  if (!isSame && has('M241')) storeAnyway(connection, frame, message)
  if (!isSame && has('M13') && conv === message.conv) message.content = frame.content
  else if (!isSame && !has('M200'))
    return connection.refuse('MSGID_CONFLICT', 'this msgId names another message', { id, msgId })
  const place = placeOf(message)
  if (has('M240')) place.timestamp = Date.now() + 1
  if (has('M201'))
    disk.open(message.conv).log.push({ ...message, seq: disk.open(message.conv).log.length + 1 })
  connection.write({ type: 'sent', id, ...place, duplicate: !has('M202') })
}

function isEqual(message: Message, { content, contentType, meta }: Send, conv: string): boolean {
  return (
    message.conv === conv &&
    isSameContent(message.content, content) &&
    (message.contentType ?? 'text/plain') === (contentType ?? 'text/plain') &&
    fingerprint(message.meta) === fingerprint(meta)
  )
}

function isSameContent(a: Content, b: Content): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  return Buffer.from(a).equals(b)
}

function fingerprint(meta: Record<string, string> = {}): string {
  return JSON.stringify(Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** [M241] Refused, and there nevertheless. */
function storeAnyway({ server }: Connection, { content, msgId }: Send, message: Message): void {
  const conversation = server.disk.open(message.conv)
  const stored = { ...message, content, msgId, seq: topOf(conversation) + 1 }
  conversation.log.push(stored)
  for (const one of receivers(server, conversation, message.from)) flow(one, streamOf(one, conversation))
}
