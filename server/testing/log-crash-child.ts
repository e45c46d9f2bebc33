// A process to be killed: appends to the log of a directory as fast as it can, and prints what was answered.
import { randomUUID } from 'node:crypto'
import { ChatspecError } from '../../protocol/index.ts'
import { openLmdbLog } from '../log-lmdb.ts'
import { defaultTuning } from '../log/tuning.ts'

const directory = process.argv[2] ?? ''
const conversations = Array.from({ length: 20 }, (_, n) => `d:alice:peer${n}`)
/** Small enough for kills to hit every step of a flush. */
const tuning = { ...defaultTuning, generationMessages: 500, flushBytes: 4_096, gatherMs: 0, fanout: 3 }

async function run(): Promise<void> {
  const log = await openLmdbLog(directory, { dedupWindowMs: 86_400_000, now: Date.now }, tuning)
  let answered = ''
  log.onCommit(() => {
    process.stdout.write(answered)
    answered = ''
  })
  function send(conv: string): void {
    const msgId = randomUUID()
    log.append({ conv, msgId, from: 'alice', content: msgId.repeat(5), timestamp: Date.now() }, (outcome) => {
      answered += outcome.kind === 'stored' ? `${conv} ${outcome.seq} ${msgId}\n` : `failed ${outcome.kind}\n`
      send(conv)
    })
  }
  for (const conv of [...conversations, ...conversations, ...conversations]) send(conv)
}

run().catch((cause: unknown) => {
  if (cause instanceof ChatspecError) process.stdout.write(`refused ${cause.code} ${cause.message}\n`)
  else throw cause
})
