// The contract of a message log, kept in memory.
import { describe, test } from 'vitest'
import { contract } from './log.contract.ts'
import { createMemoryLog } from './log-memory.ts'
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
})
