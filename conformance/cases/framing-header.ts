// Framing and codec, the header of the binary form: SPEC.md#the-binary-form.
import { randomUUID } from 'node:crypto'
import { frameNumbers, headerBytes } from '../../protocol/index.ts'
import { seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectBetween, expectEqual, expectError, expectIncreasing } from '../expect.ts'
import { binaryMessage, encodeCbor } from '../loose.ts'
import { all, clause } from '../outcome.ts'
import { expectEachCloses } from '../provoke.ts'
import type { Session } from '../session.ts'
import { tap, unsortedKeys } from '../tap.ts'

const binary = ['cbor'] as const
const ping = { type: frameNumbers.ping, body: Buffer.from('a1616e01', 'hex') }
const goodPing = binaryMessage(ping)
/** How far a time that the server writes may be from its `serverTime` in `welcome`, at the beginning of a case. */
const slackMs = 60_000

// [FRM-06] A declared length over `maxFrame` − 13 closes with 4503, whatever else is wrong.
export const declaredLengthIsCheckedFirst = defineCase({
  id: 'framing/declared-length-is-checked-first',
  rules: ['FRM-06', 'FRM-30'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const largest = t.limits.maxFrame - headerBytes
    const tooLarge = {
      'a gzip stream': Buffer.from('1f8b0800000000000003abae050043bfa6a302000000', 'hex'),
      'the largest length': binaryMessage({ ...ping, lengthBytes: 0xffff_ffff }),
      'one byte over the limit': binaryMessage({ ...ping, lengthBytes: largest + 1 }),
      'a bad timestamp as well': binaryMessage({ ...ping, lengthBytes: largest + 1, timestampMs: -1 }),
    }
    const atLimit = { 'the limit itself': binaryMessage({ ...ping, lengthBytes: largest }) }
    const checked = await expectEachCloses(t, tooLarge, 'TOO_LARGE')
    const mismatch = await expectEachCloses(t, atLimit, 'BAD_FRAME')
    return [clause('FRM-06', all(checked, mismatch)), clause('FRM-30', checked)]
  },
})

// [FRM-23] Shorter than 15 bytes, another first byte, another length, or a timestamp out of range: 4502.
export const badHeaderCloses = defineCase({
  id: 'framing/bad-header-closes',
  rules: ['FRM-23', 'FRM-17'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const short = [0, 1, 4, 5, 12, 13, 14].map((size) => [`${size} bytes`, truncated(size)])
    const messages = {
      ...Object.fromEntries(short),
      'first byte 1e': binaryMessage({ ...ping, magic: 0x1e }),
      'first byte {': binaryMessage({ ...ping, magic: 0x7b }),
      'a length of one less': binaryMessage({ ...ping, lengthBytes: goodPing.length - headerBytes - 1 }),
      'a length of one more': binaryMessage({ ...ping, lengthBytes: goodPing.length - headerBytes + 1 }),
      'a length with the header': binaryMessage({ ...ping, lengthBytes: goodPing.length }),
      'length 0': binaryMessage({ ...ping, lengthBytes: 0 }),
      'timestamp -1': binaryMessage({ ...ping, timestampMs: -1 }),
      'timestamp 2^53': binaryMessage({ ...ping, timestampMs: 2n ** 53n }),
      'timestamp 2^63 - 1': binaryMessage({ ...ping, timestampMs: 2n ** 63n - 1n }),
    }
    const checked = await expectEachCloses(t, messages, 'BAD_FRAME')
    return [clause('FRM-23', checked), clause('FRM-17', checked)]
  },
})

// [FRM-25] Bit 0 of the flags says whether `content` is opaque; one that does not fit is refused with error 101 on `content`.
export const flagsHaveToFitTheContent = defineCase({
  id: 'framing/flags-have-to-fit-the-content',
  rules: ['FRM-25'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const alice = await t.connect()
    const text = writeFlagged(alice, 'text', 1)
    const bytes = writeFlagged(alice, new Uint8Array(3), 0)
    const refused = [await alice.next('error', { id: text }), await alice.next('error', { id: bytes })]
    alice.writeBinary(binaryMessage({ ...ping, flags: 1 }))
    refused.push(await alice.next('error'))
    return all(...refused.map((error) => expectError(error, 'BAD_REQUEST', 'content')))
  },
})

