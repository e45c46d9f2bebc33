// Heartbeats: SPEC.md#heartbeats.
import { closes, maxSafe } from '../../protocol/index.ts'
import { cursorAt, sendAll } from '../batches.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import type { Ended } from '../ending.ts'
import { expectBetween, expectClose, expectEqual, expectOneOf, expectThat } from '../expect.ts'
import { clockGrainMs, connectImpatient, keepDoing, shortest, toleranceMs } from '../impatient.ts'
import { all, type Checked, clause } from '../outcome.ts'
import { labelled } from '../provoke.ts'
import type { Session } from '../session.ts'
import { opcodes } from '../ws-frames.ts'

/** For connections that have to survive: a busy judge may be late by two intervals. */
const patient = shortest(3, 1_000)

// [HB-01] Whoever receives a `ping` MUST answer it with a `pong` of the same `n` within `timeoutMs`.
export const pingIsAnsweredWithItsNonce = defineCase({
  id: 'heartbeats/ping-is-answered-with-its-nonce',
  rules: ['HB-01'],
  level: 'must',
  async run(t) {
    const user = t.user()
    const alice = await t.open(user)
    const before = await alice.ping(12)
    await alice.hello({ token: await t.token(user) })
    const checks = [expectEqual('n before welcome', before.n, 12)]
    for (const n of [0, 1, 2 ** 32, maxSafe]) {
      const pingedAtMs = t.elapsedMs()
      const pong = await alice.ping(n)
      const tookMs = alice.arrivedAtMs(pong) - pingedAtMs
      checks.push(expectBetween(`ms to the pong of ${n}`, tookMs, 0, alice.welcome.heartbeat.timeoutMs))
    }
    return all(...checks)
  },
})

// [HB-02] Silence: 4002, not before `deadAfterMs` − `intervalMs` and not after `deadAfterMs` + 4 s.
// [HB-07] These are the numbers that `welcome` announced.
export const silentPeerIsClosedInTime = defineCase({
  id: 'heartbeats/silent-peer-is-closed-in-time',
  rules: ['HB-02', 'HB-07'],
  level: 'must',
  patient: true,
  async run(t) {
    const beganMs = t.elapsedMs()
    const silent = await connectImpatient(t, shortest(2), { autoPong: false })
    const { deadAfterMs, intervalMs } = silent.welcome.heartbeat
    const end = await silent.ended(deadAfterMs + toleranceMs)
    const times = closedBetween(end, {
      deadAfterMs,
      intervalMs,
      beganMs,
      heardMs: silent.arrivedAtMs(silent.welcome),
    })
    return [clause('HB-02', all(expectClose(end, 'HEARTBEAT_TIMEOUT'), times)), clause('HB-07', times)]
  },
})

// [HB-02] … also on a connection that resumed.
export const resumedPeerIsClosedInTime = defineCase({
  id: 'heartbeats/resumed-peer-is-closed-in-time',
  rules: ['HB-02'],
  level: 'must',
  needs: ['resume'],
  encodings: ['json'],
  patient: true,
  async run(t) {
    const [alice, bob] = await t.pair()
    const resume = { cursors: [cursorAt(await bob.delivery(await alice.dm(bob)))] }
    const { user, deviceId } = bob
    const silent = await connectImpatient(t, shortest(2), { user, deviceId, resume, autoPong: false })
    const { deadAfterMs } = silent.welcome.heartbeat
    return expectClose(await silent.ended(deadAfterMs + toleranceMs), 'HEARTBEAT_TIMEOUT')
  },
})

// [HB-04] What the server itself sends MUST NOT count as a sign of life of the client.
export const sendingIsNoSignOfLifeOfThePeer = defineCase({
  id: 'heartbeats/sending-is-no-sign-of-life-of-the-peer',
  rules: ['HB-04'],
  level: 'must',
  encodings: ['json'],
  patient: true,
  async run(t) {
    const alice = await t.connect()
    const beganMs = t.elapsedMs()
    const silent = await connectImpatient(t, shortest(2), { autoPong: false, autoAck: false })
    const { deadAfterMs, intervalMs } = silent.welcome.heartbeat
    const everyMs = intervalMs / 3
    await keepDoing(silent, { forMs: deadAfterMs + toleranceMs, everyMs }, () => alice.dm(silent))
    const end = await silent.ended(0)
    const heardMs = silent.arrivedAtMs(silent.welcome)
    return all(
      expectClose(end, 'HEARTBEAT_TIMEOUT'),
      closedBetween(end, { deadAfterMs, intervalMs, beganMs, heardMs }),
      expectThat('something was sent to the silent peer', silent.seen('msg').length > 0),
    )
  },
})

