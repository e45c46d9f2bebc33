// A memory log whose commits fail while a test wants it: nothing of them is stored.
import type { MessageLog } from '../log.ts'
import { createMemoryLog } from '../log-memory.ts'

export function breakableLog(): { log: MessageLog; breakCommits: (isBroken: boolean) => void } {
  const log = createMemoryLog({ dedupWindowMs: 300_000, now: Date.now })
  const cause = new Error('planted')
  let isBroken = false
  const put = log.putRecord.bind(log)
  log.putRecord = (key, value, done) => {
    // What tests wait for.
    if (!isBroken || key[0] === 'settle') put(key, value, done)
    else setImmediate(() => done?.(cause))
  }
  const append = log.append.bind(log)
  log.append = (draft, done) => {
    if (!isBroken) append(draft, done)
    else setImmediate(() => done({ kind: 'unavailable', cause }))
  }
  return {
    log,
    breakCommits: (value) => {
      isBroken = value
    },
  }
}
