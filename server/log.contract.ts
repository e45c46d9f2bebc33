// What every message log has to do: one set of tests, run against each implementation.
import { describe, expect, test } from 'vitest'
import type { AppendOutcome, Draft, LogOptions, MessageLog } from './log.ts'
import { repeating } from './log-repeats.contract.ts'
import { append, conv, draft, putRecord, readAll, start, testClock } from './testing/log-fixtures.ts'

export type Open = (options: LogOptions) => Promise<MessageLog>

/** `open` gives an empty log, closed after the test by whoever opened it. */
export function contract(open: Open): void {
  describe('append', () => appending(open))
  describe('a repeated msgId', () => repeating(open))
  describe('read', () => reading(open))
  describe('records', () => recording(open))
}

function appending(open: Open): void {
  test('seqs are dense from 1 in each conversation, however appends interleave', async () => {
    const log = await open(testClock().options)
    const names = ['d:alice:bob', 'g:one', 'd:alice:carol']
    const outcomes = Array.from({ length: 60 }, (_, n) => append(log, draft(n, { conv: names[n % 3] ?? '' })))
    const seqs = (await Promise.all(outcomes)).map((outcome) => (outcome.kind === 'stored' ? outcome.seq : 0))
    expect(seqs).toEqual(Array.from({ length: 60 }, (_, n) => Math.floor(n / 3) + 1))
    for (const name of names)
      expect(readAll(log, name).map((message) => message.seq)).toEqual(seqs.slice(0, 20).map((_, n) => n + 1))
  })

  test('answers come after append returned, in call order, and the listener hears after them', async () => {
    const log = await open(testClock().options)
    const heard: string[] = []
    const ended = new Promise<void>((resolve) => {
      log.onCommit(() => {
        heard.push('commit')
        resolve()
      })
    })
    log.append(draft(1), () => heard.push('first'))
    log.putRecord(['a'], 1, () => heard.push('record'))
    log.append(draft(1), () => heard.push('repeat'))
    log.append(draft(1, { content: 'other' }), () => heard.push('conflict'))
    log.append(draft(2), () => heard.push('second'))
    expect(heard).toEqual([])
    await ended
    expect(heard).toEqual(['first', 'record', 'repeat', 'conflict', 'second', 'commit'])
  })

  test('a message is assigned at once and readable when it is answered', async () => {
    const log = await open(testClock().options)
    const answer = append(log, draft(1))
    expect([log.assignedHead(conv), log.head(conv), readAll(log)]).toEqual([1, 0, []])
    await answer
    expect([log.assignedHead(conv), log.head(conv), readAll(log).length]).toEqual([1, 1, 1])
    expect([log.assignedHead('g:none'), log.head('g:none')]).toEqual([0, 0])
  })

  test('what an answer appends is stored, also while the log is being closed', async () => {
    const log = await open(testClock().options)
    let last: AppendOutcome | undefined
    log.append(draft(1), () => {
      log.append(draft(2), (outcome) => {
        last = outcome
      })
    })
    await log.close()
    expect(last).toEqual({ kind: 'stored', seq: 2, timestamp: start })
  })

  test('timestamps never decrease in a conversation when the clock steps back', async () => {
    const log = await open(testClock().options)
    for (const [n, timestamp] of [start, start - 5_000, start + 7, start + 6].entries()) {
      await append(log, draft(n, { timestamp }))
    }
    await append(log, draft(9, { conv: 'g:other', timestamp: start - 5_000 }))
    expect(readAll(log).map((message) => message.timestamp)).toEqual([start, start, start + 7, start + 7])
    expect(readAll(log, 'g:other').map((message) => message.timestamp)).toEqual([start - 5_000])
  })

  test('every field comes back as it was given', async () => {
    const log = await open(testClock().options)
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n)
    const given = bytes.slice()
    const drafts: Draft[] = [
      draft(1, { content: 'a\u0000b\n"\\ü€𝄞👩‍👩‍👧', contentType: 'text/markdown', clientTime: 1 }),
      draft(2, {
        content: given,
        contentType: 'image/png',
        meta: { a: '', 'b.c-d_e': 'x€', z9: 'v'.repeat(256) },
      }),
      draft(3, { content: '', clientTime: Number.MAX_SAFE_INTEGER, meta: {} }),
      draft(4, { content: new Uint8Array(0) }),
      draft(5, { content: 'ü'.repeat(8_192), from: `${'A'.repeat(63)}~` }),
    ]
    const answers = drafts.map((message) => append(log, message))
    // The caller may use its buffer again.
    given.fill(0)
    await Promise.all(answers)
    const stored = drafts.map((message, n) => ({ ...message, epoch: log.epoch, seq: n + 1 }))
    expect(readAll(log)).toStrictEqual(
      stored.map((message, n) => (n === 1 ? { ...message, content: bytes } : message)),
    )
  })

  test('an epoch is 8 letters and digits, and nothing had to be recovered', async () => {
    const log = await open(testClock().options)
    expect(log.epoch).toMatch(/^[a-z0-9]{8}$/)
    expect(log.recovery).toEqual([])
  })
}

