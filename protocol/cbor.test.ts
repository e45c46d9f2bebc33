// What the vectors do not show about the CBOR codec: memory, limits, and the platform's routines for text.
import { decode as decodeCborg } from 'cborg'
import { describe, expect, it } from 'vitest'
import {
  type AnyMessage,
  type Codec,
  cborCodec,
  createCborCodec,
  defaultLimits,
  directConversation,
  type Msg,
  type Page,
  plainUtf8,
  type Send,
} from './index.ts'
import { nodeUtf8 } from '../server/utf8-node.ts'

const msgId = '3f0b1c2d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
const send: Send = { type: 'send', id: 4, msgId, to: 'bob', content: 'hi' }
const limits = { maxFrame: 1_000_000, maxContent: 200_000 }
const codecs: [string, Codec<Uint8Array>][] = [
  ['in plain JavaScript', cborCodec],
  ['with Buffer', createCborCodec(nodeUtf8)],
]

const hotMessages: AnyMessage[] = [
  { type: 'ping', n: 300 },
  { type: 'pong', n: 1 },
  { ...send, id: 70_000, clientTime: 2 ** 40 },
  { type: 'send', id: 1, msgId, conv: 'g:team', content: 'ü' },
  { type: 'sent', id: 24, msgId, conv: 'd:a:b', epoch: 'k3', seq: 256, timestamp: 2 ** 32, duplicate: true },
  { ...msg('d:a:b'), replay: true, clientTime: 23 },
  { type: 'ack', id: 1, conv: 'd:a:b', epoch: 'k3', seq: 65_536 },
]

