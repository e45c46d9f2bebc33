// How long the judge takes for a million events, and how much memory: at most 5 s and 500 MB, and no more of it for
// a run of three times the length.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  type Checker,
  type CheckerChoices,
  createChecker,
  type HistoryEvent,
} from '../conformance/checker/index.ts'
import { finalRead, longRun } from '../conformance/checker/testing/long-run.ts'

const targetEvents = 1_000_000
const targetMs = 5_000
const targetMiB = 500
/** What is kept of the long run, in relation to the short one. */
const targetGrowth = 1.1
const longEvents = 3 * targetEvents
/** Fewer than the short run settles, so that what is kept on purpose is the same for both. */
const remembered = 1_000
/** Events made ahead, so that making them is not measured. */
const chunkEvents = 50_000

interface Scenario {
  name: string
  events(count: number): Iterable<HistoryEvent>
}

const scenarios: Scenario[] = [
  { name: '1,000 pairs that talk, ack and resume', events: (count) => pairsAndFinalRead(1_000, count) },
  { name: '1 pair', events: (count) => pairsAndFinalRead(1, count) },
  { name: 'a group of 100', events: (count) => groupRun(100, count) },
]

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

for (const { name, events } of scenarios) {
  const whole = measure(events(targetEvents))
  const isFast = whole.ms <= targetMs && whole.peakMiB <= targetMiB
  report(`${name}: ${nameOf(isFast)}`, whole)
  const [short, long] = [targetEvents, longEvents].map((count) => measure(events(count), { remembered }))
  if (short === undefined || long === undefined) continue
  const isBounded = long.keptMiB <= short.keptMiB * targetGrowth
  report(`  with ${remembered} settled messages remembered: ${nameOf(isBounded)}`, short, long)
  if (!isFast || !isBounded) process.exitCode = 1
}

function nameOf(isReached: boolean): string {
  return isReached ? 'reached' : 'NOT REACHED'
}

function report(title: string, ...runs: ReturnType<typeof measure>[]): void {
  console.log(title)
  for (const { count, ms, size, keptMiB, peakMiB } of runs) {
    const perEvent = `${((ms * 1_000) / count).toFixed(2)} us each`
    const memory = `state ${size}, kept ${keptMiB.toFixed(1)} MiB, peak RSS ${Math.round(peakMiB)} MiB`
    console.log(`    ${count} events in ${Math.round(ms)} ms (${perEvent}), ${memory}`)
  }
}

function measure(events: Iterable<HistoryEvent>, choices: CheckerChoices = {}) {
  const before = heapMiB()
  const checker = createChecker(choices)
  let count = 0
  let ms = 0
  let size = 0
  let peakMiB = 0
  let chunk: HistoryEvent[] = []
  function judgeChunk(): void {
    const startMs = performance.now()
    for (const event of chunk) checker.push(event)
    ms += performance.now() - startMs
    count += chunk.length
    chunk = []
    size = Math.max(size, checker.stateSize())
    peakMiB = Math.max(peakMiB, process.memoryUsage.rss() / 2 ** 20)
  }
  for (const event of events) {
    chunk.push(event)
    if (chunk.length === chunkEvents) judgeChunk()
  }
  judgeChunk()
  const keptMiB = heapMiB() - before
  requireSound(checker)
  return { count, ms, size, keptMiB, peakMiB }
}

/** What is alive: the peak also holds events made ahead and garbage. */
function heapMiB(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/** A judge that finds fault with a sound history is not worth measuring. */
function requireSound(checker: Checker): void {
  const broken = checker.finish().rules.filter(({ verdict }) => verdict === 'fail')
  if (broken.length > 0) throw new Error(`the history is sound, and yet: ${JSON.stringify(broken[0])}`)
}

function* pairsAndFinalRead(pairs: number, count: number): Generator<HistoryEvent> {
  const messages = count / 5
  yield* longRun({ pairs, messages, resumeEvery: 100 })
  for (let pair = 0; pair < pairs; pair++) yield* finalRead({ pair, messages: messages / pairs })
}

/** Everybody is in one group, and speaks in turn. */
function* groupRun(members: number, count: number): Generator<HistoryEvent> {
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
  for (let seq = 1; seq * members * 2 < count; seq++) {
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
