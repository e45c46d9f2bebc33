// The transport, WebSocket as in RFC 6455, and times: SPEC.md#conventions.
import { randomUUID } from 'node:crypto'
import { subprotocols } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import { describeEnd } from '../ending.ts'
import { expectEqual, expectNone, expectThat } from '../expect.ts'
import { encodeLoose } from '../loose.ts'
import { all, type Checked } from '../outcome.ts'
import { eachOf, labelled } from '../provoke.ts'
import { type OutFrame, opcodes } from '../ws-frames.ts'

// [CON-02] Every point in time on the wire is an integer number of milliseconds since 1970.
export const timesAreMilliseconds = defineCase({
  id: 'wire/times-are-milliseconds',
  rules: ['CON-02'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const { serverTime, expiresAt, heartbeat } = alice.welcome
    const sent = await alice.dm(bob)
    const { timestamp } = await bob.delivery(sent)
    const times = { serverTime, timestamp, ...(expiresAt > 0 && { expiresAt }) }
    const checks = Object.entries(times).map(([name, value]) =>
      expectThat(
        `${name} in milliseconds`,
        Number.isInteger(value) && Math.abs(value - Date.now()) < fewYearsMs,
        value,
      ),
    )
    const durations = Object.entries(heartbeat).filter(([, value]) => !Number.isInteger(value))
    return all(...checks, expectEqual('durations that are no integers', durations, []))
  },
})

// [CON-03] RFC 6455, 5.5.2: a WebSocket ping is answered by a pong with the same payload, between fragments too.
export const websocketPingIsAnswered = defineCase({
  id: 'wire/websocket-ping-is-answered',
  rules: ['CON-03'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const pongTo = async (write: (ping: OutFrame) => void, size: number): Promise<Checked> => {
      const payload = Buffer.from(t.random.bytes(size))
      write({ opcode: opcodes.ping, payload })
      const pong = await alice.wire.controls.take(({ kind }) => kind === 'pong', t.timeoutMs)
      return expectEqual(`pong of ${size} bytes`, pong.ok ? pong.value.payload : undefined, payload)
    }
    const checks: Checked[] = []
    for (const size of [0, 1, 125]) checks.push(await pongTo((ping) => alice.wire.writeFrame(ping), size))
    const { kind, payload } = encodeLoose(t.encoding, { type: 'ping', n: 1 })
    const halves = [payload.subarray(0, 9), payload.subarray(9)]
    checks.push(await pongTo((ping) => alice.wire.writeFragments(kind, halves, [ping]), 9))
    return all(...checks, expectEqual('n of the fragmented frame', (await alice.next('pong')).n, 1))
  },
})

// [CON-03] RFC 6455, 5 and 7: frames that break it fail the connection, with or without a close frame.
export const brokenFramesEndTheConnection = defineCase({
  id: 'wire/broken-frames-end-the-connection',
  rules: ['CON-03'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const checks = await eachOf(Object.entries(brokenFrames), async ([what, frames]) => {
      const stranger = await t.connect()
      for (const frame of frames) stranger.wire.writeFrame(frame)
      const end = await stranger.ended()
      return labelled(what, expectThat('the connection ends', end !== undefined, end && describeEnd(end)))
    })
    return all(...checks)
  },
})

// [CON-03] RFC 6455, 5.1: a frame that is not masked is never acted on. When it ends the connection depends on the
// server: one that waits for the missing mask finds out by [LIM-08].
export const unmaskedFrameIsNotActedOn = defineCase({
  id: 'wire/unmasked-frame-is-not-acted-on',
  rules: ['CON-03'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const frame = { type: 'send', id: 99, msgId: randomUUID(), to: bob.user.id, content: 'unmasked' }
    const { kind, payload } = encodeLoose(t.encoding, frame)
    alice.wire.writeFrame({ opcode: opcodes[kind], payload, mask: false })
    // What follows would make whole what is missing, if anything were.
    alice.wire.writeFrame({ opcode: opcodes.ping, payload: Buffer.alloc(100) })
    await alice.ended(unmaskedMs)
    const sent = alice.seen('sent', { id: 99 })
    return all(expectEqual('answers', sent.length, 0), expectNone(await bob.fence(), 'msg'))
  },
})

