// What lies in the lmdb log: one ordered map of bytes, divided by the first byte of the key.
//
//   m                            identity (log/identity.ts)
//   n name                       number of a conversation, u32
//   v number                     its name
//   j commit                     one commit: header and records, in the order of the appends
//   c number seq                 a chunk: header and consecutive records of one conversation, from `seq` on
//   i part number                a block of ids: where each (from, msgId) lies
//   r component 0 component 0 …  one record as JSON
//
// A message is written twice: at once into a commit, which makes it durable for the price of one put however many
// conversations the commit touches; later, with thousands of others, into the chunks that reads go to. Then its
// commit is deleted. Numbers in keys are big-endian and fixed in length, so that the order of bytes is theirs.
import type { Seq } from '../../protocol/index.ts'
import type { RecordKey } from '../log.ts'
import { recordKeyBytes } from './keys.ts'

export const format = 1
/** What fits into six bytes: at a million messages a second, nine years of one conversation. */
export const maxSeq = 0xffff_ffff_ffff

/** Every key lies between these. */
export const firstKey = Buffer.of(0)
export const lastKey = Buffer.of(0xff)

export const identityKey = Buffer.from('m')
export const numberPrefix = Buffer.from('v')
export const commitPrefix = Buffer.from('j')
export const idsPrefix = Buffer.from('i')

export function nameKey(name: string): Buffer {
  return Buffer.from(`n${name}`)
}

export function numberKey(conversation: number): Buffer {
  const key = keyOf('v', 5)
  key.writeUInt32BE(conversation, 1)
  return key
}

export function commitKey(commit: number): Buffer {
  const key = keyOf('j', 7)
  key.writeUIntBE(commit, 1, 6)
  return key
}

export function commitNumber(key: Buffer): number {
  return key.readUIntBE(1, 6)
}

export function chunkKey(conversation: number, seq: Seq): Buffer {
  const key = keyOf('c', 11)
  key.writeUInt32BE(conversation, 1)
  key.writeUIntBE(seq, 5, 6)
  return key
}

export function idsKey(part: number, number: number): Buffer {
  const key = keyOf('i', 8)
  key.writeUInt8(part, 1)
  key.writeUIntBE(number, 2, 6)
  return key
}

export function idsNumber(key: Buffer): number {
  return key.readUIntBE(2, 6)
}

/** @throws ChatspecError `BAD_RECORD_KEY` */
export function recordKey(key: RecordKey): Buffer {
  return recordKeyBytes(key, 'r')
}

/** The first key after all that begin with `prefix`, whose first byte is one of the letters above. */
export function afterPrefix(prefix: Buffer): Buffer {
  let length = prefix.length
  while (prefix[length - 1] === 0xff) length -= 1
  const key = Buffer.from(prefix.subarray(0, length))
  key[length - 1] = (key[length - 1] ?? 0) + 1
  return key
}

function keyOf(tag: string, length: number): Buffer {
  const key = Buffer.allocUnsafe(length)
  key.write(tag, 0, 'latin1')
  return key
}