// [HB-03] Every frame that arrives, WebSocket control frames included, MUST count as a sign of life.
export const anyFrameIsASignOfLife = defineCase({
  id: 'heartbeats/any-frame-is-a-sign-of-life',
  rules: ['HB-03'],
  level: 'must',
  needs: ['life=any-frame'],
  encodings: ['json'],
  patient: true,
  async run(t) {
    const payload = Buffer.from('life')
    const lives: Record<string, (session: Session) => unknown> = {
      'WebSocket pings': ({ wire }) => wire.writeFrame({ opcode: opcodes.ping, payload }),
      'WebSocket pongs': ({ wire }) => wire.writeFrame({ opcode: opcodes.pong, payload }),
      sends: (session) => session.dm(session),
      'refused frames': (session) => session.write({ type: 'shout' }),
    }
    const checks = Object.entries(lives).map(async ([what, act]) => {
      const end = await endOfOneThatOnly(t, act)
      return labelled(`nothing but ${what}`, expectEqual('end', end, undefined))
    })
    return all(...(await Promise.all(checks)))
  },
})

// [HB-05] A client that sends nothing but `ping` frames MUST stay connected.
export const pingsAloneKeepAConnection = defineCase({
  id: 'heartbeats/pings-alone-keep-a-connection',
  rules: ['HB-05'],
  level: 'must',
  patient: true,
  async run(t) {
    return expectEqual(
      'end',
      await endOfOneThatOnly(t, (session) => session.write({ type: 'ping', n: 1 })),
      undefined,
    )
  },
})

// [HB-08] The server MUST send a `ping` when it has heard nothing for `intervalMs`, again and again.
// [HB-13] It MUST NOT close for idleness a peer that answers each of them.
export const quietPeerIsAskedAndKept = defineCase({
  id: 'heartbeats/quiet-peer-is-asked-and-kept',
  rules: ['HB-08', 'HB-13'],
  level: 'must',
  patient: true,
  async run(t) {
    const quiet = await connectImpatient(t, patient)
    const { intervalMs, deadAfterMs } = quiet.welcome.heartbeat
    const rounds = Math.min(10, Math.ceil((deadAfterMs + toleranceMs) / intervalMs))
    t.about('HB-08')
    for (let round = 1; round <= rounds; round++) {
      const heardMs = round === 1 ? quiet.arrivedAtMs(quiet.welcome) : t.elapsedMs()
      const ping = await quiet.next('ping', {}, { withinMs: intervalMs + toleranceMs })
      const silentMs = Math.max(0, quiet.arrivedAtMs(ping) - heardMs)
      t.check(expectBetween(`ms of silence before ping ${round}`, silentMs, 0, intervalMs + toleranceMs))
    }
    return clause('HB-13', expectEqual(`end after ${rounds} answered pings`, await quiet.ended(0), undefined))
  },
})

// [HB-13] … however much is queued to it. [HB-06] Heartbeats work while more waits than the window lets out.
export const answeringPeerIsKeptBehindAFullWindow = defineCase({
  id: 'heartbeats/answering-peer-is-kept-behind-a-full-window',
  rules: ['HB-13', 'HB-06'],
  level: 'must',
  encodings: ['json'],
  patient: true,
  async run(t) {
    const alice = await t.connect()
    const bob = await connectImpatient(t, patient, { autoAck: false })
    const { deadAfterMs, intervalMs } = bob.welcome.heartbeat
    await sendAll(alice, bob, Math.min(t.limits.window + 20, 400))
    const asked = bob.seen('ping').length
    const end = await bob.ended(deadAfterMs + toleranceMs)
    const pings = bob.seen('ping').length - asked
    // [LIM-03] A window without progress may end it before its heartbeat would.
    return [
      clause('HB-13', expectOneOf('code of the close', end?.code, [undefined, closes.SLOW_CONSUMER.code])),
      clause(
        'HB-06',
        expectThat(`pings every ${intervalMs} ms meanwhile`, pings > 0 || end !== undefined, pings),
      ),
    ]
  },
})

