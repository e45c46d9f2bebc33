// What every message log has to do about a repeated msgId: the part of log.contract.ts that it runs for that.
import { expect, test } from 'vitest'
import type { AppendOutcome, Draft } from './log.ts'
import type { Open } from './log.contract.ts'
import {
  append,
  conv,
  draft,
  putRecord,
  readAll,
  start,
  testClock,
  windowMs,
} from './testing/log-fixtures.ts'

export function repeating(open: Open): void {
  test('gets the first answer, and nothing is stored', async () => {
    const log = await open(testClock().options)
    await append(log, draft(1))
    await append(log, draft(2, { clientTime: 5, meta: { a: '1', b: '2' } }))
    const repeat = draft(2, { timestamp: start + 9, clientTime: 6, meta: { b: '2', a: '1' } })
    expect(await append(log, repeat)).toEqual({ kind: 'duplicate', seq: 2, timestamp: start })
    expect(readAll(log).length).toBe(2)
    expect(readAll(log)[1]?.clientTime).toBe(5)
  })

  test('is answered after the commit of the message that it repeats', async () => {
    const log = await open(testClock().options)
    const answers = [append(log, draft(1)), append(log, draft(1)), append(log, draft(1))]
    expect((await Promise.all(answers)).map((outcome) => outcome.kind)).toEqual([
      'stored',
      'duplicate',
      'duplicate',
    ])
    expect(log.head(conv)).toBe(1)
  })

  test('with another payload or target is a conflict, and the first message stays', async () => {
    const log = await open(testClock().options)
    const first = draft(1, { content: 'x', contentType: 'a/b', meta: { k: 'v' } })
    const others: Partial<Draft>[] = [
      { content: 'y' },
      { content: Uint8Array.of(0x78) },
      { contentType: 'a/c' },
      { meta: { k: 'w' } },
      { meta: { k: 'v', l: '' } },
      { meta: { l: 'v' } },
      { conv: 'd:alice:carol' },
    ]
    const pending = append(log, first)
    const early = others.map((other) => append(log, { ...first, ...other }))
    await pending
    const late = others.map((other) => append(log, { ...first, ...other }))
    for (const outcome of await Promise.all([...early, ...late]))
      expect(outcome).toEqual({ kind: 'conflict' })
    expect(await append(log, first)).toMatchObject({ kind: 'duplicate', seq: 1 })
    expect(log.assignedHead('d:alice:carol')).toBe(0)
  })

  test('can be asked for without storing anything, and is answered after the commit that it waits for', async () => {
    const clock = testClock()
    const log = await open(clock.options)
    const heard: (AppendOutcome | string)[] = []
    const ask = (message: Draft): boolean => log.answerRepeat(message, (outcome) => heard.push(outcome))
    expect(ask(draft(1))).toBe(false)
    const pending = append(log, draft(1)).then(() => heard.push('committed'))
    expect([ask(draft(1)), ask(draft(1, { content: 'other' })), ask(draft(2))]).toEqual([true, true, false])
    expect(heard).toEqual([])
    await pending
    await putRecord(log, ['settled'], 1)
    const duplicate = { kind: 'duplicate', seq: 1, timestamp: start }
    expect(heard).toEqual([duplicate, { kind: 'conflict' }, 'committed'])
    expect(ask(draft(1, { conv: 'd:alice:carol' }))).toBe(true)
    clock.ms += windowMs
    expect(ask(draft(1))).toBe(true)
    clock.ms += 1
    expect(ask(draft(1))).toBe(false)
    await putRecord(log, ['settled'], 2)
    expect(heard.slice(3)).toEqual([{ kind: 'conflict' }, duplicate])
    expect([log.assignedHead(conv), log.assignedHead('d:alice:carol')]).toEqual([1, 0])
  })

  test('of another sender is another message', async () => {
    const log = await open(testClock().options)
    const outcomes = [append(log, draft(1)), append(log, draft(1, { from: 'bob' }))]
    expect((await Promise.all(outcomes)).map((outcome) => outcome.kind)).toEqual(['stored', 'stored'])
  })

  test('is remembered for the window, and then again for the window', async () => {
    const clock = testClock()
    const log = await open(clock.options)
    const send = (): Promise<AppendOutcome> => append(log, draft(1, { timestamp: clock.ms }))
    expect(await send()).toMatchObject({ kind: 'stored', seq: 1 })
    for (let round = 1; round <= 3; round += 1) {
      clock.ms += windowMs * 0.9
      expect(await send()).toMatchObject({ kind: 'duplicate', seq: round })
      clock.ms += windowMs * 0.2
      expect(await send()).toMatchObject({ kind: 'stored', seq: round + 1 })
    }
  })

  test('is remembered to the last millisecond, whatever was sent in between', async () => {
    const clock = testClock()
    const log = await open(clock.options)
    await append(log, draft(0, { timestamp: clock.ms }))
    for (let n = 1; n <= 300; n += 1) {
      clock.ms += 1_000
      await append(log, draft(n, { timestamp: clock.ms }))
    }
    clock.ms = start + windowMs
    expect(await append(log, draft(0, { timestamp: clock.ms }))).toMatchObject({ kind: 'duplicate', seq: 1 })
    clock.ms += 1
    expect(await append(log, draft(0, { timestamp: clock.ms }))).toMatchObject({ kind: 'stored', seq: 302 })
  })
}
