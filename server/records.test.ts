import { expect, it } from 'vitest'
import { createMemoryLog } from './log-memory.ts'
import { createRecords } from './records.ts'

function setUp() {
  const log = createMemoryLog({ dedupWindowMs: 1_000, now: () => 0 })
  const records = createRecords(log)
  const committed = (): Promise<void> =>
    new Promise((resolve) => log.putRecord(['done', ''], 0, () => resolve()))
  const list = (...prefix: string[]): string[] =>
    [...records.list(prefix)].map(([key, value]) => `${key[2]}=${value}`).sort()
  return { log, records, committed, list }
}

it('shows a write at once, and the same after its commit', async () => {
  const { log, records, committed, list } = setUp()
  records.put(['conv', 'alice', 'a'], 1)
  expect(log.getRecord(['conv', 'alice', 'a'])).toBeUndefined()
  expect(records.get(['conv', 'alice', 'a'])).toBe(1)
  expect(list('conv', 'alice')).toEqual(['a=1'])
  await committed()
  expect(records.pending()).toBe(0)
  expect(records.get(['conv', 'alice', 'a'])).toBe(1)
  expect(list('conv', 'alice')).toEqual(['a=1'])
})

it('puts what is under way in front of what is committed, deletions too', async () => {
  const { records, committed, list } = setUp()
  records.put(['conv', 'alice', 'a'], 1)
  records.put(['conv', 'alice', 'b'], 1)
  await committed()
  records.put(['conv', 'alice', 'a'], 2)
  records.put(['conv', 'alice', 'a'], 3)
  records.put(['conv', 'alice', 'b'], undefined)
  expect(list('conv', 'alice')).toEqual(['a=3'])
  expect(records.get(['conv', 'alice', 'b'])).toBeUndefined()
})

it('keeps owners and longer prefixes apart', () => {
  const { records } = setUp()
  records.put(['cursor', 'alice', 'phone', 'a'], 1)
  records.put(['cursor', 'alice', 'laptop', 'a'], 2)
  records.put(['cursor', 'bob', 'phone', 'a'], 3)
  expect([...records.list(['cursor', 'alice', 'phone'])]).toEqual([[['cursor', 'alice', 'phone', 'a'], 1]])
})
