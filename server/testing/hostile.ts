// What a hostile client writes: golden vectors, frames with one thing wrong, damaged bytes, noise; all from one seed.
import { readFileSync } from 'node:fs'
import { encode as encodeCbor } from 'cborg'
import fc from 'fast-check'
import { frameOf } from '../../bench/socket.ts'
import type { Random } from '../../conformance/random.ts'
import { closePayload, encodeFrame, opcodes } from '../../conformance/ws-frames.ts'
import { type Encoding, type FrameType, frameNumbers, magic } from '../../protocol/index.ts'
import { clientMessage } from '../../protocol/testing/arbitraries.ts'
import { type Json, type JsonMap, mutants } from '../../protocol/testing/mutate-frames.ts'
import { tokenFor } from './endpoint.ts'
import { payloadOf } from './socket.ts'

export class Hostile {
  private readonly random: Random
  /** Well-formed payloads and others, by encoding. */
  private readonly vectors: Record<Encoding, Buffer[]>
  private readonly arbitrary: Record<Encoding, Buffer[]>
  private readonly wrong: JsonMap[]
  private readonly right: JsonMap[]

  /** @param foreign A conversation in which no attacker takes part. */
  constructor(random: Random, { epoch, foreign }: { epoch: string; foreign: string }) {
    this.random = random
    this.vectors = { json: vectorsOf('json'), cbor: vectorsOf('cbor') }
    const messages = fc.sample(clientMessage, { numRuns: 1_000, seed: random.integer(0, 1e9) })
    const encoded = (encoding: Encoding): Buffer[] => messages.map((message) => payloadOf(message, encoding))
    this.arbitrary = { json: encoded('json'), cbor: encoded('cbor') }
    this.right = plausible(epoch, foreign)
    this.wrong = this.right.flatMap((frame) => [...mutants(frame, { binary: true })])
  }

  /** The payload of one message. */
  payload(encoding: Encoding): Buffer {
    const kind = this.random.fraction()
    if (kind < 0.35) return encodeAny(this.pick(this.right), encoding)
    if (kind < 0.77) return encodeAny(this.pick(this.wrong), encoding)
    if (kind < 0.87) return this.pick(this.arbitrary[encoding])
    if (kind < 0.94) return this.pick(this.vectors[encoding])
    if (kind < 0.99) return this.damaged(this.pick(this.arbitrary[encoding]))
    return Buffer.from(this.random.bytes(this.random.integer(0, 200)))
  }

  /** The same as a WebSocket message: whole, in pieces with control frames between them, or of the wrong kind. */
  message(payload: Buffer, encoding: Encoding): Buffer {
    const opcode = encoding === 'json' ? opcodes.text : opcodes.binary
    const kind = this.random.fraction()
    if (kind < 0.9) return frameOf(payload, opcode)
    if (kind < 0.91) return encodeFrame({ opcode: opcode ^ 3, payload })
    const parts: Buffer[] = []
    for (let at = 0, first = true; first || at < payload.length; first = false) {
      const next = Math.min(payload.length, at + this.random.integer(0, Math.max(64, payload.length >> 2)))
      const fin = next >= payload.length
      parts.push(
        encodeFrame({
          opcode: first ? opcode : opcodes.continuation,
          payload: payload.subarray(at, next),
          fin,
        }),
      )
      if (!fin)
        parts.push(
          encodeFrame({ opcode: this.pick([opcodes.ping, opcodes.pong]), payload: Buffer.from('x') }),
        )
      if (fin) break
      at = next
    }
    return Buffer.concat(parts)
  }

  /** Bytes that break, cut short or end the WebSocket connection. */
  lastWords(): Buffer {
    const payload = Buffer.from(this.random.bytes(this.random.integer(0, 125)))
    const whole = encodeFrame({ opcode: opcodes.text, payload: Buffer.alloc(300, 0x7b) })
    return this.pick([
      () => whole.subarray(0, this.random.integer(0, whole.length - 1)),
      () => encodeFrame({ opcode: this.random.integer(0, 15), payload, rsv: this.random.integer(0, 7) }),
      () => encodeFrame({ opcode: opcodes.text, payload, mask: false }),
      () => encodeFrame({ opcode: opcodes.continuation, payload }),
      () => encodeFrame({ opcode: opcodes.ping, payload: Buffer.alloc(200) }),
      () => encodeFrame({ opcode: opcodes.ping, payload, fin: false }),
      () => encodeFrame({ opcode: opcodes.binary, payload, declaredBytes: 2 ** this.random.integer(8, 52) }),
      () => encodeFrame({ opcode: opcodes.close, payload }),
      () => encodeFrame({ opcode: opcodes.close, payload: closePayload(this.random.integer(0, 65_535)) }),
      () => payload,
    ])()
  }

