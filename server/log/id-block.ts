// A block of ids: for many messages, the hash of (from, msgId) and where the message lies.
//
//   0  header (log/seal.ts), then at 16 f64 timestamp of the newest message; from 24 on entries in any order:
//      u32 high and u32 low of the hash, u32 number of the conversation, u48 seq, u16 zero
import type { Milliseconds, Seq } from '../../protocol/index.ts'
import type { Generation } from './generation.ts'
import type { IdFilter } from './id-filter.ts'
import type { IdTable } from './id-table.ts'
import { recordConversation, recordSeq, recordTimestamp } from './record.ts'
import type { Scratch } from './scratch.ts'
import { headerBytes, seal } from './seal.ts'

const entriesAt = headerBytes + 8
const entryBytes = 20

/** Where a message with a matching hash lies; whether it is the one is for its record to say. */
export interface IdPlace {
  conversation: number
  seq: Seq
}

export function newestIn(block: Buffer): Milliseconds {
  return block.readDoubleLE(headerBytes)
}

export function addTo(filter: IdFilter, block: Buffer): void {
  for (let at = entriesAt; at < block.length; at += entryBytes) {
    filter.add(block.readUInt32LE(at), block.readUInt32LE(at + 4))
  }
}

export function placesIn(block: Buffer, high: number, low: number): IdPlace[] {
  const places: IdPlace[] = []
  for (let at = entriesAt; at < block.length; at += entryBytes) {
    if (block.readUInt32LE(at + 4) !== low || block.readUInt32LE(at) !== high) continue
    places.push({ conversation: block.readUInt32LE(at + 8), seq: block.readUIntLE(at + 12, 6) })
  }
  return places
}

export function mergeBlocks(blocks: readonly Buffer[]): Buffer {
  const entries = blocks.map((block) => block.subarray(entriesAt))
  return sealBlock(Buffer.concat([Buffer.alloc(entriesAt), ...entries]), Math.max(...blocks.map(newestIn)))
}

/** The ids of a generation, one block for each part that has any; the part is the top byte of the hash. */
export function blocksOf({ bytes, ids }: Generation, scratch: Scratch): Map<number, Buffer> {
  const counts = new Uint32Array(256)
  for (let i = 0; i < ids.size; i += 1) counts[partOf(ids, i)] = (counts[partOf(ids, i)] ?? 0) + 1
  const blocks = [...counts].map((count) => scratch.take(entriesAt + count * entryBytes))
  const ends = new Uint32Array(256).fill(entriesAt)
  const newest = new Float64Array(256)
  for (let i = 0; i < ids.size; i += 1) {
    const part = partOf(ids, i)
    const at = ends[part] ?? 0
    const offset = ids.offsets[i] ?? 0
    const block = blocks[part] ?? Buffer.alloc(0)
    block.writeUInt32LE(ids.highs[i] ?? 0, at)
    block.writeUInt32LE(ids.lows[i] ?? 0, at + 4)
    block.writeUInt32LE(recordConversation(bytes, offset), at + 8)
    block.writeUIntLE(recordSeq(bytes, offset), at + 12, 6)
    block.writeUInt16LE(0, at + 18)
    ends[part] = at + entryBytes
    newest[part] = Math.max(newest[part] ?? 0, recordTimestamp(bytes, offset))
  }
  const sealed = new Map<number, Buffer>()
  for (const [part, block] of blocks.entries()) {
    if (block.length > entriesAt) sealed.set(part, sealBlock(block, newest[part] ?? 0))
  }
  return sealed
}

function partOf(ids: IdTable, index: number): number {
  return (ids.highs[index] ?? 0) >>> 24
}

function sealBlock(block: Buffer, newest: Milliseconds): Buffer {
  block.writeDoubleLE(newest, headerBytes)
  return seal(block, (block.length - entriesAt) / entryBytes)
}
