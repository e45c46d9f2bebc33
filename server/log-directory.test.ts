// The directory of an lmdb log in other hands, of other origin, and damaged.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { open as openLmdb } from 'lmdb'
import { afterEach, describe, expect, test } from 'vitest'
import { ChatspecError } from '../protocol/index.ts'
import type { LogOptions, MessageLog } from './log.ts'
import { commitKey, idsPrefix, lastKey } from './log/layout.ts'
import { openLmdbLog } from './log-lmdb.ts'
import { LmdbStore } from './log/store.ts'
import { defaultTuning, type LogTuning } from './log/tuning.ts'
import { append, conv, draft, readAll, testClock, tinyTuning as tiny } from './testing/log-fixtures.ts'
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

describe('a directory', () => {
  test('that is open already is refused, by the same process and by another', async () => {
    const directory = newDirectory()
    const log = await open(directory, testClock().options)
    for (let n = 0; n < 20; n += 1) await append(log, draft(n))
    await expect(open(directory, testClock().options)).rejects.toMatchObject({ code: 'LOG_IN_USE' })
    const script = join(import.meta.dirname, 'testing/log-crash-child.ts')
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, directory])
    expect(stdout).toBe(
      `refused LOG_IN_USE the log in ${directory}: it is in use by process ${process.pid}\n`,
    )
  })

  test('of another format or another program is refused', async () => {
    const other = newDirectory()
    writeFileSync(join(other, 'chatspec-log.json'), '{"format":2}\n')
    await expect(open(other, testClock().options)).rejects.toMatchObject({ code: 'LOG_FORMAT' })
    const foreign = newDirectory()
    const env = openLmdb({ path: foreign, noSubdir: false })
    await env.put('key', 'value')
    await env.close()
    await expect(open(foreign, testClock().options)).rejects.toMatchObject({ code: 'LOG_FORMAT' })
  })
})

