// Framing and codec, sizes and fragments: SPEC.md#every-message.
import { randomUUID } from 'node:crypto'
import { deflateRawSync, constants as zlib } from 'node:zlib'
import type { Encoding } from '../../protocol/index.ts'
import { arrivals, atMost } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectClose, expectEqual, expectThat } from '../expect.ts'
import { encodeLoose } from '../loose.ts'
import { all, clause, notApplicable, untestable } from '../outcome.ts'
import { labelled, writeMessage } from '../provoke.ts'
import type { Session } from '../session.ts'
import type { Wire, WireMessage } from '../wire.ts'
import { encodeFrame, opcodes } from '../ws-frames.ts'

/** Beyond this, frames of the largest size take a quick run too long. */
const largestFrameBytes = 4 * 1024 * 1024

// [FRM-05] Exactly `maxFrame` bytes are accepted, and one byte more closes with 4503; bytes count, not characters.
export const frameLimitIsExact = defineCase({
  id: 'framing/frame-limit-is-exact',
  rules: ['FRM-05', 'LIM-07'],
  level: 'must',
  async run(t) {
    const { maxFrame } = t.limits
    if (maxFrame > largestFrameBytes) return untestable(`maxFrame is ${maxFrame}`)
    const user = t.user()
    const checks = []
    for (const filler of ['x', 'é', '😀']) {
      const alice = await t.connect(user)
      writeMessage(alice, pingOf(t.encoding, maxFrame, filler))
      const { n } = await alice.next('pong', { n: maxFrame })
      checks.push(expectEqual(`n of the pong, filled with ${filler}`, n, maxFrame))
      writeMessage(alice, pingOf(t.encoding, maxFrame + 1, filler))
      checks.push(
        labelled(`one byte more, filled with ${filler}`, expectClose(await alice.ended(), 'TOO_LARGE')),
      )
    }
    return [clause('FRM-05', all(...checks)), clause('LIM-07', all(...checks))]
  },
})

// [FRM-05] Also a message of twice `maxFrame`; [VAR-08] beyond that the connection may end in any way.
export const muchTooLargeMessageCloses = defineCase({
  id: 'framing/much-too-large-message-closes',
  rules: ['FRM-05'],
  level: 'must',
  async run(t) {
    const { maxFrame } = t.limits
    if (maxFrame > largestFrameBytes) return untestable(`maxFrame is ${maxFrame}`)
    const [alice, bob] = await t.pair()
    writeMessage(alice, pingOf(t.encoding, 2 * maxFrame, 'x'))
    writeMessage(bob, pingOf(t.encoding, 4 * maxFrame, 'x'))
    const twice = labelled('twice maxFrame', expectClose(await alice.ended(), 'TOO_LARGE'))
    return all(
      twice,
      expectThat('four times maxFrame ends the connection', (await bob.ended()) !== undefined),
    )
  },
})

// [FRM-13] A message is the same however WebSocket fragments it and TCP divides it or joins it with others.
export const divisionBelowMessagesDoesNotMatter = defineCase({
  id: 'framing/division-below-messages-does-not-matter',
  rules: ['FRM-13'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const { wire } = alice
    const sends: WrittenSend[] = []
    const answers = []
    for (const write of divisions(wire)) {
      const send = sendOf(alice, bob, t.random.text(60))
      sends.push(send)
      await write(send.message)
      answers.push(await alice.next('sent', { msgId: send.msgId }))
    }
    const joined = Array.from({ length: atMost(4, t) }, () => sendOf(alice, bob, t.random.text(60)))
    wire.writeRaw(Buffer.concat(joined.map(({ message }) => frameOf(message))))
    for (const { msgId } of joined) answers.push(await alice.next('sent', { msgId }))
    const arrived = (await arrivals(bob, answers)).map(({ content }) => content)
    return expectEqual(
      'contents',
      arrived,
      [...sends, ...joined].map(({ content }) => content),
    )
  },
})

