// The contract of a message log, kept on a disk: over restarts, and when commits fail.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { LogOptions, MessageLog } from './log.ts'
import { contract } from './log.contract.ts'
import { afterPrefix, idsPrefix } from './log/layout.ts'
import { openLmdbLog, openLog } from './log-lmdb.ts'
import { LmdbStore, type Store } from './log/store.ts'
import { defaultTuning, type LogTuning } from './log/tuning.ts'
import {
  append,
  conv,
  draft,
  putRecord,
  readAll,
  testClock,
  tinyTuning as tiny,
  windowMs,
} from './testing/log-fixtures.ts'
import { checkAgainstModel } from './testing/log-model.ts'
import { scratchDirectory as newDirectory } from './testing/scratch.ts'

const opened: MessageLog[] = []

async function open(directory: string, options: LogOptions, tuning?: LogTuning): Promise<MessageLog> {
  const log = await openLmdbLog(directory, options, tuning)
  opened.push(log)
  return log
}

afterEach(async () => {
  for (const log of opened.splice(0)) await log.close()
})

describe('the lmdb log', () => {
  contract((options) => open(newDirectory(), options))
})

describe('the lmdb log, made to work in small steps', () => {
  contract((options) => open(newDirectory(), options, tiny))

  test('agrees with a naive log, over restarts', async () => {
    let directory = ''
    await checkAgainstModel({
      open: (options) => {
        directory = newDirectory()
        return openLmdbLog(directory, options, tiny)
      },
      reopen: async (log, options) => {
        await log.close()
        return openLmdbLog(directory, options, tiny)
      },
      runs: 40,
    })
  })
})

describe('the lmdb log after a restart', () => {
  for (const [size, tuning] of [
    ['in commits', defaultTuning],
    ['in chunks', tiny],
  ] as const) {
    test(`has its messages (${size}), ids, records and epoch`, async () => {
      const directory = newDirectory()
      const clock = testClock()
      const before = await open(directory, clock.options, tuning)
      await Promise.all(Array.from({ length: 40 }, (_, n) => append(before, draft(n))))
      for (let n = 40; n < 60; n += 1) await append(before, draft(n))
      await putRecord(before, ['user', 'alice'], { seen: 1 })
      const messages = readAll(before)
      await before.close()
      const after = await open(directory, clock.options, tuning)
      expect([after.epoch, after.recovery]).toEqual([before.epoch, []])
      expect(readAll(after)).toEqual(messages)
      expect(after.getRecord(['user', 'alice'])).toEqual({ seen: 1 })
      const repeats = await Promise.all(messages.map((_, n) => append(after, draft(n))))
      expect(repeats).toEqual(messages.map(({ seq, timestamp }) => ({ kind: 'duplicate', seq, timestamp })))
      expect(await append(after, draft(7, { content: 'other' }))).toEqual({ kind: 'conflict' })
      expect(await append(after, draft(60))).toMatchObject({ kind: 'stored', seq: 61 })
    })
  }

  test('has dropped the ids that were out of the window', async () => {
    const directory = newDirectory()
    const clock = testClock()
    const send = async (from: number, to: number): Promise<void> => {
      const log = await open(directory, clock.options, { ...tiny, flushBytes: 10_000 })
      for (let n = from; n < to; n += 1) await append(log, draft(n, { timestamp: clock.ms }))
      await log.close()
    }
    await send(0, 100)
    const many = await idBlocks(directory)
    clock.ms += windowMs * 1.1
    await send(100, 120)
    const few = await idBlocks(directory)
    expect([many > 60, few < 30]).toEqual([true, true])
  })
})

describe('the lmdb log when commits fail', () => {
  for (const [size, tuning] of [
    ['large', defaultTuning],
    ['tiny', tiny],
  ] as const) {
    test(`says so to all that wait, stores nothing, and goes on when it can (${size} steps)`, async () => {
      const { log, breaker } = await breakable(tuning)
      for (let n = 0; n < 12; n += 1) await append(log, draft(n))
      const before = readAll(log)
      for (let round = 0; round < 3; round += 1) {
        breaker.broken = true
        const fresh = append(log, draft(20 + round))
        const all = [
          fresh,
          append(log, draft(20 + round)),
          append(log, draft(30, { conv: 'g:new' })),
          append(log, draft(3)),
        ]
        const record = putRecord(log, ['r'], round).catch((failure: Error) => failure.message)
        // This one gathers while the commit that will fail is under way.
        const late = nextTurn().then(() => append(log, draft(40)))
        const expected = { kind: 'unavailable', cause: new Error('no space left on device') }
        expect(await Promise.all([...all, late])).toEqual([...all, late].map(() => expected))
        expect(await record).toBe('no space left on device')
        expect([log.head(conv), log.assignedHead(conv), log.assignedHead('g:new')]).toEqual([
          before.length,
          before.length,
          0,
        ])
        expect(readAll(log)).toEqual(before)
        breaker.broken = false
        expect(await append(log, draft(20 + round))).toMatchObject({ kind: 'stored', seq: before.length + 1 })
        before.push(...readAll(log).slice(-1))
      }
      expect(log.getRecord(['r'])).toBe(undefined)
      for (let n = 50; n < 90; n += 1) await append(log, draft(n))
      expect(readAll(log).slice(0, before.length)).toEqual(before)
      for (const { msgId, seq } of readAll(log)) {
        const n = Number.parseInt(msgId.slice(-12), 16)
        expect(await append(log, draft(n))).toMatchObject({ kind: 'duplicate', seq })
      }
    })
  }
})

test('what gathers while a commit is under way becomes readable with its own', async () => {
  const { log } = await breakable(defaultTuning)
  const first = append(log, draft(1)).then(() => [
    log.head(conv),
    log.assignedHead(conv),
    readAll(log).length,
  ])
  await nextTurn()
  const second = append(log, draft(2))
  expect(await first).toEqual([1, 2, 1])
  await second
  expect(readAll(log)).toHaveLength(2)
})

/** How many blocks of ids a closed log has. */
async function idBlocks(directory: string): Promise<number> {
  const store = new LmdbStore(directory)
  const count = [...store.range(idsPrefix, afterPrefix(idsPrefix))].length
  await store.close()
  return count
}

/** A store whose commits fail while `broken` is set. */
async function breakable(tuning: LogTuning): Promise<{ log: MessageLog; breaker: { broken: boolean } }> {
  const store = new LmdbStore(newDirectory())
  const breaker = { broken: false }
  const commit: Store['commit'] = async (writes) => {
    // Slow enough for more to gather meanwhile.
    for (let turn = 0; turn < 3; turn += 1) await nextTurn()
    if (breaker.broken) throw new Error('no space left on device')
    await store.commit(writes)
  }
  const wrapped: Store = {
    get: (key) => store.get(key),
    floor: (key, least) => store.floor(key, least),
    range: (start, end) => store.range(start, end),
    commit,
    close: () => store.close(),
  }
  const log = await openLog(wrapped, testClock().options, tuning)
  opened.push(log)
  return { log, breaker }
}