// [CON-03] RFC 6455, 4.2.1: a request that is no handshake of version 13 is not answered with 101.
export const brokenHandshakeIsRefused = defineCase({
  id: 'wire/broken-handshake-is-refused',
  rules: ['CON-03'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const defects: Record<string, string | undefined>[] = [
      { Upgrade: undefined },
      { Upgrade: 'h2c' },
      { 'Sec-WebSocket-Key': undefined },
      { 'Sec-WebSocket-Key': 'c2hvcnQ=' },
      { 'Sec-WebSocket-Version': undefined },
      { 'Sec-WebSocket-Version': '12' },
    ]
    const checks = await eachOf(defects, async (headers) => {
      const answer = await t.upgrade({ headers })
      const status = answer.kind === 'failed' ? answer.detail : answer.status
      return labelled(describeHeaders(headers), expectThat('no upgrade', answer.kind !== 'open', status))
    })
    const old = await t.upgrade({ headers: { 'Sec-WebSocket-Version': '12' } })
    const versions = old.kind === 'refused' ? old.headers.get('sec-websocket-version') : undefined
    return all(
      ...checks,
      expectThat('version 13 is offered instead', /\b13\b/.test(versions ?? ''), versions),
    )
  },
})

// [CON-03] RFC 6455, 4.1 and 11.3.4: the handshake has many spellings.
export const handshakeInAnySpellingIsAccepted = defineCase({
  id: 'wire/handshake-in-any-spelling-is-accepted',
  rules: ['CON-03'],
  level: 'must',
  async run(t) {
    const mine = subprotocols[t.encoding]
    const spellings: Record<string, Record<string, string>> = {
      'Connection of several': { Connection: 'keep-alive, Upgrade' },
      'other letter case': { Connection: 'upgrade', Upgrade: 'WebSocket' },
      'a list without spaces': { 'Sec-WebSocket-Protocol': `chat,${mine}` },
      'a list in two lines': { 'Sec-WebSocket-Protocol': `chat\r\nSec-WebSocket-Protocol: ${mine}` },
      'a long header': { 'X-Padding': 'x'.repeat(2_000) },
    }
    const checks = await eachOf(Object.entries(spellings), async ([what, headers]) => {
      const answer = await t.upgrade({ headers })
      const protocol = answer.kind === 'open' ? answer.wire.protocol : undefined
      return labelled(what, expectEqual('subprotocol', protocol, mine))
    })
    return all(...checks)
  },
})

/** Each of them has to fail the connection. */
const brokenFrames: Record<string, OutFrame[]> = {
  'reserved opcode 3': [{ opcode: 3, payload: Buffer.from('{}') }],
  'reserved opcode 11': [{ opcode: 11 }],
  'reserved bit 1 without compression': [{ opcode: opcodes.text, payload: Buffer.from('{}'), rsv: 4 }],
  'reserved bit 2': [{ opcode: opcodes.text, payload: Buffer.from('{}'), rsv: 2 }],
  'reserved bit 3 of a ping': [{ opcode: opcodes.ping, rsv: 1 }],
  'a fragmented ping': [{ opcode: opcodes.ping, fin: false }],
  'a ping of 126 bytes': [{ opcode: opcodes.ping, payload: Buffer.alloc(126) }],
  'a continuation of nothing': [{ opcode: opcodes.continuation, payload: Buffer.from('{}') }],
  'a message within another': [
    { opcode: opcodes.text, payload: Buffer.from('{'), fin: false },
    { opcode: opcodes.text, payload: Buffer.from('{}') },
  ],
  'a length of 2^63': [{ opcode: opcodes.text, declaredBytes: 2 ** 63 }],
  'a close frame of 1 byte': [{ opcode: opcodes.close, payload: Buffer.from([3]) }],
}

/** Clocks differ, but not by years: seconds and microseconds are a thousandfold away. */
const fewYearsMs = 10 * 365 * 86_400_000
/** For the server to act on what it should not. */
const unmaskedMs = 500

function describeHeaders(headers: Readonly<Record<string, string | undefined>>): string {
  const [[name, value] = []] = Object.entries(headers)
  return value === undefined ? `no ${name}` : `${name}: ${value.slice(0, 40)}`
}
