// The loose encoder against a CBOR library and against the codecs.
import { decode, encode } from 'cborg'
import { expect, test } from 'vitest'
import { cborCodec, jsonCodec } from '../protocol/index.ts'
import { binaryMessage, encodeCbor, encodeLoose } from './loose.ts'

const limits = { maxFrame: 100_000, maxContent: 100_000 }
const msgId = '3f0b6c1e-8a54-4d0e-9b7a-2f1c5d6e7f80'

test.each([
  0,
  23,
  24,
  255,
  256,
  65_535,
  65_536,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  -1,
  -500,
  1.5,
  'é',
  '',
  true,
  null,
  [1, [2, 'x']],
  { a: 1, 'longer key': { b: [] } },
  2n ** 63n,
])('plain CBOR of %s is what a library writes and reads', (value) => {
  expect(decode(encodeCbor(value))).toEqual(decode(encode(value)))
})

test('a valid frame is one for the codecs, in both encodings', () => {
  const frame = { type: 'send', id: 7, msgId, to: 'bob', content: 'hi', meta: { a: 'b' } }
  const json = encodeLoose('json', frame)
  const cbor = encodeLoose('cbor', frame)
  expect(jsonCodec.decodeClient(json.payload.toString(), limits)).toEqual({ ok: true, message: frame })
  expect(cborCodec.decodeClient(cbor.payload, limits)).toEqual({ ok: true, message: frame })
})

test('opaque content is base64 in JSON and a byte string in CBOR', () => {
  const content = Uint8Array.from([0, 255, 7])
  const frame = { type: 'send', id: 7, msgId, to: 'bob', content }
  const json = jsonCodec.decodeClient(encodeLoose('json', frame).payload.toString(), limits)
  const cbor = cborCodec.decodeClient(new Uint8Array(encodeLoose('cbor', frame).payload), limits)
  expect([json, cbor]).toMatchObject([
    { ok: true, message: { content } },
    { ok: true, message: { content } },
  ])
})

test('an integer of any size is written digit by digit', () => {
  const text = encodeLoose('json', { type: 'ping', n: 2n ** 64n, s: 'x' }).payload.toString()
  expect(text).toBe('{"type":"ping","n":18446744073709551616,"s":"x"}')
})

test('what is no frame can be written too', () => {
  expect(encodeLoose('json', { content: '\ud800', x: undefined }).payload.toString()).toBe(
    '{"content":"\\ud800"}',
  )
  expect(encodeLoose('cbor', { type: 'no-such-type' }).payload[13]).toBe(0xff)
  expect(encodeLoose('cbor', { type: 77 }).payload[13]).toBe(77)
})

test('every part of a binary header may lie', () => {
  const parts = {
    type: 9,
    flags: 3,
    magic: 0x20,
    lengthBytes: 0xffff_ffff,
    timestampMs: -1n,
    body: Buffer.from([0xa0]),
  }
  expect(binaryMessage(parts).toString('hex')).toBe('20ffffffffffffffffffffffff0903a0')
})
