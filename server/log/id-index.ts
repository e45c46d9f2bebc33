// HOT PATH, guarded by bench/server.bench.ts: which (from, msgId) the chunks hold, and where.
// On the disk are blocks of ids. An id belongs to the part that the top byte of its hash names; a generation adds one
// block to each part, eight blocks of about one size become one until it is large, and a block goes when the last of
// its ids has expired. In memory is one filter for each part: it keeps all but the repeats away from the disk.
import { ChatspecError, type Milliseconds } from '../../protocol/index.ts'
import type { Generation } from './generation.ts'
import { addTo, blocksOf, type IdPlace, mergeBlocks, newestIn, placesIn } from './id-block.ts'
import { IdFilter } from './id-filter.ts'
import { afterPrefix, idsKey, idsKeyParts, idsPrefix } from './layout.ts'
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
  first: number
  last: number
  count: number
  newest: Milliseconds
}

interface Part {
  /** What is committed, oldest first. */
  blocks: Block[]
  /** Has all ids of `blocks`, and perhaps some that are about to be, or have expired. */
  filter: IdFilter
}

const nowhere: readonly IdPlace[] = []

export class IdIndex {
  readonly #store: Store
  readonly #options: IdIndexOptions
  readonly #parts: Part[] = []

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
        if (!isWhole(value)) damaged.push(key)
        else if (blocks.push(blockFrom(key, value)) > 0) values.push(value)
      }
      this.#parts.push({ blocks, filter: this.#filterOf(values) })
    }
    return damaged
  }

  /** The last commit whose ids are here; 0 if there is none. */
  get lastCommit(): number {
    let last = 0
    for (const { blocks } of this.#parts) for (const block of blocks) last = Math.max(last, block.last)
    return last
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
    const { firstCommit: first, lastCommit: last } = generation
    for (const [number, value] of blocksOf(generation, scratch)) {
      const part = this.#parts[number]
      if (part === undefined) continue
      if (part.filter.members + sealedCount(value) <= part.filter.capacity) addTo(part.filter, value)
      else part.filter = this.#filterOf([...this.#read(number)].map((entry) => entry.value).concat(value))
      yield replace(part, [], { key: idsKey({ part: number, first, last }), value })
    }
  }

  /** Drops the blocks whose ids are all older than `oldest`, and merges small ones. */
  *tidy(oldest: Milliseconds): Generator<Step> {
    for (const [number, part] of this.#parts.entries()) {
      const expired = part.blocks.filter((block) => block.newest < oldest)
      if (expired.length > 0) yield replace(part, expired)
      const batch = mergeable(
        part.blocks.filter((block) => block.newest >= oldest),
        this.#options,
      )
      const [first, last] = [batch[0], batch.at(-1)]
      if (first === undefined || last === undefined) continue
      const value = mergeBlocks(batch.map((block) => this.#get(block)))
      yield replace(part, batch, {
        key: idsKey({ part: number, first: first.first, last: last.last }),
        value,
      })
    }
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

  #get(block: Block): Buffer {
    const value = this.#store.get(block.key)
    if (value !== undefined && isWhole(value)) return value
    throw new ChatspecError(
      'LOG_DAMAGED',
      `the ids of commits ${block.first} to ${block.last} cannot be read`,
    )
  }

  /** Newest first; asks the disk itself, for a merge may be committed and its end not have been heard of yet. */
  #search(number: number, high: number, low: number): IdPlace[] {
    const entries = [...this.#read(number)]
    return entries.reverse().flatMap(({ value }) => placesIn(value, high, low))
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
      part.blocks.sort((a, b) => a.first - b.first)
    },
  }
}

/** The oldest blocks of one size, if there are enough to merge. */
function mergeable(blocks: readonly Block[], { fanout, largestBlock }: IdIndexOptions): Block[] {
  const bySize = new Map<number, Block[]>()
  for (const block of blocks) {
    const size = Math.floor(Math.log(block.count) / Math.log(fanout))
    const group = bySize.get(size) ?? []
    bySize.set(size, group)
    if (group.push(block) === fanout) return idsIn(group) <= largestBlock ? group : []
  }
  return []
}

function idsIn(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { count }) => sum + count, 0)
}

function blockFrom(key: Buffer, value: Buffer): Block {
  const { first, last } = idsKeyParts(key)
  return { key, first, last, count: sealedCount(value), newest: newestIn(value) }
}
