// Coming back after a while, and all at once: SPEC.md#resume.
import { arrivals, cursorAt, msgIds, sendAll } from '../batches.ts'
import { defineCase } from '../case.ts'
import { connectCrowd, returnAtOnce } from '../crowd.ts'
import { expectBetween, expectEqual, expectThat } from '../expect.ts'
import { connectImpatient, shortest, toleranceMs } from '../impatient.ts'
import { all, clause, untestable } from '../outcome.ts'

/** As long as a quick run has time for. */
const awayMs = 8_000
const returning = 1_000
const senders = 5
/** [RES-10] 60 s, and timers may be late. */
const latestMs = 64_000

// [OFF-17] The server MUST keep a device's positions for at least `resumeWindowMs` after it was last connected.
// [RES-04] (resume) A resume MUST work after any length of absence within `resumeWindowMs`.
export const absentDeviceIsRemembered = defineCase({
  id: 'resume/absent-device-is-remembered',
  rules: ['OFF-17', 'RES-04'],
  level: 'must',
  needs: ['resume', 'devices'],
  encodings: ['json'],
  patient: true,
  async run(t) {
    if (t.limits.resumeWindowMs < awayMs) return untestable(`resumeWindowMs is ${t.limits.resumeWindowMs}`)
    const [alice, bob] = await t.pair()
    const tablet = await t.connect(bob)
    const [first, ...old] = await sendAll(alice, bob, 3)
    for (const device of [bob, tablet]) {
      await arrivals(device, [first, ...old])
      await device.ack(old.at(-1) ?? first)
      device.wire.cut()
    }
    const missed = await sendAll(alice, bob, 3)
    await alice.ended(awayMs)
    const known = await t.reconnect(bob)
    const again = await t.reconnect(tablet, { resume: { cursors: [cursorAt(old.at(-1) ?? first)] } })
    const seen = [known, again].map((device) => msgIds(device.seen('msg', { conv: first.conv })))
    return [
      clause('OFF-17', expectEqual(`msgIds by position after ${awayMs} ms`, seen[0], msgIds(missed))),
      clause('RES-04', expectEqual(`msgIds by cursor after ${awayMs} ms`, seen[1], msgIds(missed))),
    ]
  },
})

// [RES-04] … and after any length of silence.
export const silentDeviceResumes = defineCase({
  id: 'resume/silent-device-resumes',
  rules: ['RES-04'],
  level: 'must',
  needs: ['resume'],
  encodings: ['json'],
  patient: true,
  async run(t) {
    const alice = await t.connect()
    // With the time that a busy judge takes until all has arrived.
    const silent = await connectImpatient(t, shortest(4, 1_000), { autoPong: false, autoAck: false })
    const [first, ...others] = await sendAll(alice, silent, 3)
    await arrivals(silent, [first, ...others])
    const end = await silent.ended(silent.welcome.heartbeat.deadAfterMs + toleranceMs)
    const late = await alice.dm(silent, 'into the silence')
    const again = await t.reconnect(silent, { resume: { cursors: [cursorAt(first)] } })
    const wanted = msgIds([...others, late])
    return all(
      expectThat('the silent connection is closed', end !== undefined),
      expectEqual('msgIds after the silence', msgIds(again.seen('msg', { conv: first.conv })), wanted),
      expectEqual('resumed', again.welcome.resumed, true),
    )
  },
})

// [RES-10] The server SHOULD take back 1 000 connections that resume at the same time within 60 s, and without loss.
export const everybodyComesBackAtOnce = defineCase({
  id: 'resume/everybody-comes-back-at-once',
  rules: ['RES-10'],
  level: 'should',
  needs: ['resume'],
  profile: 'default',
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const crowd = await connectCrowd(t, returning)
    for (const one of crowd) one.wire.cut()
    const writers = await connectCrowd(t, senders)
    const share = Math.ceil(returning / senders)
    const sending = writers.map(async (writer, index) => {
      const sents = []
      for (const one of crowd.slice(index * share, (index + 1) * share))
        sents.push(...(await sendAll(writer, one, 1)))
      return sents
    })
    const missed = (await Promise.all(sending)).flat()
    const beganMs = t.elapsedMs()
    const back = await returnAtOnce(t, crowd, beganMs + latestMs)
    const tookMs = t.elapsedMs() - beganMs
    const arrived = back.flatMap((one) => msgIds(one.seen('msg')))
    return all(
      expectBetween(`ms until ${returning} were live again`, tookMs, 0, latestMs),
      expectEqual('msgIds that came', arrived.sort(), msgIds(missed).sort()),
    )
  },
})