// [FRM-26] Bits 1 to 7 of the flags MUST be ignored when read.
export const otherFlagsAreIgnored = defineCase({
  id: 'framing/other-flags-are-ignored',
  rules: ['FRM-26'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const [alice, bob] = await t.pair()
    const ids = [writeFlagged(alice, 'text', 0xfe), writeFlagged(alice, new Uint8Array(3), 0xff)]
    const sents = []
    for (const id of ids) sents.push(await alice.next('sent', { id }))
    bob.writeBinary(binaryMessage({ ...ping, flags: 0xfe }))
    const { n } = await bob.next('pong')
    return all(expectEqual('seqs', seqs(sents), [1, 2]), expectEqual('n of the pong', n, 1))
  },
})

// [FRM-31] The header's timestamp MUST NOT have any effect on the order or the `timestamp` of a message.
export const headerTimestampHasNoEffect = defineCase({
  id: 'framing/header-timestamp-has-no-effect',
  rules: ['FRM-31'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const alice = await t.connect()
    const { serverTime } = alice.welcome
    const dayMs = 86_400_000
    const sents = []
    for (const timestampMs of [2 ** 53 - 1, 0, serverTime + dayMs, serverTime - dayMs]) {
      const id = alice.nextId()
      const body = encodeCbor({ id, msgId: randomUUID(), to: alice.user.id, content: 'hi' })
      alice.writeBinary(binaryMessage({ type: frameNumbers.send, timestampMs, body }))
      sents.push(await alice.next('sent', { id }))
    }
    const near = sents.map(({ timestamp }) => {
      return expectBetween('timestamp − serverTime in ms', timestamp - serverTime, -slackMs, slackMs)
    })
    return all(expectIncreasing('seqs', seqs(sents)), ...near)
  },
})

// [FRM-24] A server writes its clock into the header, [FRM-26] 0 into the other flags, [FRM-28] and sorts the keys of each map.
export const framesOfTheServerAreCanonical = defineCase({
  id: 'framing/frames-of-the-server-are-canonical',
  rules: ['FRM-24', 'FRM-26', 'FRM-28'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const alice = await t.open()
    const raw = tap(alice)
    const { serverTime } = await alice.hello({ token: await t.token(alice.user) })
    const bob = await t.connect()
    const options = { contentType: 'a/b', meta: { b: '', a: '', aa: '' } }
    await alice.delivery(await bob.dm(alice, t.random.bytes(9), options))
    await alice.dm(bob, 'text')
    await alice.request({ type: 'shout' })
    await alice.network('mobile')
    await alice.fence()
    // A frame that is too short for this is malformed, and the probe has said so.
    const frames = raw.filter(({ length }) => length > headerBytes + 2)
    const clocks = frames.map((frame) => Number(frame.readBigInt64BE(5)) - serverTime)
    const flags = frames.map((frame) => (frame[headerBytes + 1] ?? 0) & 0xfe)
    const unsorted = frames.flatMap((frame) => unsortedKeys(frame.subarray(headerBytes + 2)) ?? [])
    const near = clocks.map((ms) =>
      expectBetween('header timestamp − serverTime in ms', ms, -slackMs, slackMs),
    )
    return [
      clause('FRM-24', all(...near)),
      clause('FRM-26', expectEqual('flags with bits 1 to 7', flags.filter(Boolean), [])),
      clause('FRM-28', expectEqual('keys out of order', unsorted, [])),
    ]
  },
})

/** A `send` whose flags say what they like; gives its id. */
function writeFlagged(session: Session, content: string | Uint8Array, flags: number): number {
  const id = session.nextId()
  const body = encodeCbor({ id, msgId: randomUUID(), to: session.user.id, content })
  session.writeBinary(binaryMessage({ type: frameNumbers.send, flags, body }))
  return id
}

/** The beginning of a good frame; the length in its header fits as far as it can. */
function truncated(size: number): Buffer {
  const whole = Buffer.from(goodPing.subarray(0, size))
  if (size >= headerBytes) whole.writeUInt32BE(size - headerBytes, 1)
  return whole
}