function reading(open: Open): void {
  async function filled(timestamps: readonly number[]): Promise<MessageLog> {
    const log = await open(testClock().options)
    await Promise.all(timestamps.map((offset, n) => append(log, draft(n + 1, { timestamp: start + offset }))))
    return log
  }

  test('gives (after, upTo], at most limit of them, from either end', async () => {
    const log = await filled(Array.from({ length: 100 }, () => 0))
    const seqs = (after: number, upTo: number, limit: number, reverse = false): number[] =>
      log.read(conv, { after, upTo, limit, reverse }).map((message) => message.seq)
    expect(seqs(0, 3, 10)).toEqual([1, 2, 3])
    expect(seqs(97, 1_000, 10)).toEqual([98, 99, 100])
    expect(seqs(10, 90, 3)).toEqual([11, 12, 13])
    expect(seqs(10, 90, 3, true)).toEqual([90, 89, 88])
    expect(seqs(10, 12, 9, true)).toEqual([12, 11])
    expect(seqs(0, 1_000, 1_000, true)).toEqual(seqs(0, 1_000, 1_000).reverse())
    for (const [after, upTo, limit] of [
      [5, 5, 9],
      [6, 5, 9],
      [100, 200, 9],
      [500, 900, 9],
      [0, 9, 0],
    ] as const) {
      expect(seqs(after, upTo, limit)).toEqual([])
      expect(seqs(after, upTo, limit, true)).toEqual([])
    }
    expect(log.read('g:none', { after: 0, upTo: 9, limit: 9 })).toEqual([])
  })

  test('seqAtTime finds the first of equal timestamps, and head + 1 beyond the last', async () => {
    const log = await filled([0, 10, 10, 10, 20, 30, 30])
    const found = [-1, 0, 1, 10, 11, 20, 29, 30, 31].map((offset) => log.seqAtTime(conv, start + offset))
    expect(found).toEqual([1, 1, 2, 2, 5, 5, 6, 6, 8])
    expect(log.seqAtTime('g:none', start)).toBe(1)
  })
}

function recording(open: Open): void {
  test('come back by key, and below a prefix in the order of their bytes', async () => {
    const log = await open(testClock().options)
    const keys = [
      ['a'],
      ['a', '\uffff'],
      ['a', '𝄞'],
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['a', 'ba'],
      ['ab'],
      ['b', 'a'],
    ]
    for (const [n, key] of [...keys].reverse().entries()) await putRecord(log, key, n)
    const list = (prefix: string[]): (readonly string[])[] => [...log.listRecords(prefix)].map(([key]) => key)
    expect(list(['a'])).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['a', 'ba'],
      ['a', '\uffff'],
      ['a', '𝄞'],
    ])
    expect(list(['a', 'b'])).toEqual([['a', 'b', 'c']])
    expect(list(['b'])).toEqual([['b', 'a']])
    expect(list(['c'])).toEqual([])
    expect([...log.listRecords(['b'])]).toEqual([[['b', 'a'], 0]])
  })

  test('hold any JSON value, and share nothing with what was put', async () => {
    const log = await open(testClock().options)
    const value = { a: [1, 'x', null, true], b: { c: {} } }
    const done = putRecord(log, ['v'], value)
    value.a.push('later')
    await done
    expect(log.getRecord(['v'])).toEqual({ a: [1, 'x', null, true], b: { c: {} } })
    await putRecord(log, ['v'], null)
    expect(log.getRecord(['v'])).toBe(null)
  })

  test('are seen when they are committed, the last write of each', async () => {
    const log = await open(testClock().options)
    void putRecord(log, ['k'], 1)
    const done = putRecord(log, ['k'], 2)
    expect([log.getRecord(['k']), ...log.listRecords(['k'])]).toEqual([undefined])
    await done
    expect(log.getRecord(['k'])).toBe(2)
  })

  test('can be deleted', async () => {
    const log = await open(testClock().options)
    await putRecord(log, ['a', 'b'], 1)
    await putRecord(log, ['a', 'b', 'c'], 2)
    await Promise.all([putRecord(log, ['a', 'b'], undefined), putRecord(log, ['x', 'y'], undefined)])
    expect(log.getRecord(['a', 'b'])).toBe(undefined)
    expect([...log.listRecords(['a'])]).toEqual([[['a', 'b', 'c'], 2]])
  })

  test('are refused under a key that no log could hold', async () => {
    const log = await open(testClock().options)
    for (const key of [[], ['a\0b'], ['x'.repeat(1_024)]]) {
      expect(() => log.putRecord(key, 1)).toThrow(expect.objectContaining({ code: 'BAD_RECORD_KEY' }))
    }
  })
}
