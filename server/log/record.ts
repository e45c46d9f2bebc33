// HOT PATH, guarded by bench/log.bench.ts: the bytes of one stored message.
//
//   0  u32  length of the record, these four bytes included
//   4  u32  number of its conversation
//   8  u48  seq
//  14  u8   flags: 1 content is opaque bytes, 2 contentType, 4 clientTime, 8 meta
//  15  u8   length of `from`
//  16  f64  timestamp, milliseconds since 1970
//  24  u8   length of msgId
//  25  u32  length of content
//  29  from (ASCII), msgId (ASCII), content; then, as the flags say:
//      u8 length and contentType · f64 clientTime · u8 count and entries (u8 length, key, u16 length, value)
//
// Numbers are little-endian, text is UTF-8. Records stand one after the other, in commits and in chunks; both
// carry the checksum and the version of this format.
import { ChatspecError, type Message, type Milliseconds, type Seq } from '../../protocol/index.ts'
import type { Draft } from '../log.ts'

const flagBytes = 1
const flagContentType = 2
const flagClientTime = 4
const flagMeta = 8
const fixedBytes = 29

/** What the log decides about a message. */
export interface Place {
  conversation: number
  seq: Seq
  timestamp: Milliseconds
}

/** Bytes that the record of `draft` takes at most: a UTF-16 unit is at most three bytes of UTF-8. */
export function recordRoom(draft: Draft): number {
  const { content, meta } = draft
  let room = fixedBytes + draft.from.length + draft.msgId.length + 9
  room += typeof content === 'string' ? content.length * 3 : content.length
  if (draft.contentType !== undefined) room += 1 + draft.contentType.length * 3
  if (meta !== undefined) for (const key in meta) room += 3 + (key.length + (meta[key]?.length ?? 0)) * 3
  return room
}

/**
 * Writes a record into `bytes`, which has room for it, and returns where it ends.
 * @throws ChatspecError `BAD_DRAFT` for names that the codec would not have let through
 */
export function writeRecord(bytes: Buffer, at: number, draft: Draft, place: Place): number {
  const { from, msgId, content, contentType, clientTime, meta } = draft
  let flags = 0
  let end = writeAscii(bytes, writeAscii(bytes, at + fixedBytes, from), msgId)
  const contentAt = end
  if (typeof content === 'string') {
    end += bytes.write(content, end)
  } else {
    flags = flagBytes
    bytes.set(content, end)
    end += content.length
  }
  bytes.writeUInt32LE(end - contentAt, at + 25)
  if (contentType !== undefined) {
    flags |= flagContentType
    end = writeShortText(bytes, end, contentType)
  }
  if (clientTime !== undefined) {
    flags |= flagClientTime
    end = bytes.writeDoubleLE(clientTime, end)
  }
  if (meta !== undefined) {
    flags |= flagMeta
    end = writeMeta(bytes, end, meta)
  }
  bytes.writeUInt32LE(end - at, at)
  bytes.writeUInt32LE(place.conversation, at + 4)
  bytes.writeUIntLE(place.seq, at + 8, 6)
  bytes[at + 14] = flags
  bytes[at + 15] = from.length
  bytes.writeDoubleLE(place.timestamp, at + 16)
  bytes[at + 24] = msgId.length
  return end
}

export function recordLength(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at)
}

export function recordConversation(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4)
}

export function recordSeq(bytes: Buffer, at: number): Seq {
  return bytes.readUIntLE(at + 8, 6)
}

export function recordTimestamp(bytes: Buffer, at: number): Milliseconds {
  return bytes.readDoubleLE(at + 16)
}

/** Whether the message has this sender and msgId, without making strings of its own. */
export function recordHasId(bytes: Buffer, at: number, from: string, msgId: string): boolean {
  if (bytes[at + 15] !== from.length || bytes[at + 24] !== msgId.length) return false
  const fromAt = at + fixedBytes
  return hasAscii(bytes, fromAt, from) && hasAscii(bytes, fromAt + from.length, msgId)
}

export function recordFrom(bytes: Buffer, at: number): string {
  const fromAt = at + fixedBytes
  return bytes.toString('latin1', fromAt, fromAt + (bytes[at + 15] ?? 0))
}

export function recordMsgId(bytes: Buffer, at: number): string {
  const msgIdAt = at + fixedBytes + (bytes[at + 15] ?? 0)
  return bytes.toString('latin1', msgIdAt, msgIdAt + (bytes[at + 24] ?? 0))
}

/** The message of a record; it shares no memory with `bytes`. */
export function readRecord(bytes: Buffer, at: number, conv: string, epoch: string): Message {
  const flags = bytes[at + 14] ?? 0
  const from = recordFrom(bytes, at)
  const msgId = recordMsgId(bytes, at)
  const contentAt = at + fixedBytes + (bytes[at + 15] ?? 0) + (bytes[at + 24] ?? 0)
  const contentEnd = contentAt + bytes.readUInt32LE(at + 25)
  const message: Message = {
    conv,
    epoch,
    seq: recordSeq(bytes, at),
    msgId,
    from,
    content:
      flags & flagBytes
        ? new Uint8Array(bytes.subarray(contentAt, contentEnd))
        : bytes.toString('utf8', contentAt, contentEnd),
    timestamp: recordTimestamp(bytes, at),
  }
  if (flags > flagBytes) readExtras(bytes, contentEnd, flags, message)
  return message
}

function readExtras(bytes: Buffer, start: number, flags: number, message: Message): void {
  let at = start
  const shortText = (lengthBytes: 1 | 2): string => {
    const length = bytes.readUIntLE(at, lengthBytes)
    at += lengthBytes + length
    return bytes.toString('utf8', at - length, at)
  }
  if (flags & flagContentType) message.contentType = shortText(1)
  if (flags & flagClientTime) {
    message.clientTime = bytes.readDoubleLE(at)
    at += 8
  }
  if (flags & flagMeta) {
    const entries: [string, string][] = []
    const count = bytes[at] ?? 0
    at += 1
    while (entries.length < count) entries.push([shortText(1), shortText(2)])
    message.meta = Object.fromEntries(entries)
  }
}

function writeMeta(bytes: Buffer, start: number, meta: Record<string, string>): number {
  const keys = Object.keys(meta)
  if (keys.length > 0xff) throw refuse(`meta has ${keys.length} entries`)
  bytes[start] = keys.length
  let at = start + 1
  for (const key of keys) {
    at = writeShortText(bytes, at, key)
    const length = bytes.write(meta[key] ?? '', at + 2)
    if (length > 0xffff) throw refuse(`a value of meta is ${length} bytes long`)
    bytes.writeUInt16LE(length, at)
    at += 2 + length
  }
  return at
}

function writeShortText(bytes: Buffer, at: number, text: string): number {
  const length = bytes.write(text, at + 1)
  if (length > 0xff) throw refuse(`a short text is ${length} bytes long`)
  bytes[at] = length
  return at + 1 + length
}

function writeAscii(bytes: Buffer, at: number, text: string): number {
  const length = text.length
  let seen = length > 0xff ? 0x80 : 0
  for (let i = 0; i < length; i += 1) {
    const code = text.charCodeAt(i)
    seen |= code
    bytes[at + i] = code
  }
  if (seen > 0x7f) throw refuse('from and msgId have to be ASCII of at most 255 characters')
  return at + length
}

function hasAscii(bytes: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

function refuse(detail: string): ChatspecError {
  return new ChatspecError('BAD_DRAFT', `this is no message of the protocol: ${detail}`)
}