describe('damage', () => {
  async function damaged(tuning: LogTuning, bytes: string): Promise<{ directory: string; epoch: string }> {
    const directory = newDirectory()
    const log = await openLmdbLog(directory, testClock().options, tuning)
    for (let n = 1; n <= 9; n += 1) await append(log, draft(n))
    for (let n = 11; n <= 19; n += 1) await append(log, draft(n, { conv: 'g:other' }))
    await log.close()
    damage(directory, bytes)
    return { directory, epoch: log.epoch }
  }

  test('of a commit drops it and what followed, says so, and changes the epoch', async () => {
    const { directory, epoch } = await damaged(defaultTuning, 'message 7')
    const log = await open(directory, testClock().options)
    expect(log.recovery).toEqual([
      `commit 7 is damaged: the messages of commits 7 to 18 were dropped; the epoch is now ${log.epoch}`,
    ])
    expect(log.epoch).not.toBe(epoch)
    expect(readAll(log).map((message) => message.content)).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => `message ${n}`),
    )
    expect([log.head('g:other'), await append(log, draft(7))]).toMatchObject([0, { kind: 'stored', seq: 7 }])
    await log.close()
    const again = await open(directory, testClock().options)
    expect([again.recovery, again.epoch, again.head(conv)]).toEqual([[], log.epoch, 7])
  })

  test('of a commit voids what a flush that was cut short had made of it', async () => {
    const directory = newDirectory()
    const slow = { ...tiny, generationMessages: 10 }
    const before = await openLmdbLog(directory, testClock().options, slow)
    for (let n = 1; n <= 10; n += 1) await append(before, draft(n))
    // Each of these adds a step to the flush: a chunk of three messages.
    for (let n = 11; n <= 13; n += 1) await append(before, draft(n, { conv: 'g:other' }))
    await before.close()
    await damageValue(directory, commitKey(4))
    const log = await open(directory, testClock().options)
    expect(readAll(log).map((message) => message.content)).toEqual(['message 1', 'message 2', 'message 3'])
    await append(log, draft(50))
    await log.close()
    // One to move message 50 into a chunk, one to find it there.
    for (const n of [51, 52]) {
      const again = await openLmdbLog(directory, testClock().options)
      expect(readAll(again).map((message) => message.content)).toEqual(
        [1, 2, 3, 50].map((k) => `message ${k}`),
      )
      await append(again, draft(n, { conv: 'g:other' }))
      await again.close()
    }
  })

  test('of a chunk is said by every read that needs it, and by no other', async () => {
    const log = await open((await damaged(tiny, 'message 2')).directory, testClock().options, tiny)
    const refusal = expect.objectContaining({
      code: 'LOG_DAMAGED',
      message: `conversation ${conv} cannot be read at seq 1`,
    })
    expect(() => readAll(log)).toThrow(refusal)
    expect(await append(log, draft(2))).toEqual({ kind: 'unavailable', cause: refusal })
    expect(log.read(conv, { after: 5, upTo: 9, limit: 9 })).toHaveLength(4)
    expect(readAll(log, 'g:other')).toHaveLength(9)
    expect(await append(log, draft(99))).toMatchObject({ kind: 'stored', seq: 10 })
  })

  test('of the chunk before a commit is refused: nothing proves that the commit follows', async () => {
    const directory = newDirectory()
    for (const n of [1, 2]) {
      const log = await openLmdbLog(directory, testClock().options)
      await append(log, draft(n))
      await log.close()
    }
    damage(directory, 'message 1')
    const expected = {
      code: 'LOG_DAMAGED',
      message: `the log in ${directory}: conversation ${conv} cannot be read at seq 1`,
    }
    await expect(open(directory, testClock().options)).rejects.toMatchObject(expected)
  })

  test('of ids drops them, and says so', async () => {
    const directory = newDirectory()
    const log = await openLmdbLog(directory, testClock().options, tiny)
    for (let n = 0; n < 50; n += 1) await append(log, draft(n))
    await log.close()
    await damageValue(directory, idsPrefix)
    const again = await open(directory, testClock().options, tiny)
    expect(again.recovery).toEqual([
      '1 damaged blocks of message ids were dropped: repeats may be stored again',
    ])
    expect([again.epoch, readAll(again).length]).toEqual([log.epoch, 50])
  })

  test('of a file that was cut is found whenever it is opened, unless nothing that counts was cut off', async () => {
    const directory = newDirectory()
    const log = await open(directory, testClock().options, tiny)
    for (let n = 0; n < 200; n += 1) await append(log, draft(n))
    await log.close()
    const file = join(directory, 'data.mdb')
    const whole = readFileSync(file)
    for (const part of [0.98, 0.95, 0.9, 0.85, 0.8, 0.7, 0.3, 0]) {
      writeFileSync(file, whole.subarray(0, whole.length * part))
      const first = await attempt(directory)
      expect([first, await attempt(directory)]).toEqual([first, first])
    }
    expect(await attempt(directory)).toBe('LOG_DAMAGED')
  })

  /** That everything is there, or the code of the refusal. */
  async function attempt(directory: string): Promise<string> {
    try {
      const log = await openLmdbLog(directory, testClock().options)
      expect([log.recovery, readAll(log).length]).toEqual([[], 200])
      await log.close()
      return 'whole'
    } catch (cause) {
      return cause instanceof ChatspecError ? cause.code : String(cause)
    }
  }
})

/** Changes the value of the first key that is at least `key`. */
async function damageValue(directory: string, key: Buffer): Promise<void> {
  const store = new LmdbStore(directory)
  const [first] = store.range(key, lastKey)
  if (first === undefined) throw new Error('there is no such key')
  await store.commit([{ key: first.key, value: first.value.fill(1, 30, 31) }])
  await store.close()
}

/** Flips a bit wherever these bytes stand. */
function damage(directory: string, bytes: string): void {
  const file = join(directory, 'data.mdb')
  const data = readFileSync(file)
  for (let at = data.indexOf(bytes); at >= 0; at = data.indexOf(bytes))
    data.writeUInt8(data.readUInt8(at) ^ 4, at)
  writeFileSync(file, data)
}