// [HB-10] `network` is answered with the heartbeat in force from then on, [HB-07] which is the one that the server uses.
export const networkChangesTheHeartbeat = defineCase({
  id: 'heartbeats/network-changes-the-heartbeat',
  rules: ['HB-10', 'HB-07'],
  level: 'must',
  encodings: ['json'],
  patient: true,
  async run(t) {
    const hastened = await t.connect(t.user(), { autoPong: false })
    // Connected last, so that a busy judge has the time to speak before it is taken for dead.
    const slowed = await connectImpatient(t, shortest(3), { autoPong: false })
    const slow = await slowed.network('lan', { intervalMs: 120_000 })
    const beganMs = t.elapsedMs()
    const fast = await hastened.network('mobile', shortest(1))
    const { deadAfterMs = 0, intervalMs = 0 } = fast.heartbeat ?? {}
    const heardMs = hastened.arrivedAtMs(fast)
    const ends = [hastened, slowed].map((session) => session.ended(deadAfterMs + toleranceMs))
    const [hastenedEnd, slowedEnd] = await Promise.all(ends)
    const granted = [slow, fast].map(({ heartbeat }) => heartbeat !== undefined)
    const times = closedBetween(hastenedEnd, { deadAfterMs, intervalMs, beganMs, heardMs })
    return [
      clause('HB-10', expectEqual('ok with heartbeat', granted, [true, true])),
      clause('HB-07', labelled('shortened', all(expectClose(hastenedEnd, 'HEARTBEAT_TIMEOUT'), times))),
      clause('HB-07', labelled('lengthened', expectEqual('end', slowedEnd, undefined))),
    ]
  },
})

// [HB-09] For the first `ping` of a connection the server SHOULD wait only a random part of `intervalMs`.
export const firstPingsAreSpread = defineCase({
  id: 'heartbeats/first-pings-are-spread',
  rules: ['HB-09'],
  level: 'should',
  encodings: ['json'],
  patient: true,
  async run(t) {
    const waits = Array.from({ length: 24 }, async () => {
      const session = await connectImpatient(t, { intervalMs: 4_000, timeoutMs: 1, maxMissed: 2 })
      const { intervalMs } = session.welcome.heartbeat
      const ping = await session.next('ping', {}, { withinMs: intervalMs + toleranceMs, rule: 'HB-08' })
      return (session.arrivedAtMs(ping) - session.arrivedAtMs(session.welcome)) / intervalMs
    })
    const parts = await Promise.all(waits)
    // By chance as close together as this in one of 10^12 runs.
    const spread = Math.max(...parts) - Math.min(...parts)
    return expectBetween('intervals between the earliest and the latest of 24 first pings', spread, 0.25, 5)
  },
})

/** How a connection ended on which we do nothing but this, often enough, for longer than silence may last. */
async function endOfOneThatOnly(
  t: CaseContext,
  act: (session: Session) => unknown,
): Promise<Ended | undefined> {
  const session = await connectImpatient(t, patient, { autoPong: false })
  const { deadAfterMs, intervalMs } = session.welcome.heartbeat
  await keepDoing(session, { forMs: deadAfterMs + toleranceMs, everyMs: intervalMs / 3 }, () => act(session))
  return session.ended(0)
}

interface Silence {
  deadAfterMs: number
  intervalMs: number
  /** Before the last byte was written. */
  beganMs: number
  /** After it was read. */
  heardMs: number
}

function closedBetween(end: Ended | undefined, silence: Silence): Checked {
  const { deadAfterMs, intervalMs, beganMs, heardMs } = silence
  const atMs = end?.atMs ?? Number.POSITIVE_INFINITY
  const latestMs = deadAfterMs + toleranceMs + heardMs - beganMs
  return expectBetween('ms of silence', atMs - beganMs, deadAfterMs - intervalMs - clockGrainMs, latestMs)
}
