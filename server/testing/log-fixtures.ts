// Drafts, a clock, and promises around a log's callbacks: for the tests and benches of message logs.
import type { AppendOutcome, Draft, LogOptions, MessageLog, RecordValue } from '../log.ts'
import { defaultTuning, type LogTuning } from '../log/tuning.ts'

export const conv = 'd:alice:bob'
export const windowMs = 86_400_000
export const start = 1_790_000_000_000

/** A clock that tests move. */
export interface TestClock {
  ms: number
  options: LogOptions
}

export function testClock(): TestClock {
  const clock: TestClock = { ms: start, options: { dedupWindowMs: windowMs, now: () => clock.ms } }
  return clock
}

export function draft(n: number, fields: Partial<Draft> = {}): Draft {
  const msgId = `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
  return { conv, msgId, from: 'alice', content: `message ${n}`, timestamp: start, ...fields }
}

export function append(log: MessageLog, message: Draft): Promise<AppendOutcome> {
  return new Promise((resolve) => log.append(message, resolve))
}

export function putRecord(
  log: MessageLog,
  key: readonly string[],
  value: RecordValue | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    log.putRecord(key, value, (failure) => (failure === undefined ? resolve() : reject(failure)))
  })
}

export function readAll(log: MessageLog, name = conv): ReturnType<MessageLog['read']> {
  return log.read(name, { after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 1_000_000 })
}

/** With it a dozen messages make generations, flushes, merges, and conversations that have to be loaded again. */
export const tinyTuning: LogTuning = {
  ...defaultTuning,
  generationMessages: 5,
  chunkBytes: 300,
  flushBytes: 1,
  conversations: 1,
  gatherAnswers: 1,
  filterCapacity: 1,
  fanout: 2,
  largestBlock: 8,
}
