// Writes the frames that are sent for every message; the general way writes the same bytes, slower.
// HOT PATH, guarded by bench/codec.bench.ts
import { falseByte, hotKeys as keys, mapMajor, trueByte, uintMajor, type WordKey } from './cbor-items.ts'
import { type CborOutput, itemRoom } from './cbor-output.ts'
import { type Ack, type AnyMessage, frameNumbers, type Msg, type Send, type Sent } from './messages.ts'

const none = 0

/** Writes the body of a hot frame and gives the number of its type; 0, with nothing written, if it is none. */
export function writeHot(out: CborOutput, message: AnyMessage): number {
  switch (message.type) {
    case 'msg':
      return writeMsg(out, message)
    case 'send':
      return writeSend(out, message)
    case 'sent':
      return writeSent(out, message)
    case 'ack':
      return writeAck(out, message)
    case 'ping':
      return writeNonce(out, message.n, frameNumbers.ping)
    case 'pong':
      return writeNonce(out, message.n, frameNumbers.pong)
    default:
      return none
  }
}

function writeMsg(out: CborOutput, message: Msg): number {
  const { conv, from, epoch, msgId, replay, content, clientTime } = message
  if (typeof content !== 'string' || message.meta !== undefined || message.contentType !== undefined)
    return none
  const fields = 7 + (replay === undefined ? 0 : 1) + (clientTime === undefined ? 0 : 1)
  begin(out, fields, conv.length + from.length + epoch.length + msgId.length + content.length)
  uint(out, keys.seq, message.seq)
  short(out, keys.conv, conv)
  short(out, keys.from, from)
  short(out, keys.epoch, epoch)
  short(out, keys.msgId, msgId)
  if (replay !== undefined) boolean(out, keys.replay, replay)
  text(out, keys.content, content)
  uint(out, keys.timestamp, message.timestamp)
  if (clientTime !== undefined) uint(out, keys.clientTime, clientTime)
  return frameNumbers.msg
}

function writeSend(out: CborOutput, message: Send): number {
  const { to, conv, msgId, content, clientTime } = message
  if (typeof content !== 'string' || message.meta !== undefined || message.contentType !== undefined)
    return none
  const fields =
    3 + (to === undefined ? 0 : 1) + (conv === undefined ? 0 : 1) + (clientTime === undefined ? 0 : 1)
  begin(out, fields, (to?.length ?? 0) + (conv?.length ?? 0) + msgId.length + content.length)
  uint(out, keys.id, message.id)
  if (to !== undefined) short(out, keys.to, to)
  if (conv !== undefined) short(out, keys.conv, conv)
  short(out, keys.msgId, msgId)
  text(out, keys.content, content)
  if (clientTime !== undefined) uint(out, keys.clientTime, clientTime)
  return frameNumbers.send
}

function writeSent(out: CborOutput, { id, seq, conv, epoch, msgId, duplicate, timestamp }: Sent): number {
  begin(out, 7, conv.length + epoch.length + msgId.length)
  uint(out, keys.id, id)
  uint(out, keys.seq, seq)
  short(out, keys.conv, conv)
  short(out, keys.epoch, epoch)
  short(out, keys.msgId, msgId)
  boolean(out, keys.duplicate, duplicate)
  uint(out, keys.timestamp, timestamp)
  return frameNumbers.sent
}

function writeAck(out: CborOutput, { id, seq, conv, epoch }: Ack): number {
  begin(out, id === undefined ? 3 : 4, conv.length + epoch.length)
  if (id !== undefined) uint(out, keys.id, id)
  uint(out, keys.seq, seq)
  short(out, keys.conv, conv)
  short(out, keys.epoch, epoch)
  return frameNumbers.ack
}

function writeNonce(out: CborOutput, n: number, type: number): number {
  begin(out, 1, 0)
  uint(out, keys.n, n)
  return type
}

/** Makes room for a whole map: for each field a key and a number, for each unit of text three bytes. */
function begin(out: CborOutput, fields: number, textUnits: number): void {
  out.ensure((2 * fields + 1) * itemRoom + 3 * textUnits)
  out.byte(mapMajor | fields)
}

function uint(out: CborOutput, key: WordKey, value: number): void {
  out.key(key)
  out.head(uintMajor, value)
}

function short(out: CborOutput, key: WordKey, value: string): void {
  out.key(key)
  out.short(value)
}

function text(out: CborOutput, key: WordKey, value: string): void {
  out.key(key)
  out.text(value)
}

function boolean(out: CborOutput, key: WordKey, value: boolean): void {
  out.key(key)
  out.byte(value ? trueByte : falseByte)
}
