// Rates and floods: SPEC.md#limits-and-slow-consumers.
import { errors } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectBetween, expectError, expectThat } from '../expect.ts'
import { encodeLoose } from '../loose.ts'
import type { Reply } from '../match.ts'
import { all, clause, untestable } from '../outcome.ts'
import { ownFault } from '../provoke.ts'
import type { Session } from '../session.ts'
import { encodeFrame, opcodes } from '../ws-frames.ts'

/** A larger burst takes a quick run too long. */
const largestBurst = 20_000
const inFlight = 50
/** SPEC.md: within which a request is answered. */
const answerMs = 10_000

// [LIM-01] Rates are counted per user over all connections. [LIM-02] A `send` over a rate: error 104, or delayed.
// [ERR-06] An `error` 104 SHOULD say when it is worth trying again.
export const sendRateIsCountedOverAllConnections = defineCase({
  id: 'limits/send-rate-is-counted-over-all-connections',
  rules: ['LIM-01', 'LIM-02', 'ERR-06'],
  level: 'must',
  needs: ['devices'],
  encodings: ['json'],
  async run(t) {
    const { sendBurst, sendRatePerSecond } = t.limits
    if (sendBurst > largestBurst) return untestable(`sendBurst is ${sendBurst}`)
    const bob = t.user()
    await t.visit(bob)
    const laptop = await t.connect(t.user(), { autoAck: false })
    const devices = [laptop, await t.connect(laptop, { autoAck: false })]
    const beganMs = t.elapsedMs()
    // Each stays below the burst by itself, both together do not.
    const answers = (
      await Promise.all(devices.map((device) => sendUntilRefused(device, bob.id, sendBurst)))
    ).flat()
    const elapsedS = (t.elapsedMs() - beganMs) / 1000
    const accepted = answers.filter(({ type }) => type === 'sent').length
    const refusals = answers.filter((answer) => answer.type !== 'sent')
    const mute = refusals.filter((answer) => !('retryAfterMs' in answer)).length
    const most = sendBurst + sendRatePerSecond * elapsedS + 1
    const known = refusals.map((answer) => expectError(answer, 'TOO_MANY_REQUESTS'))
    return [
      clause('LIM-01', expectBetween(`accepted within ${elapsedS.toFixed(1)} s`, accepted, 1, most)),
      clause('LIM-02', all(expectThat('sent or error 104', true, `${refusals.length} times 104`), ...known)),
      clause('ERR-06', expectThat('each 104 has retryAfterMs', mute === 0, `${mute} have none`)),
    ]
  },
})

// [LIM-01] … and over frames of every type.
export const frameRateIsCountedForEveryType = defineCase({
  id: 'limits/frame-rate-is-counted-for-every-type',
  rules: ['LIM-01'],
  level: 'must',
  needs: ['devices'],
  async run(t) {
    const { frameBurst, frameRatePerSecond } = t.limits
    if (frameBurst > largestBurst) return untestable(`frameBurst is ${frameBurst}`)
    const laptop = await t.connect()
    const devices = [laptop, await t.connect(laptop)]
    const beganMs = t.elapsedMs()
    const pings = pingsOf(t, frameBurst)
    for (const { wire } of devices) wire.writeRaw(pings)
    await Promise.all(devices.map((device) => answered(device, frameBurst)))
    const pongs = devices.flatMap((device) => device.seen('pong').map((pong) => device.arrivedAtMs(pong)))
    const elapsedS = (Math.max(beganMs, ...pongs) - beganMs) / 1000
    const most = frameBurst + frameRatePerSecond * elapsedS + 1
    return expectBetween(
      `pings of ${2 * frameBurst} answered in ${elapsedS.toFixed(1)} s`,
      pongs.length,
      1,
      most,
    )
  },
})

// [LIM-06] A flood from one client MUST be bounded in memory and not starve others.
export const floodDoesNotStarveOthers = defineCase({
  id: 'limits/flood-does-not-starve-others',
  rules: ['LIM-06'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const flood = pingsOf(t, Math.min(t.limits.frameBurst, largestBurst))
    const flooders = await Promise.all([t.connect(), t.connect(), t.connect()])
    const tookMs: number[] = []
    for (let round = 0; round < 5; round++) {
      for (const { wire } of flooders) wire.writeRaw(flood)
      for (let count = 0; count < 4; count++) {
        const beganMs = t.elapsedMs()
        const msg = await ownFault(bob.delivery(await ownFault(alice.dm(bob))))
        tookMs.push(bob.arrivedAtMs(msg) - beganMs)
      }
    }
    return expectBetween('ms to the slowest of 20 deliveries', Math.max(...tookMs), 0, answerMs)
  },
})

/** Up to `most` sends, a few at a time, until one is refused. */
async function sendUntilRefused(device: Session, to: string, most: number): Promise<Reply[]> {
  const answers: Reply[] = []
  while (answers.length < most && answers.every(({ type }) => type === 'sent')) {
    const count = Math.min(inFlight, device.welcome.limits.sendWindow, most - answers.length)
    answers.push(...(await Promise.all(Array.from({ length: count }, () => device.send(to)))))
  }
  return answers
}

/** So many `ping` frames, ready to be written at once. */
function pingsOf(t: CaseContext, count: number): Buffer {
  const { kind, payload } = encodeLoose(t.encoding, { type: 'ping', n: 1 })
  return Buffer.concat(Array.from({ length: count }, () => encodeFrame({ opcode: opcodes[kind], payload })))
}

/** Until so many frames have their answer, or the connection ends, or SPEC.md allows no more time. */
async function answered(device: Session, count: number): Promise<void> {
  const untilMs = performance.now() + answerMs
  const isOver = (): boolean => device.seen('pong').length + refusedForRate(device) >= count
  while (!isOver() && performance.now() < untilMs && !device.wire.end) await device.ended(50)
}

function refusedForRate(device: Session): number {
  return device.seen('error', { code: errors.TOO_MANY_REQUESTS.code }).length
}