describe.each(codecs)('the codec %s', (_, codec) => {
  it('writes the header of 13 bytes, type and flags', () => {
    const frame = codec.encode({ type: 'ping', n: 1 }, 1_790_000_000_123)
    expect(Buffer.from(frame).toString('hex')).toBe('1f00000006000001a0c4506c7b0500a1616e01')
  })

  it.each([-1, 0.5, 2 ** 53, Number.NaN])('refuses to write %d for a time', (timestampMs) => {
    expect(() => codec.encode({ type: 'ping', n: 1 }, timestampMs)).toThrow(
      expect.objectContaining({ code: 'BAD_TIMESTAMP' }),
    )
  })

  it('never touches a frame again that it gave out', () => {
    const contents = Array.from({ length: 2_000 }, (_, i) => `${i} `.repeat(i % 50))
    const frames = contents.map((content) => codec.encode({ ...send, content }, 0))
    const decoded = frames.map((frame) => codec.decodeClient(frame, limits))
    expect(decoded).toEqual(contents.map((content) => ({ ok: true, message: { ...send, content } })))
  })

  it.each([10, 23, 24, 200, 255, 256, 40_000, 65_535, 65_536, 150_000])(
    'writes text of %d bytes',
    (length) => {
      // One unit less than bytes, half of them, a third: the head is guessed from units.
      for (const content of [
        'x'.repeat(length),
        `${'x'.repeat(length - 2)}ü`,
        'ü'.repeat(length / 2),
        '€'.repeat(length / 3),
      ]) {
        const frame = codec.encode({ ...send, content }, 0)
        expect(decodeCborg(frame.subarray(15))).toMatchObject({ content })
        expect(codec.decodeClient(frame, limits)).toEqual({ ok: true, message: { ...send, content } })
      }
    },
  )

  it('writes a frame larger than its buffer in the middle of others', () => {
    const { type: _, ...message } = { ...msg('d:a:b'), content: 'x'.repeat(1_000) }
    const page: Page = { type: 'page', id: 1, epoch: 'k', items: Array(100).fill(message), complete: true }
    const before = codec.encode(send, 0)
    const frame = codec.encode(page, 0)
    expect(codec.encode(send, 0)).toEqual(before)
    expect(codec.decodeServer(frame, limits)).toEqual({ ok: true, message: page })
  })

  it.each([
    ['Uint8Array', (bytes: Uint8Array) => Uint8Array.from(bytes)],
    ['Buffer', (bytes: Uint8Array) => Buffer.from(bytes)],
  ])('keeps nothing of the %s that it was given', (_, copy) => {
    const opaque = { ...send, to: 'to-be-kept', content: Uint8Array.of(1, 2, 3) }
    const frame = copy(codec.encode(opaque, 0))
    const decoded = codec.decodeClient(frame, limits)
    frame.fill(0xff)
    expect(decoded).toStrictEqual({ ok: true, message: opaque })
    expect(codec.decodeClient(codec.encode(opaque, 0), limits)).toStrictEqual(decoded)
  })

  it('reads a part of a larger buffer', () => {
    const frame = codec.encode(send, 0)
    const larger = new Uint8Array(frame.length + 20).fill(0x1f)
    larger.set(frame, 7)
    expect(codec.decodeClient(larger.subarray(7, 7 + frame.length), limits)).toEqual({
      ok: true,
      message: send,
    })
  })

  it('tells apart names that differ in one character only', () => {
    for (let at = 0; at < 10; at++) {
      for (const character of 'abxyz') {
        const name = `${'m'.repeat(at)}${character}${'m'.repeat(9 - at)}`
        const message = msg(directConversation(name, 'mm'))
        expect(codec.decodeServer(codec.encode(message, 0), limits)).toEqual({ ok: true, message })
      }
    }
  })

  it('accepts exactly maxFrame and maxContent bytes', () => {
    const content = 'ü'.repeat(50)
    const frame = codec.encode({ ...send, content }, 0)
    const exact = { maxFrame: frame.length, maxContent: 100 }
    expect(codec.decodeClient(frame, exact)).toMatchObject({ ok: true })
    expect(codec.decodeClient(frame, { ...exact, maxContent: 99 })).toMatchObject({ code: 105, id: 4, msgId })
    expect(codec.decodeClient(frame, { ...exact, maxFrame: frame.length - 1 })).toMatchObject({ code: 4503 })
  })

  it('reads every frame with one wrong byte as the general way does', () => {
    // Flags 1 to 7 are ignored, but keep a frame from the hot way.
    const flagsAt = 14
    for (const message of hotMessages) {
      const frame = Uint8Array.from(codec.encode(message, 0))
      const general = Uint8Array.from(frame)
      general[flagsAt] = 0x80
      for (let at = flagsAt + 1; at < frame.length; at++) {
        for (const flipped of [0x01, 0x02, 0x10, 0x20, 0x80]) {
          frame[at] = general[at] = (frame[at] as number) ^ flipped
          for (const side of ['decodeClient', 'decodeServer'] as const) {
            expect(codec[side](frame, limits)).toEqual(codec[side](general, limits))
          }
          frame[at] = general[at] = (frame[at] as number) ^ flipped
        }
      }
    }
  })

  it.each(['zoë', 'x'.repeat(300), ''])(
    'writes the name %s, which is none, for its reader to refuse',
    (to) => {
      const frame = codec.encode({ ...send, to }, 0)
      expect(decodeCborg(frame.subarray(15))).toMatchObject({ to })
      expect(codec.decodeClient(frame, limits)).toMatchObject({ ok: false, code: 101 })
    },
  )

  it('writes U+FFFD for a surrogate without its pair', () => {
    const frame = codec.encode({ ...send, content: 'a\ud800b' }, 0)
    expect(codec.decodeClient(frame, limits)).toMatchObject({ ok: true, message: { content: 'a\ufffdb' } })
  })
})

describe('a refusal', () => {
  it('says where the bytes are wrong and never what they are', () => {
    const frame = cborCodec.encode({ ...send, content: 'secret' }, 0).slice(0, -1)
    new DataView(frame.buffer).setUint32(1, frame.length - 13)
    expect(cborCodec.decodeClient(frame, defaultLimits)).toEqual({
      ok: false,
      rule: 'FRM-07',
      code: 4502,
      detail: `a length of 6 arrived with 5 bytes left at byte ${frame.length - 5}`,
    })
  })
})

describe('a codec with broken routines of the platform', () => {
  it('refuses text that they call invalid', () => {
    const suspicious = createCborCodec({ ...plainUtf8, decode: () => undefined })
    expect(suspicious.decodeClient(cborCodec.encode(send, 0), limits)).toMatchObject({
      rule: 'FRM-09',
      code: 4502,
    })
  })
})

function msg(conv: string): Msg {
  return { type: 'msg', conv, epoch: 'k3', seq: 1, msgId, from: 'alice', content: 'hi', timestamp: 2 }
}
