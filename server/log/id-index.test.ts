// The index of ids grows with the ids that it has to remember, and with nothing else.
import { expect, test } from 'vitest'
import { draft, start } from '../testing/log-fixtures.ts'
import { Generation } from './generation.ts'
import { IdHash } from './id-hash.ts'
import { IdIndex } from './id-index.ts'
import { Scratch } from './scratch.ts'
import type { Entry, Step, Store } from './store.ts'
import { defaultTuning } from './tuning.ts'

const perGeneration = 2_000
const hash = new IdHash([1, 2])

test('few blocks and 2 to 4 bytes of memory an id, however many generations there were', async () => {
  const store = new MapStore()
  const index = new IdIndex(store, { ...defaultTuning, largestBlock: 128 })
  index.load()
  for (let round = 0; round < 100; round += 1) await flush(store, index, round)
  const { ids, bytes } = index.size
  expect(ids).toBe(100 * perGeneration)
  expect(bytes / ids).toBeGreaterThan(2)
  expect(bytes / ids).toBeLessThan(4.5)
  // 780 ids in a part: 13 blocks of up to 64 that are large enough, and less than 8 of each smaller size.
  expect(store.size / 256).toBeLessThan(13 + 2 * 8)
  expect(unfound(index, 0, 100 * perGeneration)).toEqual([])
})

test('what has expired goes from the disk with the next flush, and from memory when a filter is full', async () => {
  const store = new MapStore()
  const index = new IdIndex(store, defaultTuning)
  index.load()
  for (let round = 0; round < 20; round += 1) await flush(store, index, round)
  const before = index.size
  for (let round = 20; round < 80; round += 1) await flush(store, index, round, start + round - 10)
  expect(index.size.ids).toBeLessThan(before.ids * 2)
  expect(index.size.bytes).toBeLessThan(before.bytes * 3)
  expect(unfound(index, 75 * perGeneration, 80 * perGeneration)).toEqual([])
})

test('an index that is loaded finds the same', async () => {
  const store = new MapStore()
  const first = new IdIndex(store, defaultTuning)
  first.load()
  for (let round = 0; round < 10; round += 1) await flush(store, first, round)
  const second = new IdIndex(store, defaultTuning)
  expect(second.load()).toEqual([])
  expect(second.size.ids).toBe(first.size.ids)
  await flush(store, second, 10)
  expect(unfound(second, 0, 11 * perGeneration)).toEqual([])
})

/** Adds generation `round`, whose messages are from `start + round`, and drops what is older than `oldest`. */
async function flush(store: MapStore, index: IdIndex, round: number, oldest = 0): Promise<void> {
  const generation = new Generation(hash)
  for (let i = 1; i <= perGeneration; i += 1) {
    const message = draft(round * perGeneration + i)
    hash.of(message.from, message.msgId)
    generation.add(message, { conversation: round + 1, seq: i, timestamp: start + round })
  }
  const scratch = new Scratch()
  for (const steps of [index.add(generation, scratch), index.tidy(oldest)])
    for (const step of steps) store.take(step)
}

/** Of every seventh draft from `first` (excluded) to `last`: those that are not found where they lie. */
function unfound(index: IdIndex, first: number, last: number): number[] {
  const missing: number[] = []
  for (let n = first + 1; n <= last; n += 7) {
    hash.of('alice', draft(n).msgId)
    const place = { conversation: Math.ceil(n / perGeneration), seq: ((n - 1) % perGeneration) + 1 }
    const found = index.find(hash.high, hash.low)
    if (!found.some(({ conversation, seq }) => conversation === place.conversation && seq === place.seq))
      missing.push(n)
  }
  return missing
}

/** A store in memory, of nothing but blocks of ids: it is asked for one part at a time. */
class MapStore implements Store {
  readonly #parts = new Map<string, Map<string, Entry>>()

  get size(): number {
    return [...this.#parts.values()].reduce((sum, entries) => sum + entries.size, 0)
  }

  take({ writes, committed }: Step): void {
    for (const { key, value } of writes) {
      if (value === undefined) this.#part(key).delete(key.toString('hex'))
      else this.#part(key).set(key.toString('hex'), { key, value: Buffer.from(value) })
    }
    committed?.()
  }

  get(key: Buffer): Buffer | undefined {
    return this.#part(key).get(key.toString('hex'))?.value
  }

  range(start: Buffer): Iterable<Entry> {
    return this.#part(start).values()
  }

  #part(key: Buffer): Map<string, Entry> {
    const name = key.toString('hex', 0, 2)
    const part = this.#parts.get(name) ?? new Map<string, Entry>()
    this.#parts.set(name, part)
    return part
  }

  floor(): undefined {}
  async commit(): Promise<void> {}
  async close(): Promise<void> {}
}
