// Reads the frames that are sent for every message, if they look as our own encoder writes them. Anything else,
// right or wrong, is left to the general way: what is accepted and what is refused is decided in one place only.
// HOT PATH, guarded by bench/codec.bench.ts
import type { HotItems } from './cbor-hot-items.ts'
import { hotKeys as keys } from './cbor-items.ts'
import { type Ack, type AnyMessage, frameNumbers, type Msg, type Send, type Sent } from './messages.ts'
import type { Side } from './validate.ts'

/**
 * The message that `side` wrote in a frame of this type, whose body begins at `at`.
 * Undefined does not mean that it is wrong.
 */
export function readHot(
  items: HotItems,
  side: Side,
  type: number,
  frame: Uint8Array,
  at: number,
  maxContent: number,
): AnyMessage | undefined {
  items.start(frame, at)
  const message =
    side === 'client' ? readClient(items, type, maxContent) : readServer(items, type, maxContent)
  return items.finish() ? message : undefined
}

function readClient(items: HotItems, type: number, maxContent: number): AnyMessage | undefined {
  if (type === frameNumbers.send) return readSend(items, maxContent)
  if (type === frameNumbers.ack) return readAck(items)
  return readEither(items, type)
}

function readServer(items: HotItems, type: number, maxContent: number): AnyMessage | undefined {
  if (type === frameNumbers.msg) return readMsg(items, maxContent)
  if (type === frameNumbers.sent) return readSent(items)
  return readEither(items, type)
}

function readEither(items: HotItems, type: number): AnyMessage | undefined {
  if (type === frameNumbers.ping) return { type: 'ping', n: items.uint(keys.n) }
  if (type === frameNumbers.pong) return { type: 'pong', n: items.uint(keys.n) }
  return undefined
}

function readMsg(items: HotItems, maxContent: number): Msg {
  const seq = items.uint(keys.seq)
  const conv = items.conversation(keys.conv)
  const from = items.name(keys.from)
  const epoch = items.epoch(keys.epoch)
  const msgId = items.msgId(keys.msgId)
  const replay = items.booleanIf(keys.replay)
  const content = items.text(keys.content, maxContent)
  const timestamp = items.uint(keys.timestamp)
  const clientTime = items.uintIf(keys.clientTime)
  const message: Msg = { type: 'msg', conv, epoch, seq, msgId, from, content, timestamp }
  if (clientTime !== undefined) message.clientTime = clientTime
  if (replay !== undefined) message.replay = replay
  return message
}

function readSend(items: HotItems, maxContent: number): Send | undefined {
  const id = items.requestId(keys.id)
  const to = items.nameIf(keys.to)
  const conv = items.conversationIf(keys.conv)
  const msgId = items.msgId(keys.msgId)
  const content = items.text(keys.content, maxContent)
  const clientTime = items.uintIf(keys.clientTime)
  let message: Send
  if (to !== undefined && conv === undefined) message = { type: 'send', id, msgId, to, content }
  else if (conv !== undefined && to === undefined) message = { type: 'send', id, msgId, conv, content }
  else return undefined
  if (clientTime !== undefined) message.clientTime = clientTime
  return message
}

function readSent(items: HotItems): Sent {
  const id = items.requestId(keys.id)
  const seq = items.uint(keys.seq)
  const conv = items.conversation(keys.conv)
  const epoch = items.epoch(keys.epoch)
  const msgId = items.msgId(keys.msgId)
  const duplicate = items.boolean(keys.duplicate)
  const timestamp = items.uint(keys.timestamp)
  return { type: 'sent', id, msgId, conv, epoch, seq, timestamp, duplicate }
}

function readAck(items: HotItems): Ack {
  const id = items.requestIdIf(keys.id)
  const seq = items.uint(keys.seq)
  const conv = items.conversation(keys.conv)
  const epoch = items.epoch(keys.epoch)
  return id === undefined ? { type: 'ack', conv, epoch, seq } : { type: 'ack', id, conv, epoch, seq }
}
