// The contract of a message log, kept in memory.
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { contract } from './log.contract.ts'
import { createMemoryLog } from './log-memory.ts'
import { Remembered } from './log/remembered.ts'
import { append, conv, draft, testClock, windowMs } from './testing/log-fixtures.ts'
import { checkAgainstModel } from './testing/log-model.ts'

describe('the memory log', () => {
  contract(async (options) => createMemoryLog(options))

  test('agrees with a naive log', async () => {
    await checkAgainstModel({
      open: async (options) => createMemoryLog(options),
      reopen: async (log) => log,
      runs: 100,
    })
  })

  test('holds the ids of a window and no more while traffic goes on, also after a burst', async () => {
    const clock = testClock()
    const log = createMemoryLog(clock.options)
    const add = vi.spyOn(Remembered.prototype, 'add')
    onTestFinished(() => add.mockRestore())
    let sent = 0
    const send = (count: number): Promise<unknown> =>
      Promise.all(Array.from({ length: count }, () => append(log, draft(sent++, { timestamp: clock.ms }))))
    await send(1_000)
    for (let commit = 0; commit < 200; commit += 1) {
      clock.ms += windowMs / 20
      await send(10)
    }
    // The window holds 21 of these commits.
    expect(add.mock.contexts[0]).toHaveProperty('size', 210)
    expect(log.head(conv)).toBe(sent)
  })
})
