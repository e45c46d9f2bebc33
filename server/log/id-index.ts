// HOT PATH, guarded by bench/log.bench.ts: which (from, msgId) the chunks hold, and where.
// On the disk are blocks of ids. An id belongs to the part that the top byte of its hash names; a generation adds one
// block to each part, eight blocks of about one size become one until it is large, and a block goes when the last of
// its ids has expired. In memory is one filter for each part: it keeps all but the repeats away from the disk.
import { ChatspecError, type Milliseconds } from '../../protocol/index.ts'
import type { Generation } from './generation.ts'
import { addTo, blocksOf, type IdPlace, mergeBlocks, newestIn, placesIn } from './id-block.ts'
import { IdFilter } from './id-filter.ts'
import { afterPrefix, idsKey, idsNumber, idsPrefix } from './layout.ts'
import type { Scratch } from './scratch.ts'
import { isWhole, sealedCount } from './seal.ts'
import type { Step, Store, Write } from './store.ts'

const partCount = 256

export interface IdIndexOptions {
  /** Ids that a filter has room for at least. */
  filterCapacity: number
  /** Blocks of about one size that become one. */
  fanout: number
  /** Ids in the largest block that a merge may make. */
  largestBlock: number
}

interface Block {
  key: Buffer
  count: number
  newest: Milliseconds
}

interface Part {
  /** What is committed. */
  blocks: Block[]
  /** Has all ids of `blocks`, and perhaps some that are about to be, or have expired. */
  filter: IdFilter
}

const nowhere: readonly IdPlace[] = []

export class IdIndex {
  readonly #store: Store
  readonly #options: IdIndexOptions
  readonly #parts: Part[] = []
  #nextNumber = 1

  constructor(store: Store, options: IdIndexOptions) {
    this.#store = store
    this.#options = options
  }

  /** Reads all blocks, and returns the keys of those that are damaged. */
  load(): Buffer[] {
    const damaged: Buffer[] = []
    for (let number = 0; number < partCount; number += 1) {
      const blocks: Block[] = []
      const values: Buffer[] = []
      for (const { key, value } of this.#read(number)) {
        this.#nextNumber = Math.max(this.#nextNumber, idsNumber(key) + 1)
        if (!isWhole(value)) damaged.push(key)
        else if (blocks.push(blockFrom(key, value)) > 0) values.push(value)
      }
      this.#parts.push({ blocks, filter: this.#filterOf(values) })
    }
    return damaged
  }

  /** How many ids there are, and how much memory they take. */
  get size(): { ids: number; bytes: number } {
    const size = { ids: 0, bytes: 0 }
    for (const { blocks, filter } of this.#parts) {
      size.ids += idsIn(blocks)
      size.bytes += filter.bytes
    }
    return size
  }

  find(high: number, low: number): readonly IdPlace[] {
    const number = high >>> 24
    return this.#parts[number]?.filter.mayHave(high, low) ? this.#search(number, high, low) : nowhere
  }

  /** Adds one block to each part that `generation` has ids of. */
  *add(generation: Generation, scratch: Scratch): Generator<Step> {
    for (const [number, value] of blocksOf(generation, scratch)) {
      const part = this.#parts[number]
      if (part === undefined) continue
      let readBytes = 0
      if (part.filter.members + sealedCount(value) <= part.filter.capacity) addTo(part.filter, value)
      else {
        const values = [...this.#read(number)].map((entry) => entry.value).concat(value)
        readBytes = values.reduce((sum, { length }) => sum + length, 0)
        part.filter = this.#filterOf(values)
      }
      yield { ...replace(part, [], { key: this.#newKey(number), value }), readBytes }
    }
  }

  /** Drops the blocks whose ids are all older than `oldest`, and merges small ones. */
  *tidy(oldest: Milliseconds): Generator<Step> {
    for (const [number, part] of this.#parts.entries()) {
      const expired = part.blocks.filter((block) => block.newest < oldest)
      if (expired.length > 0) yield replace(part, expired)
      const living = part.blocks.filter((block) => block.newest >= oldest)
      const batch = mergeable(living, this.#options)
      if (batch.length === 0) continue
      const value = mergeBlocks(batch.map((block) => this.#get(number, block)))
      yield replace(part, batch, { key: this.#newKey(number), value })
    }
  }

  /** A number is never used again: the commit that merges blocks deletes them by name. */
  #newKey(part: number): Buffer {
    const number = this.#nextNumber
    this.#nextNumber += 1
    return idsKey(part, number)
  }

  #read(number: number) {
    const prefix = Buffer.concat([idsPrefix, Buffer.of(number)])
    return this.#store.range(prefix, afterPrefix(prefix))
  }

  /** Twice as large as it has to be, so that a part is read again each time that it doubles, and no more often. */
  #filterOf(blocks: readonly Buffer[]): IdFilter {
    const ids = blocks.reduce((sum, block) => sum + sealedCount(block), 0)
    const filter = new IdFilter(Math.max(this.#options.filterCapacity, ids * 2))
    for (const block of blocks) addTo(filter, block)
    return filter
  }

  #get(part: number, { key }: Block): Buffer {
    const value = this.#store.get(key)
    if (value !== undefined && isWhole(value)) return value
    throw new ChatspecError(
      'LOG_DAMAGED',
      `block ${idsNumber(key)} of part ${part} of the ids cannot be read`,
    )
  }

  /** Asks the disk itself: a merge may be committed and its end not have been heard of yet. */
  #search(number: number, high: number, low: number): IdPlace[] {
    return [...this.#read(number)].flatMap(({ value }) => placesIn(value, high, low))
  }
}

function replace(part: Part, old: readonly Block[], added?: { key: Buffer; value: Buffer }): Step {
  const writes: Write[] = old.map(({ key }) => ({ key }))
  if (added !== undefined) writes.push(added)
  return {
    writes,
    committed: () => {
      part.blocks = part.blocks.filter((block) => !old.includes(block))
      if (added !== undefined) part.blocks.push(blockFrom(added.key, added.value))
    },
  }
}

/** Blocks of one size, if there are enough to merge. */
function mergeable(blocks: readonly Block[], { fanout, largestBlock }: IdIndexOptions): Block[] {
  const bySize = new Map<number, Block[]>()
  for (const block of blocks) {
    const size = Math.floor(Math.log(block.count) / Math.log(fanout))
    const group = bySize.get(size) ?? []
    bySize.set(size, group)
    if (group.push(block) === fanout && idsIn(group) <= largestBlock) return group
  }
  return []
}

function idsIn(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { count }) => sum + count, 0)
}

function blockFrom(key: Buffer, value: Buffer): Block {
  return { key, count: sealedCount(value), newest: newestIn(value) }
}
