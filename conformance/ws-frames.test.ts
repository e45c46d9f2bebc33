// Frames: every size, every division, every defect.
import { expect, test } from 'vitest'
import { closePayload, encodeFrame, FrameReader, opcodes } from './ws-frames.ts'

/** As a server writes it. */
const unmasked = (payload: string, more: object = {}) =>
  encodeFrame({ opcode: opcodes.text, payload: Buffer.from(payload), mask: false, ...more })

test.each([0, 1, 125, 126, 65_535, 65_536, 200_000])(
  'a frame of %d bytes survives the round trip',
  (size) => {
    const payload = Buffer.alloc(size, 7)
    const [frame, ...others] = new FrameReader().push(
      encodeFrame({ opcode: opcodes.binary, payload, mask: false }),
    )
    expect(others).toEqual([])
    expect(frame).toMatchObject({ opcode: opcodes.binary, fin: true, rsv: 0 })
    expect(frame?.payload.equals(payload)).toBe(true)
  },
)

test.each([
  [125, 2],
  [126, 4],
  [65_535, 4],
  [65_536, 10],
])('a length of %d bytes takes a head of %d', (size, headBytes) => {
  const frame = encodeFrame({ opcode: opcodes.binary, payload: Buffer.alloc(size), mask: false })
  expect(frame.length - size).toBe(headBytes)
})

test('frames are cut the same however the bytes are divided', () => {
  const bytes = Buffer.concat([
    unmasked('a'),
    unmasked('b'.repeat(300)),
    unmasked('', { opcode: opcodes.ping }),
  ])
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const reader = new FrameReader()
    const frames = []
    for (let at = 0; at < bytes.length; at += size) frames.push(...reader.push(bytes.subarray(at, at + size)))
    expect(frames.map(({ opcode, payload }) => [opcode, payload.length])).toEqual([
      [1, 1],
      [1, 300],
      [9, 0],
    ])
  }
})

test('a client frame is masked with a key of its own', () => {
  const payload = Buffer.from('the same text')
  const [first, second] = [0, 1].map(() => encodeFrame({ opcode: opcodes.text, payload }))
  expect(first?.[1]).toBe(0x80 | payload.length)
  expect(first?.subarray(6).equals(second?.subarray(6) as Buffer)).toBe(false)
})

test('every defect can be written', () => {
  expect(encodeFrame({ opcode: 11, fin: false, rsv: 5, mask: false })).toEqual(Buffer.from([0x5b, 0]))
  const lying = encodeFrame({ opcode: opcodes.binary, mask: false, declaredBytes: 2 ** 40 })
  expect(lying.readBigUInt64BE(2)).toBe(2n ** 40n)
})

test.each([
  ['masked', encodeFrame({ opcode: opcodes.text })],
  ['reserved opcode 3', encodeFrame({ opcode: 3, mask: false })],
  ['reserved opcode 11', encodeFrame({ opcode: 11, mask: false })],
  ['fragmented', encodeFrame({ opcode: opcodes.ping, fin: false, mask: false })],
  ['126 bytes', encodeFrame({ opcode: opcodes.ping, payload: Buffer.alloc(126), mask: false })],
  [
    'announces 1099511627776 bytes',
    encodeFrame({ opcode: opcodes.text, declaredBytes: 2 ** 40, mask: false }),
  ],
])('a broken server frame is recognised: %s', (words, bytes) => {
  const reader = new FrameReader()
  expect(reader.push(bytes)).toEqual([])
  expect(reader.broken).toContain(words)
})

test('a close payload is the code and the reason', () => {
  expect(closePayload(4502, 'é')).toEqual(Buffer.from([0x11, 0x96, 0xc3, 0xa9]))
})
