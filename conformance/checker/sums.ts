// Sums over stretches of a log: forgotten messages are still compared with what a history read brings.
import type { SeenMessage } from './events.ts'
import type { Sums } from './state.ts'

/** Of more stretches than this, neighbours are merged: the memory of a log stays the same, however long it gets. */
const stretchesMax = 64

/** A message was seen at its place for the first time. */
export function addToSums(sums: Sums, seen: SeenMessage): void {
  const index = stretchOf(seen.seq, sums.stride)
  const stretch = sums.stretches.get(index)
  if (stretch === undefined) sums.stretches.set(index, { sum: fingerprint(seen), count: 1 })
  else {
    stretch.sum = (stretch.sum + fingerprint(seen)) | 0
    stretch.count += 1
  }
  while (sums.stretches.size > stretchesMax) mergeNeighbours(sums)
}

/** Is this sum right for a whole stretch? Undefined: not every message of it was seen before. */
export function isRightSum(sums: Sums, index: number, sum: number): boolean | undefined {
  const stretch = sums.stretches.get(index)
  if (stretch === undefined || stretch.count !== sums.stride) return undefined
  return stretch.sum === sum
}

/** Stretches count from 0 and begin at seqs 1, stride + 1 … */
export function stretchOf(seq: number, stride: number): number {
  return Math.floor((seq - 1) / stride)
}

function mergeNeighbours(sums: Sums): void {
  const merged: Sums['stretches'] = new Map()
  for (const [index, { sum, count }] of sums.stretches) {
    const half = Math.floor(index / 2)
    const other = merged.get(half)
    merged.set(half, { sum: (sum + (other?.sum ?? 0)) | 0, count: count + (other?.count ?? 0) })
  }
  sums.stretches = merged
  sums.stride *= 2
}

/** 32 bits of everything that identifies a message at its place. */
export function fingerprint({ seq, from, msgId, hash, timestamp }: SeenMessage): number {
  let mixed = mixText(mixText(0x811c9dc5, from), msgId)
  for (const value of [seq, hash, timestamp]) {
    mixed = Math.imul(mixed ^ value, 0x85ebca6b)
    mixed = Math.imul(mixed ^ (value / 0x100000000), 0xc2b2ae35)
    mixed ^= mixed >>> 15
  }
  return mixed
}

function mixText(start: number, text: string): number {
  let mixed = start
  for (let index = 0; index < text.length; index++)
    mixed = Math.imul(mixed ^ text.charCodeAt(index), 0x01000193)
  return mixed
}
