// How long the judge takes for a million events, and how much memory: at most 5 s and 500 MB.
import { type Checker, createChecker, type HistoryEvent } from '../conformance/checker/index.ts'
import { finalRead, longRun } from '../conformance/checker/testing/long-run.ts'

const targetEvents = 1_000_000
const targetMs = 5_000
const targetMiB = 500
/** Events made ahead, so that making them is not measured. */
const chunkEvents = 50_000

interface Scenario {
  name: string
  events(): Iterable<HistoryEvent>
}

const scenarios: Scenario[] = [
  { name: '1,000 pairs that talk, ack and resume', events: () => pairsAndFinalRead(1_000) },
  { name: '1 pair', events: () => pairsAndFinalRead(1) },
  { name: 'a group of 100', events: () => groupRun(100) },
]

for (const { name, events } of scenarios) {
  const { count, ms, size, mebibytes } = measure(events())
  const isReached = ms <= targetMs && mebibytes <= targetMiB
  console.log(
    `${name}: ${count} events in ${Math.round(ms)} ms (${((ms * 1_000) / count).toFixed(2)} us each), ` +
      `state ${size}, peak RSS ${Math.round(mebibytes)} MiB: ${isReached ? 'reached' : 'NOT REACHED'}`,
  )
  if (!isReached) process.exitCode = 1
}

function measure(events: Iterable<HistoryEvent>) {
  const checker = createChecker()
  let count = 0
  let ms = 0
  let size = 0
  let mebibytes = 0
  let chunk: HistoryEvent[] = []
  function judgeChunk(): void {
    const startMs = performance.now()
    for (const event of chunk) checker.push(event)
    ms += performance.now() - startMs
    count += chunk.length
    chunk = []
    size = Math.max(size, checker.stateSize())
    mebibytes = Math.max(mebibytes, process.memoryUsage.rss() / 2 ** 20)
  }
  for (const event of events) {
    chunk.push(event)
    if (chunk.length === chunkEvents) judgeChunk()
  }
  judgeChunk()
  requireSound(checker)
  return { count, ms, size, mebibytes }
}

/** A judge that finds fault with a sound history is not worth measuring. */
function requireSound(checker: Checker): void {
  const broken = checker.finish().rules.filter(({ verdict }) => verdict === 'fail')
  if (broken.length > 0) throw new Error(`the history is sound, and yet: ${JSON.stringify(broken[0])}`)
}

function* pairsAndFinalRead(pairs: number): Generator<HistoryEvent> {
  const messages = targetEvents / 5
  yield* longRun({ pairs, messages, resumeEvery: 100 })
  for (let pair = 0; pair < pairs; pair++) yield* finalRead({ pair, messages: messages / pairs })
}

/** Everybody is in one group, and speaks in turn. */
function* groupRun(members: number): Generator<HistoryEvent> {
  const conv = 'g:all'
  const epoch = 'e1'
  const who = (index: number, ms: number) => ({
    ms,
    user: `u${index}`,
    device: 'one',
    connection: `u${index}/1`,
  })
  for (let index = 0; index < members; index++) {
    yield { kind: 'connect', ...who(index, 0) }
    yield { kind: 'welcome', ...who(index, 0), resumed: false, window: 256 }
    yield { kind: 'live', ...who(index, 0) }
    yield { kind: 'join', ...who(index, 0), id: 1, conv }
    yield { kind: 'ok', ...who(index, 0), id: 1, epoch, top: 0 }
  }
  for (let seq = 1; seq * members * 2 < targetEvents; seq++) {
    const sender = seq % members
    const message = {
      msgId: `m-${seq}-0000-4000-8000-000000000000`,
      hash: seq * 7_919,
      timestamp: 1_000 + seq,
    }
    const { msgId, hash, timestamp } = message
    yield { kind: 'send', ...who(sender, seq), id: seq + 1, msgId, conv, hash }
    yield {
      kind: 'sent',
      ...who(sender, seq),
      id: seq + 1,
      msgId,
      conv,
      epoch,
      seq,
      timestamp,
      duplicate: false,
    }
    for (let index = 0; index < members; index++) {
      if (index === sender) continue
      yield { kind: 'deliver', ...who(index, seq), conv, epoch, seq, from: `u${sender}`, ...message }
      yield { kind: 'ack', ...who(index, seq), conv, epoch, seq }
    }
  }
}
