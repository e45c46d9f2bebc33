// Times the message logs: processor time of the whole process per message that is appended, answered and read.
// The controls run in the same rounds: answers without any log, and the plain way, two lmdb puts for each message.
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { Draft, LogOptions, MessageLog } from '../server/log.ts'
import { openLmdbLog } from '../server/log-lmdb.ts'
import { createMemoryLog } from '../server/log-memory.ts'

const rounds = 5
const senders = 100
const contentBytes = 200
const options: LogOptions = { dedupWindowMs: 86_400_000, now: Date.now }
const contents = Array.from({ length: 256 }, () => randomBytes(contentBytes / 2).toString('hex'))
const directory = mkdtempSync(join(tmpdir(), 'chatspec-log-bench-'))

type Append = Pick<MessageLog, 'append' | 'close'>

interface Row {
  name: string
  /** Appends of each sender that await their answers. */
  depth: number
  messages: number
  open: (path: string) => Promise<Append>
  total: number[]
  main: number[]
}

const rows: Row[] = [1, 4, 20].flatMap((depth) => [
  row('answers only', depth, 200_000, async () => answersOnly()),
  row('two puts per message', depth, 30_000, async (path) => twoPuts(path)),
  row('lmdb log', depth, 200_000, (path) => openLmdbLog(path, options)),
  row('memory log', depth, 200_000, async () => createMemoryLog(options)),
])

console.log(`${cpus()[0]?.model}, Node ${process.version}, ${senders} senders, ${contentBytes} B of content`)
console.log(`us of CPU per message, median of ${rounds} alternating rounds [smallest to largest]`)
for (let round = 0; round < rounds; round += 1) for (const one of rows) await measure(one, round)
for (const { name, depth, total, main } of rows) {
  const title = `${name}, ${depth} in flight per sender`.padEnd(46)
  console.log(`  ${title} all threads ${show(total)}  main thread ${show(main)}`)
}
await measureReading()
rmSync(directory, { recursive: true })

function row(name: string, depth: number, messages: number, opener: Row['open']): Row {
  return { name, depth, messages, open: opener, total: [], main: [] }
}

async function measure(
  { open: opener, depth, messages, name, total, main }: Row,
  round: number,
): Promise<void> {
  const log = await opener(join(directory, `${name} ${depth} ${round}`))
  await run(log, depth, messages / 5)
  const [cpu, mainUs] = [process.cpuUsage(), mainThreadUs()]
  await run(log, depth, messages)
  const used = process.cpuUsage(cpu)
  total.push((used.user + used.system) / messages)
  main.push((mainThreadUs() - mainUs) / messages)
  await log.close()
}

/** Every sender keeps `depth` messages in flight until all together have sent `messages`. */
async function run(log: Append, depth: number, messages: number): Promise<void> {
  let left = messages
  let unanswered = messages
  await new Promise<void>((resolve) => {
    const answered = Array.from({ length: senders }, (_, sender) => (): void => {
      unanswered -= 1
      if (unanswered === 0) resolve()
      else send(sender)
    })
    function send(sender: number): void {
      const done = answered[sender]
      if (left === 0 || done === undefined) return
      left -= 1
      log.append(draftOf(sender, left), done)
    }
    for (let n = 0; n < depth; n += 1) for (let sender = 0; sender < senders; sender += 1) send(sender)
  })
}

function draftOf(sender: number, n: number): Draft {
  const from = `alice${sender}`
  const content = contents[n % contents.length] ?? ''
  return { conv: `d:${from}:bob${sender}`, msgId: randomUUID(), from, content, timestamp: Date.now() }
}

function answersOnly(): Append {
  let waiting: Parameters<MessageLog['append']>[1][] = []
  const answer = (): void => {
    for (const done of waiting.splice(0)) done({ kind: 'stored', seq: 1, timestamp: 1 })
  }
  return {
    append(_, done) {
      if (waiting.length === 0) setImmediate(answer)
      waiting.push(done)
    },
    close: async () => {
      waiting = []
    },
  }
}

/** What one would write first: the message under its conversation and seq, its id under sender and msgId. */
function twoPuts(path: string): Append {
  const env = open<Buffer, Buffer>({
    path,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
  })
  let seq = 0
  let gathered: [Draft, Parameters<MessageLog['append']>[1]][] = []
  let isBusy = false
  async function commit(): Promise<void> {
    while (gathered.length > 0) {
      const batch = gathered.splice(0)
      await env.batch(() => {
        for (const [draft] of batch) {
          seq += 1
          const key = Buffer.from(`m${draft.conv}${String(seq).padStart(12, '0')}`)
          void env.put(key, Buffer.from(JSON.stringify(draft)))
          void env.put(Buffer.from(`i${draft.from}${draft.msgId}`), key)
        }
      })
      for (const [, done] of batch) done({ kind: 'stored', seq, timestamp: 1 })
    }
    isBusy = false
  }
  return {
    append(draft, done) {
      gathered.push([draft, done])
      if (isBusy) return
      isBusy = true
      setImmediate(() => void commit())
    },
    close: async () => {
      gathered = []
      await env.close()
    },
  }
}

/** Opens a log that holds `messages`, and reads it in pages. */
async function measureReading(): Promise<void> {
  const messages = 500_000
  const pageSize = 100
  const path = join(directory, 'reading')
  const filled = await openLmdbLog(path, options)
  await run(filled, 20, messages)
  await filled.close()
  const openedAt = performance.now()
  const log = await openLmdbLog(path, options)
  const openMs = performance.now() - openedAt
  const cpu = process.cpuUsage()
  let read = 0
  for (let sender = 0; sender < senders; sender += 1) {
    const conv = `d:alice${sender}:bob${sender}`
    for (let after = 0, upTo = log.head(conv); after < upTo; after += pageSize) {
      read += log.read(conv, { after, upTo, limit: pageSize }).length
    }
  }
  const used = process.cpuUsage(cpu)
  await log.close()
  console.log(
    `  reading pages of ${pageSize}: ${((used.user + used.system) / read).toFixed(2)} us per message`,
  )
  console.log(`  opening: ${((openMs * 1_000_000) / read).toFixed(0)} ms per million messages`)
}

/** Linux only; NaN elsewhere. */
function mainThreadUs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1_000
  } catch {
    return Number.NaN
  }
}

function show(values: number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, middle, high] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map((us) =>
    (us ?? 0).toFixed(2),
  )
  return `${middle} [${low} to ${high}]`.padEnd(22)
}
