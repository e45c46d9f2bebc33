// Slow consumers and unfinished business: SPEC.md#limits-and-slow-consumers.
import { sendAll, sendPatiently, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectBetween, expectClose, expectEqual, expectIncreasing, expectThat } from '../expect.ts'
import { connectImpatient, keepDoing, shortest, toleranceMs } from '../impatient.ts'
import { all, clause, untestable } from '../outcome.ts'
import type { Session } from '../session.ts'
import { encodeFrame, opcodes } from '../ws-frames.ts'

/** SPEC.md: a handshake that is not complete by then is ended. */
const handshakeMs = 60_000
const longestAckTimeoutMs = 40_000

// [LIM-04] The server MUST NOT skip a message on a connection, however slow, unless it closes it or announces a `gap`.
// [LIM-05] A connection that was skipped SHOULD be told by `gap` or be closed at once.
export const slowReaderMissesNothingInSilence = defineCase({
  id: 'limits/slow-reader-misses-nothing-in-silence',
  rules: ['LIM-04', 'LIM-05'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    bob.wire.freeze()
    const sents = await sendAll(alice, bob, Math.min(t.limits.window + 50, 400))
    const padding = 'x'.repeat(t.limits.maxContent)
    for (let count = 0; count < 60; count++) sents.push(await sendPatiently(alice, bob, padding))
    bob.wire.thaw()
    const last = await bob.maybe('msg', { seq: sents.length })
    const end = bob.wire.end && (await bob.ended())
    if (end) return ['LIM-04', 'LIM-05'].map((rule) => clause(rule, expectClose(end, 'SLOW_CONSUMER')))
    const announced = bob.seen('gap')
    const known = new Set(seqs(bob.seen('msg')))
    const upTo = last?.seq ?? Math.max(0, ...announced.map(({ to }) => to))
    const holes = seqs(sents).filter(
      (seq) => seq <= upTo && !known.has(seq) && !announced.some(({ from, to }) => seq > from && seq <= to),
    )
    const order = expectIncreasing('seqs', seqs(bob.seen('msg')))
    const reached = expectThat('the last message or a gap arrived', upTo > 0, `up to ${upTo}`)
    const whole = all(reached, order, expectEqual('seqs neither delivered nor announced', holes, []))
    return [clause('LIM-04', whole), clause('LIM-05', whole)]
  },
})

// [LIM-13] A slow connection MUST NOT delay the delivery to others by more than 1 s.
export const slowReaderDoesNotDelayOthers = defineCase({
  id: 'limits/slow-reader-does-not-delay-others',
  rules: ['LIM-13'],
  level: 'must',
  needs: ['devices'],
  encodings: ['json'],
  async run(t) {
    const [alice, laptop] = await t.pair()
    const phone = await t.connect(laptop)
    const content = 'x'.repeat(t.limits.maxContent)
    const usualMs = await deliveryTimes(t, alice, laptop, content, 20)
    phone.wire.freeze()
    const count = Math.max(1, Math.min(150, t.limits.window, t.limits.sendBurst - 20))
    const besideMs = await deliveryTimes(t, alice, laptop, content, count)
    const delayMs = Math.max(0, mostOf(besideMs) - mostOf(usualMs))
    phone.wire.thaw()
    return expectBetween('ms more than before, for 9 of 10 deliveries', delayMs, 0, 1_000)
  },
})

// [LIM-03] A client that does not acknowledge is closed with 4003 when its window is exhausted for `ackTimeoutMs`.
export const exhaustedWindowCloses = defineCase({
  id: 'limits/exhausted-window-closes',
  rules: ['LIM-03'],
  level: 'must',
  profile: 'full',
  encodings: ['json'],
  patient: true,
  async run(t) {
    const { window, ackTimeoutMs } = t.limits
    if (ackTimeoutMs > longestAckTimeoutMs) return untestable(`ackTimeoutMs is ${ackTimeoutMs}`)
    const [alice, bob] = await t.pair({ autoAck: false })
    const beganMs = t.elapsedMs()
    await sendAll(alice, bob, window + 1)
    const filledMs = t.elapsedMs()
    const end = await bob.ended(ackTimeoutMs + toleranceMs)
    const atMs = end?.atMs ?? Number.POSITIVE_INFINITY
    return all(
      expectClose(end, 'SLOW_CONSUMER'),
      expectBetween(
        'ms to the close',
        atMs - beganMs,
        ackTimeoutMs,
        filledMs - beganMs + ackTimeoutMs + toleranceMs,
      ),
    )
  },
})

// [LIM-08] A connection that has been in the middle of a frame for longer than `deadAfterMs` MUST be ended, bytes or not.
export const unfinishedFrameEndsItsConnection = defineCase({
  id: 'limits/unfinished-frame-ends-its-connection',
  rules: ['LIM-08'],
  level: 'must',
  encodings: ['json'],
  patient: true,
  async run(t) {
    const slow = await connectImpatient(t, shortest(2), { autoPong: false, autoAck: false })
    const { deadAfterMs } = slow.welcome.heartbeat
    const frame = encodeFrame({ opcode: opcodes.text, payload: Buffer.alloc(10_000, ' ') })
    let at = 0
    const dribble = (): void => slow.wire.writeRaw(frame.subarray(at, ++at))
    await keepDoing(slow, { forMs: deadAfterMs + toleranceMs, everyMs: 200 }, dribble)
    return expectThat(
      `the connection ends within ${deadAfterMs + toleranceMs} ms`,
      (await slow.ended(0)) !== undefined,
    )
  },
})

// [LIM-08] … and one whose HTTP handshake is not complete after 60 s.
export const unfinishedHandshakeEndsItsConnection = defineCase({
  id: 'limits/unfinished-handshake-ends-its-connection',
  rules: ['LIM-08'],
  level: 'must',
  profile: 'full',
  timeoutMs: 80_000,
  encodings: ['json'],
  patient: true,
  async run(t) {
    const answer = await t.upgrade({ partial: true, timeoutMs: handshakeMs + toleranceMs })
    const isOver = answer.kind !== 'open' && !(answer.kind === 'failed' && answer.code === 'TIMEOUT')
    return expectThat(
      'the connection ends within 64 s',
      isOver,
      answer.kind === 'failed' ? answer.detail : answer.kind,
    )
  },
})

/** Milliseconds from each send to its delivery. */
async function deliveryTimes(
  t: CaseContext,
  from: Session,
  to: Session,
  content: string,
  count: number,
): Promise<number[]> {
  const tookMs: number[] = []
  for (let round = 0; round < count; round++) {
    const beganMs = t.elapsedMs()
    const msg = await to.delivery(await from.dm(to, content))
    tookMs.push(to.arrivedAtMs(msg) - beganMs)
  }
  return tookMs
}

/** What 9 of 10 do not exceed: one hiccup of the machine is not the server's. */
function mostOf(tookMs: number[]): number {
  return tookMs.sort((a, b) => a - b)[Math.floor(tookMs.length * 0.9)] ?? 0
}