  private damaged(original: Buffer): Buffer {
    const bytes = Buffer.from(original)
    for (let n = this.random.integer(1, 4); n > 0 && bytes.length > 0; n--) {
      const at = this.random.integer(0, bytes.length - 1)
      bytes[at] = this.pick([
        () => (bytes[at] ?? 0) ^ (1 << this.random.integer(0, 7)),
        () => this.random.integer(0, 255),
      ])()
    }
    const cut = this.random.integer(0, bytes.length)
    return this.pick([
      () => bytes,
      () => bytes.subarray(0, cut),
      () => bytes.subarray(cut),
      () => Buffer.concat([bytes, bytes.subarray(cut)]),
      () => Buffer.concat([bytes.subarray(0, cut), Buffer.from(this.random.bytes(3)), bytes.subarray(cut)]),
    ])()
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.random.integer(0, items.length - 1)] as T
  }
}

/** Every verb with fields that mean something on the attacked server; none names a bystander as its peer. */
function plausible(epoch: string, foreign: string): JsonMap[] {
  const msgId = '3f0b6c1e-8a54-4d0e-9b7a-2f1c5d6e7f80'
  const convs = ['g:h0', 'g:h1', 'g:h2', 'd:h0:h1', 'd:h2:h3', foreign, 'g:nowhere']
  const frames: JsonMap[] = [
    { type: 'ping', n: 7 },
    { type: 'pong', n: 7 },
    {
      type: 'hello',
      id: 2,
      token: tokenFor('h0'),
      deviceId: 'x',
      caps: ['presence', 'receipts'],
      network: 'lan',
    },
    { type: 'refresh', id: 3, token: tokenFor('h1') },
    { type: 'network', id: 4, network: 'mobile', heartbeat: { intervalMs: 5_000 } },
    {
      type: 'send',
      id: 5,
      msgId,
      to: 'h1',
      content: 'hi',
      contentType: 'text/plain',
      meta: { k: 'v' },
      clientTime: 1,
    },
    { type: 'send', id: 6, msgId, to: 'h2', content: '/9j/', encoding: 'base64' },
    { type: 'bye', code: 1000, reason: '', reconnect: 'never' },
  ]
  for (const conv of convs) {
    frames.push(
      {
        type: 'send',
        id: 7,
        msgId: msgId.replace('3f', conv.length.toString(16).padStart(2, '0')),
        conv,
        content: 'x',
      },
      { type: 'join', id: 8, conv },
      { type: 'leave', id: 9, conv },
      { type: 'join', id: 10, conv, user: 'h3' },
      { type: 'leave', id: 11, conv, user: 'h3' },
      { type: 'ack', id: 12, conv, epoch, seq: 1 },
      { type: 'read', id: 13, conv, epoch, seq: 1 },
      { type: 'sync', id: 14, cursors: [{ conv, epoch, seq: 0 }], limit: 5 },
      { type: 'history', id: 15, conv, order: 'desc', limit: 5, fromTime: 0 },
    )
  }
  return frames
}

function encodeAny(frame: JsonMap, encoding: Encoding): Buffer {
  if (encoding === 'json') return Buffer.from(JSON.stringify(frame))
  const { type, encoding: _encoding, ...fields } = frame
  const body = encodeCbor(fields)
  const head = Buffer.alloc(15)
  head[0] = magic
  head.writeUInt32BE(body.length + 2, 1)
  head[13] = numberOf(type)
  return Buffer.concat([head, body])
}

function numberOf(type: Json | undefined): number {
  return typeof type === 'string' && type in frameNumbers ? frameNumbers[type as FrameType] : 99
}

function vectorsOf(encoding: Encoding): Buffer[] {
  return ['valid', 'invalid'].flatMap((validity) => {
    const file = new URL(`../../protocol/vectors/${encoding}-${validity}.json`, import.meta.url)
    const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as {
      vectors: { text?: string; bytes?: string }[]
    }
    return vectors.map(({ text, bytes }) =>
      text === undefined ? Buffer.from(bytes ?? '', 'hex') : Buffer.from(text),
    )
  })
}
