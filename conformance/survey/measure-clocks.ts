// What a server does when time passes: heartbeats, patience with silence, and with those who do not read.
import { type Sent, sendAll, sendPatiently, seqs } from '../batches.ts'
import type { CaseContext } from '../context.ts'
import { describeEnd } from '../ending.ts'
import { shortest, toleranceMs } from '../impatient.ts'
import type { Session } from '../session.ts'
import { found, type Measure, notMeasured } from './measure.ts'

/** A look has no time for more. */
const longestMs = 36_000
/** Sent to somebody who does not read: more than a window, and with their padding more than kernels hold back. */
const slowMessages = 300

const hello: Measure = {
  name: 'helloTimeoutMs',
  slug: 'hello',
  patient: true,
  announced: (t) => `${t.limits.helloTimeoutMs} ms`,
  async run(t) {
    const { helloTimeoutMs } = t.limits
    if (helloTimeoutMs > longestMs) return notMeasured('it takes too long')
    const openedAtMs = t.elapsedMs()
    const silent = await t.open()
    const end = await silent.ended(helloTimeoutMs + toleranceMs)
    if (!end) return found(false, `still open after ${helloTimeoutMs + toleranceMs} ms`)
    const tookMs = Math.round(end.atMs - openedAtMs)
    return found(tookMs >= helloTimeoutMs - 100, `${describeEnd(end)} after ${tookMs} ms`)
  },
}

const heartbeat: Measure = {
  name: 'heartbeat, the shortest',
  slug: 'heartbeat',
  patient: true,
  announced: () => 'in welcome, when 1 ms was asked for',
  async run(t) {
    const silent = await t.connect(t.user(), { heartbeat: shortest(2), autoPong: false, autoAck: false })
    const { intervalMs, deadAfterMs } = silent.welcome.heartbeat
    const granted = `granted ${intervalMs} ms, dead after ${deadAfterMs} ms`
    if (deadAfterMs > longestMs) return notMeasured(`${granted}: it takes too long`)
    const sinceMs = t.elapsedMs()
    const end = await silent.ended(deadAfterMs + toleranceMs)
    if (!end) return found(false, `${granted}; silent for ${deadAfterMs + toleranceMs} ms, and still open`)
    const tookMs = Math.round(end.atMs - sinceMs)
    const words = `${granted}; pings ${pingPeriod(silent)}; a silent peer ${describeEnd(end)} after ${tookMs} ms`
    return found(tookMs >= deadAfterMs - intervalMs - 100 && tookMs <= deadAfterMs + toleranceMs, words)
  },
}

function pingPeriod(session: Session): string {
  const atMs = session.seen('ping').map((ping) => session.arrivedAtMs(ping))
  const [first, last] = [atMs[0], atMs.at(-1)]
  if (first === undefined || last === undefined) return 'none came'
  if (atMs.length === 1) return 'one came'
  return `every ${Math.round((last - first) / (atMs.length - 1))} ms`
}

const ackTimeout: Measure = {
  name: 'ackTimeoutMs',
  slug: 'ack-timeout',
  patient: true,
  announced: (t) => `${t.limits.ackTimeoutMs} ms`,
  async run(t) {
    const { ackTimeoutMs, window } = t.limits
    if (ackTimeoutMs > longestMs || window > 2_000) return notMeasured('it takes too long')
    const alice = await t.connect()
    const bob = await t.connect(t.user(), { autoAck: false })
    const beganMs = t.elapsedMs()
    await sendAll(alice, bob, window + 1)
    const filledMs = t.elapsedMs()
    const end = await bob.ended(ackTimeoutMs + toleranceMs)
    if (!end) return found(false, `still open ${ackTimeoutMs + toleranceMs} ms after the window was full`)
    const [least, mostMs] = [end.atMs - filledMs, end.atMs - beganMs].map(Math.round)
    const isRight = (mostMs ?? 0) >= ackTimeoutMs && end.code === 4003
    return found(isRight, `${describeEnd(end)}, ${least} to ${mostMs} ms after the window was full`)
  },
}

const slowConsumer: Measure = {
  name: 'slow consumer',
  slug: 'slow-consumer',
  announced: () => 'closed with 4003, or told by gap; never skipped in silence',
  async run(t) {
    const [alice, bob] = await t.pair()
    bob.wire.freeze()
    const padding = 'x'.repeat(t.limits.maxContent)
    const sents: Sent[] = []
    for (let count = 0; count < Math.min(t.limits.window + 20, slowMessages); count++)
      sents.push(await sendPatiently(alice, bob, padding))
    bob.wire.thaw()
    await bob.maybe('msg', { seq: sents.length })
    return policyOf(t, bob, seqs(sents))
  },
}

async function policyOf(
  t: CaseContext,
  slow: Session,
  sent: readonly number[],
): Promise<ReturnType<typeof found>> {
  const mib = ((sent.length * t.limits.maxContent) / 1_048_576).toFixed(1)
  const behind = `${sent.length} messages, ${mib} MiB behind`
  const end = slow.wire.end && (await slow.ended())
  if (end) return found(end.code === 4003, `${behind}: ${describeEnd(end)}`)
  const [got, gaps] = [new Set(seqs(slow.seen('msg'))), slow.seen('gap')]
  const missing = sent.filter((seq) => !got.has(seq))
  const hidden = missing.filter((seq) => !gaps.some(({ from, to }) => seq > from && seq <= to))
  if (missing.length === 0) return found(true, `${behind}: everything was kept, and came when it read again`)
  if (hidden.length === 0) return found(true, `${behind}: ${missing.length} skipped, and told by gap`)
  return found(false, `${behind}: ${hidden.length} skipped IN SILENCE`)
}

export const clockMeasures: readonly Measure[] = [hello, heartbeat, ackTimeout, slowConsumer]
