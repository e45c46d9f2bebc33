// Holds the JSON Schema and the CDDL against the codecs, on random frames and on frames with one thing wrong.
import { decode as decodeCbor, encode as encodeCbor, rfc8949EncodeOptions } from 'cborg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameFields } from './fields.ts'
import {
  type AnyMessage,
  cborCodec,
  type Decoded,
  defaultLimits,
  directPattern,
  type FrameType,
  frameNumbers,
  headerBytes,
  jsonCodec,
  magic,
  maxMetaValueBytes,
} from './index.ts'
import { clientMessage, serverMessage } from './testing/arbitraries.ts'
import { isMap, type Json, type JsonMap, mutants, textsIn } from './testing/mutate-frames.ts'
import { cddl, schemaOf } from './testing/schemas.ts'
import { readExamples } from './testing/spec-document.ts'

type Side = 'client' | 'server'
interface Exception {
  what: string
  holds: (frame: Json) => boolean
}

const sides: Side[] = ['client', 'server']
const limits = { ...defaultLimits, maxFrame: 1_000_000, maxContent: 1_000_000 }
const bodyAt = headerBytes + 2
const runs = { numRuns: 2_000 }

/** What a schema cannot say, and SPEC.md says: only this may be accepted by a schema and refused by a codec. */
const beyondSchemas: readonly Exception[] = [
  { what: 'order of the users in a direct conversation', holds: hasText(isUnordered) },
  { what: 'lone surrogates', holds: hasText((text) => /\p{Surrogate}/u.test(text)) },
  { what: 'bytes of a meta value', holds: hasText((text) => Buffer.byteLength(text) > maxMetaValueBytes) },
]
/** RFC 8610 has no "not both": the other key falls to `* text => any`. */
const toAndConv = (frame: Json) => isMap(frame) && 'to' in frame && 'conv' in frame
const beyondCddl = [...beyondSchemas, { what: 'to and conv together', holds: toAndConv }]

describe.each(sides)('the sample frames of a %s', (side) => {
  it('have every field of every type', () => {
    const missing = fullestOf(side).flatMap((message) =>
      frameFields[message.type]
        .filter(({ name }) => !(name in message))
        .map(({ name }) => `${message.type}.${name}`),
    )
    // A send has one of the two.
    expect(missing).toEqual(side === 'client' ? [expect.stringMatching(/^send\.(to|conv)$/)] : [])
  })
})

describe.each(sides)('the JSON Schema of what a %s writes', (side) => {
  const accepts = schemaOf(`${side}Frame`)

  it('accepts every frame that the codec writes', () => {
    const written = arbitraryOf(side).map((message) => JSON.parse(jsonCodec.encode(message, 0)) as Json)
    fc.assert(
      fc.property(written, (frame) => accepts(frame)),
      runs,
    )
  })

  it.each(fullestOf(side))('accepts a $type with one thing wrong exactly if the codec does', (message) => {
    const frame = JSON.parse(jsonCodec.encode(message, 0)) as JsonMap
    for (const mutant of mutants(frame, { binary: false })) {
      expectAgreement(accepts(mutant), decodeJson(side, JSON.stringify(mutant)), mutant, beyondSchemas)
    }
  })
})

describe.each(sides)('the CDDL of what a %s writes', (side) => {
  it('accepts the body of every frame that the codec writes', () => {
    fc.assert(
      fc.property(arbitraryOf(side), (message) => cddl.accepts(`${message.type}Frame`, bodyOf(message))),
      runs,
    )
  })

  it.each(fullestOf(side))('accepts a $type with one thing wrong exactly if the codec does', (message) => {
    for (const mutant of mutants(bodyOf(message), { binary: true })) {
      const decoded = decodeBinary(side, binaryFrame(message.type, mutant))
      expectAgreement(cddl.accepts(`${message.type}Frame`, mutant), decoded, mutant, beyondCddl)
    }
  })
})

describe('the JSON Schema', () => {
  it('accepts the examples of SPEC.md, and none that is refused for what it can say', () => {
    for (const { language, words, body, line } of readExamples()) {
      const [side = '', , code] = words
      if (language !== 'jsonl' || Number(code) > 1000) continue
      const accepts = schemaOf(`${side === 'refused' ? 'client' : side}Frame`)
      for (const frame of body.split('\n').map((text) => JSON.parse(text) as Json)) {
        const refused = side === 'refused' && !beyondSchemas.some(({ holds }) => holds(frame))
        expect(accepts(frame), `line ${line}`).toBe(!refused)
      }
    }
  })
})

function expectAgreement(
  accepted: boolean,
  decoded: Decoded<AnyMessage>,
  frame: Json,
  excuses: Exception[] | readonly Exception[],
): void {
  if (accepted === decoded.ok) return
  const excused = accepted && excuses.some(({ holds }) => holds(frame))
  if (excused) return
  const verdict = decoded.ok ? 'the codec accepts' : `${decoded.rule}: ${decoded.detail}`
  expect.fail(
    `the schema ${accepted ? 'accepts' : 'refuses'}; ${verdict}: ${JSON.stringify(frame).slice(0, 2_000)}`,
  )
}

function arbitraryOf(side: Side): fc.Arbitrary<AnyMessage> {
  return side === 'client' ? clientMessage : serverMessage
}

/** One frame of each type, with all of its fields. */
function fullestOf(side: Side): AnyMessage[] {
  const fullest = new Map<FrameType, AnyMessage>()
  for (const message of fc.sample(arbitraryOf(side), { numRuns: 20_000, seed: 1 })) {
    const best = fullest.get(message.type)
    if (!best || sizeOf(message) > sizeOf(best)) fullest.set(message.type, message)
  }
  return [...fullest.values()]
}

/** Fields at every depth, of which long lists count only so much. */
function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 1
  const sizes = Object.values(value).map(sizeOf)
  return sizes.slice(0, Array.isArray(value) ? 1 : undefined).reduce((sum, size) => sum + size, 1)
}

function decodeJson(side: Side, text: string): Decoded<AnyMessage> {
  return side === 'client' ? jsonCodec.decodeClient(text, limits) : jsonCodec.decodeServer(text, limits)
}

function decodeBinary(side: Side, frame: Uint8Array): Decoded<AnyMessage> {
  return side === 'client' ? cborCodec.decodeClient(frame, limits) : cborCodec.decodeServer(frame, limits)
}

function bodyOf(message: AnyMessage): JsonMap {
  return decodeCbor(cborCodec.encode(message, 0).subarray(bodyAt)) as JsonMap
}

/** Header and flags that agree with the body, whatever it is. */
function binaryFrame(type: FrameType, body: JsonMap): Uint8Array {
  const encoded = encodeCbor(body, rfc8949EncodeOptions)
  const frame = new Uint8Array(bodyAt + encoded.length)
  const view = new DataView(frame.buffer)
  view.setUint8(0, magic)
  view.setUint32(1, frame.length - headerBytes)
  view.setUint8(13, frameNumbers[type])
  view.setUint8(14, body.content instanceof Uint8Array ? 1 : 0)
  frame.set(encoded, bodyAt)
  return frame
}

function hasText(test: (text: string) => boolean): (frame: Json) => boolean {
  return (frame) => textsIn(frame).some(test)
}

function isUnordered(text: string): boolean {
  const [, low = '', high = ''] = directPattern.exec(text) ?? []
  return low > high
}
