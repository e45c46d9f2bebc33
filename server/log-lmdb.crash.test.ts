// kill -9 under load, again and again on one directory: what was answered is there, once, where the answer said.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { MessageLog } from './log.ts'
import { openLmdbLog } from './log-lmdb.ts'
import { append, readAll } from './testing/log-fixtures.ts'

const kills = 20
const options = { dedupWindowMs: 86_400_000, now: Date.now }
const directory = mkdtempSync(join(tmpdir(), 'chatspec-crash-'))

afterAll(() => rmSync(directory, { recursive: true }))

interface Answered {
  conv: string
  seq: number
  msgId: string
}

test(`nothing that was answered is lost, doubled or moved by ${kills} kills`, {
  timeout: 180_000,
}, async () => {
  const answered: Answered[] = []
  let epoch: string | undefined
  for (let kill = 0; kill < kills; kill += 1) {
    answered.push(...(await answersUntilKilled(kill)))
    const log = await openLmdbLog(directory, options)
    expect(log.recovery).toEqual([])
    epoch ??= log.epoch
    expect(log.epoch).toBe(epoch)
    checkMessages(log, answered)
    await checkRepeats(log, answered)
    await log.close()
  }
  expect(answered.length).toBeGreaterThan(kills * 100)
})

/** Lets the child answer a while, longer each time, and kills it between two answers. */
async function answersUntilKilled(kill: number): Promise<Answered[]> {
  const script = join(import.meta.dirname, 'testing/log-crash-child.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const enough = 20 + Math.floor(Math.random() * 2_000 * (kill + 1) ** 0.5)
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString('latin1')
    if (output.length > enough * 50) child.kill('SIGKILL')
  })
  const [code] = await once(child, 'close')
  expect([code, output.match(/failed|refused/)]).toEqual([null, null])
  // The last line may be torn.
  return output.split('\n').slice(0, -1).map(answerOf)
}

function answerOf(line: string): Answered {
  const [conv = '', seq = '', msgId = ''] = line.split(' ')
  return { conv, seq: Number(seq), msgId }
}

function checkMessages(log: MessageLog, answered: readonly Answered[]): void {
  const messages = new Map(
    [...new Set(answered.map(({ conv }) => conv))].map((conv) => [conv, readAll(log, conv)]),
  )
  for (const [conv, stored] of messages) {
    expect(stored.map(({ seq }) => seq)).toEqual(stored.map((_, n) => n + 1))
    expect(new Set(stored.map(({ msgId }) => msgId)).size).toBe(stored.length)
    expect(log.head(conv)).toBe(stored.length)
  }
  const lost = answered.filter(({ conv, seq, msgId }) => messages.get(conv)?.[seq - 1]?.msgId !== msgId)
  expect(lost).toEqual([])
  for (const { content, msgId } of [...messages.values()].flat())
    if (content !== msgId.repeat(5)) expect(content).toBe(msgId)
}

/** Some of the oldest and of the newest are sent again. */
async function checkRepeats(log: MessageLog, answered: readonly Answered[]): Promise<void> {
  for (const { conv, seq, msgId } of [...answered.slice(0, 50), ...answered.slice(-50)]) {
    const message = { conv, msgId, from: 'alice', content: msgId.repeat(5), timestamp: Date.now() }
    expect(await append(log, message)).toMatchObject({ kind: 'duplicate', seq })
  }
}