// [FRM-14] The server MUST bound the number of fragments of one message: more than `maxFrame` of them hold too much.
export const fragmentsAreBounded = defineCase({
  id: 'framing/fragments-are-bounded',
  rules: ['FRM-14'],
  level: 'must',
  async run(t) {
    const { maxFrame } = t.limits
    if (maxFrame > largestFrameBytes / 16) return untestable(`maxFrame is ${maxFrame}`)
    // An answer to a ping would be a message of its own between the fragments.
    const [alice, bob] = await t.pair({ autoPong: false })
    const { kind } = pingOf(t.encoding, 100, 'x')
    const head = encodeFrame({ opcode: opcodes[kind], payload: Buffer.from([0x1f]), fin: false })
    const tiny = encodeFrame({ opcode: opcodes.continuation, payload: Buffer.alloc(1), fin: false })
    alice.wire.writeRaw(Buffer.concat([head, ...Array.from({ length: maxFrame }, () => tiny)]))
    const piece = encodeFrame({ opcode: opcodes.continuation, payload: Buffer.alloc(maxFrame), fin: false })
    const pieces = Math.ceil((2 * largestFrameBytes) / maxFrame)
    bob.wire.writeRaw(Buffer.concat([head, ...Array.from({ length: pieces }, () => piece)]))
    // A server may wait for the end of a message that is too large, but not for an end that never comes.
    alice.wire.writeFrame({ opcode: opcodes.continuation })
    return all(
      expectThat('fragments of one byte end the connection', (await alice.ended()) !== undefined),
      expectThat('fragments without an end end the connection', (await bob.ended()) !== undefined),
    )
  },
})

// [FRM-14] `maxFrame` applies to the inflated size of a compressed message.
export const inflatedSizeCounts = defineCase({
  id: 'framing/inflated-size-counts',
  rules: ['FRM-14'],
  level: 'must',
  async run(t) {
    const { maxFrame } = t.limits
    if (maxFrame > largestFrameBytes) return untestable(`maxFrame is ${maxFrame}`)
    const answer = await t.upgrade({ compress: true })
    if (answer.kind === 'open' && !answer.headers.has('sec-websocket-extensions'))
      return notApplicable('the server does not compress')
    const alice = await t.connect(t.user(), { compress: true })
    writeDeflated(alice, pingOf(t.encoding, maxFrame, 'x'))
    const { n } = await alice.next('pong', { n: maxFrame })
    writeDeflated(alice, pingOf(t.encoding, maxFrame + 1, 'x'))
    const bomb = await t.connect(t.user(), { compress: true })
    writeDeflated(bomb, pingOf(t.encoding, 64 * maxFrame, 'x'))
    return all(
      expectEqual('n of the pong', n, maxFrame),
      labelled('one byte more, inflated', expectClose(await alice.ended(), 'TOO_LARGE')),
      expectThat('a bomb ends its connection', (await bomb.ended()) !== undefined),
    )
  },
})

/** A `ping` of exactly so many bytes, padded in a field that nobody knows. Its `n` is the size. */
function pingOf(encoding: Encoding, sizeBytes: number, filler: string): WireMessage {
  const width = Buffer.byteLength(filler)
  const draft = (padBytes: number): WireMessage => {
    const pad = filler.repeat(Math.floor(padBytes / width)) + 'x'.repeat(padBytes % width)
    return encodeLoose(encoding, { type: 'ping', n: sizeBytes, pad })
  }
  let padBytes = sizeBytes
  // Twice, because the head of a text in CBOR depends on its length.
  for (let pass = 0; pass < 2; pass++) padBytes -= draft(padBytes).payload.length - sizeBytes
  return draft(padBytes)
}

/** Ways to write one message. */
function divisions(wire: Wire): ((message: WireMessage) => unknown)[] {
  const ping = { opcode: opcodes.ping, payload: Buffer.from('between') }
  return [
    ({ kind, payload }) => wire.writeFragments(kind, [Buffer.alloc(0), payload, Buffer.alloc(0)]),
    ({ kind, payload }) => wire.writeFragments(kind, piecesOf(payload, 1)),
    // A few only: a flood of pings is a reason to close.
    ({ kind, payload }) => wire.writeFragments(kind, piecesOf(payload, 41), [ping]),
    ({ kind, payload }) => wire.writeSliced([{ opcode: opcodes[kind], payload }], 1),
  ]
}

interface WrittenSend {
  msgId: string
  content: string
  message: WireMessage
}

function sendOf(from: Session, to: Session, content: string): WrittenSend {
  const msgId = randomUUID()
  const frame = { type: 'send', id: from.nextId(), msgId, to: to.user.id, content }
  from.recordWrite(frame)
  return { msgId, content, message: encodeLoose(from.encoding, frame) }
}

function frameOf({ kind, payload }: WireMessage): Buffer {
  return encodeFrame({ opcode: opcodes[kind], payload })
}

function piecesOf(payload: Buffer, pieceBytes: number): Buffer[] {
  const count = Math.ceil(payload.length / pieceBytes)
  return Array.from({ length: count }, (_, at) => payload.subarray(at * pieceBytes, (at + 1) * pieceBytes))
}

/** RFC 7692: without the tail of the flush, marked by the first reserved bit. */
function writeDeflated({ wire }: Session, { kind, payload }: WireMessage): void {
  const deflated = deflateRawSync(payload, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4)
  wire.writeFrame({ opcode: opcodes[kind], payload: deflated, rsv: 4 })
}
