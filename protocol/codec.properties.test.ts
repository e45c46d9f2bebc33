// What holds for every frame, every text and all bytes. CHATSPEC_SEED=<number> repeats a run.
import { decode as decodeCborg, encode as encodeCborg, rfc8949EncodeOptions } from 'cborg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AnyMessage,
  type ClientMessage,
  type Codec,
  cborCodec,
  createCborCodec,
  type Decoded,
  defaultLimits,
  frameNumbers,
  headerBytes,
  jsonCodec,
  magic,
  type ServerMessage,
} from './index.ts'
import { clientMessage, serverMessage } from './testing/arbitraries.ts'
import { nodeUtf8 } from '../server/utf8-node.ts'

type Side = 'client' | 'server'

const seed = Number(process.env.CHATSPEC_SEED ?? Date.now() % 1e9)
console.log(`codec properties: seed ${seed}`)
const runs = { seed, numRuns: 1_000 }
const timestampMs = 1_790_000_000_123
const bodyAt = headerBytes + 2
const bufferCodec = createCborCodec(nodeUtf8)
const sides: Side[] = ['client', 'server']
const bytes = fc.uint8Array({ maxLength: 300 })

describe.each(sides)('for every message of a %s,', (side) => {
  const message = messageOf(side)

  it('decoding what was encoded gives the message, in both encodings', () => {
    check(message, (m) => {
      expect(decode(jsonCodec, side, jsonCodec.encode(m, timestampMs))).toEqual({ ok: true, message: m })
      for (const codec of [cborCodec, bufferCodec]) {
        expect(decode(codec, side, codec.encode(m, timestampMs))).toEqual({ ok: true, message: m })
      }
    })
  })

  it('what went through one encoding goes through the other unchanged', () => {
    check(message, (m) => {
      const first = accepted(decode(jsonCodec, side, jsonCodec.encode(m, timestampMs)))
      const second = accepted(decode(cborCodec, side, cborCodec.encode(first, timestampMs)))
      expect(jsonCodec.encode(second, timestampMs)).toBe(jsonCodec.encode(m, timestampMs))
    })
  })

  it('encoding is deterministic, whatever the order of properties', () => {
    check(message, (m) => {
      const shuffled = reverseKeys(m)
      expect(jsonCodec.encode(shuffled, 0)).toBe(jsonCodec.encode(m, 0))
      expect(cborCodec.encode(shuffled, 0)).toEqual(cborCodec.encode(m, 0))
      expect(bufferCodec.encode(m, 0)).toEqual(cborCodec.encode(m, 0))
    })
  })

  it('the fields that no one knows are not written', () => {
    check(message, (m) => {
      const more = { ...m, unknown: 'x', encoding: 'rot13' }
      expect(jsonCodec.encode(more, 0)).toBe(jsonCodec.encode(m, 0))
      expect(cborCodec.encode(more, 0)).toEqual(cborCodec.encode(m, 0))
    })
  })

  it('the JSON text is the one that JSON.stringify understands and writes', () => {
    check(message, (m) => {
      const text = jsonCodec.encode(m, 0)
      expect(text).toBe(JSON.stringify(JSON.parse(text)))
    })
  })

  it('the CBOR body is the one that cborg understands and writes', () => {
    check(message, (m) => {
      const frame = cborCodec.encode(m, timestampMs)
      const { type: _, ...body } = m
      expect(decodeCborg(frame.subarray(bodyAt))).toEqual(body)
      expect(frame.subarray(bodyAt)).toEqual(Uint8Array.from(encodeCborg(body, rfc8949EncodeOptions)))
    })
  })

  it('any order of keys and any white space means the same', () => {
    check(message, (m) => {
      // Neither is what our encoder writes, so this also holds the hot way against the general way.
      const spaced = ` ${jsonCodec.encode(m, 0)}\n`
      expect(decode(jsonCodec, side, spaced)).toEqual({ ok: true, message: m })
      const body = encodeCborg(reverseKeys(m), { mapSorter: () => 0 })
      const opaque = 'content' in m && typeof m.content !== 'string'
      expect(decode(cborCodec, side, framed(frameNumbers[m.type], opaque ? 1 : 0, body))).toEqual({
        ok: true,
        message: m,
      })
    })
  })

  it('a mutated frame is refused, or means something that can be encoded again', () => {
    fc.assert(
      fc.property(message, fc.array(mutation, { minLength: 1, maxLength: 4 }), (m, mutations) => {
        const frame = mutations.reduce(mutateBytes, cborCodec.encode(m, timestampMs))
        for (const codec of [cborCodec, bufferCodec]) expectStable(codec, side, frame)
        expect(decode(bufferCodec, side, frame)).toEqual(decode(cborCodec, side, frame))
        const text = mutations.reduce(mutateText, jsonCodec.encode(m, timestampMs))
        expectStable(jsonCodec, side, text)
        // White space keeps a text from the hot way.
        const spaced = decode(jsonCodec, side, ` ${text}`)
        if (spaced.ok) expect(decode(jsonCodec, side, text)).toEqual(spaced)
      }),
      { ...runs, numRuns: 5_000 },
    )
  })

  it('a member that comes twice is found in any spelling', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.boolean(), (m, at, isEscaped) => {
        const text = jsonCodec.encode(m, 0)
        const keys = [...text.matchAll(/(?<=[{,])"(\w+)":/g)].filter(({ index }) =>
          isOutsideStrings(text, index),
        )
        const { index = 0, 1: key = '' } = keys[at % keys.length] ?? { index: 0, 1: '' }
        const spelt = isEscaped ? `\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}` : key
        const twice = `${text.slice(0, index)}"${spelt}":null,${text.slice(index)}`
        expect(decode(jsonCodec, side, twice)).toMatchObject({ ok: false, rule: 'SEC-04', code: 4502 })
      }),
      runs,
    )
  })
})

describe.each(sides)('a decoder of what a %s writes', (side) => {
  it('never throws, whatever bytes arrive', () => {
    const framedBytes = fc
      .tuple(fc.nat(30), fc.nat(3), bytes)
      .map(([type, flags, body]) => framed(type, flags, body))
    check(fc.oneof(bytes, framedBytes), (frame) => {
      for (const codec of [cborCodec, bufferCodec]) expectStable(codec, side, frame)
    })
  })

  it('never throws, whatever text arrives', () => {
    const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code))
    const fragments = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\',
      '\\u00',
      'null',
      '1e5',
      '"type":"ping"',
    )
    const text = fc.oneof(fc.string({ unit }), fc.string({ unit: fragments }), fc.json())
    check(text, (given) => expectStable(jsonCodec, side, given))
  })

  it('takes every map of cborg for a frame, if not for one that it knows', () => {
    const values = fc.object({
      values: [fc.string({ unit: 'binary' }), fc.double(), fc.integer(), fc.boolean()],
    })
    check(values, (body) => {
      const decoded = decode(cborCodec, side, framed(0, 0, encodeCborg(body)))
      expect(decoded).toMatchObject({ ok: false, rule: expect.stringMatching(/FRM-03|SEC-04/) })
    })
  })
})

/** A byte or character is removed, replaced, inserted or doubled; or the end is cut off. */
type Mutation = readonly [kind: number, at: number, value: number]
const mutation: fc.Arbitrary<Mutation> = fc.tuple(fc.nat(4), fc.nat(), fc.nat(0xff))

function mutateBytes(frame: Uint8Array, mutation: Mutation): Uint8Array {
  const mutated = Uint8Array.from(mutate([...frame], mutation, mutation[2]))
  // Mostly the header is right, so that what follows is looked at.
  if (mutation[1] % 8 !== 0 && mutated.length > headerBytes) {
    new DataView(mutated.buffer).setUint32(1, mutated.length - headerBytes)
  }
  return mutated
}

function mutateText(text: string, mutation: Mutation): string {
  return mutate([...text], mutation, String.fromCharCode(mutation[2])).join('')
}

function mutate<T>(items: T[], [kind, place]: Mutation, value: T): T[] {
  const at = place % (items.length + 1)
  if (kind === 4) return items.slice(0, at)
  const inserted = kind === 0 ? [] : kind === 3 ? items.slice(at, at + 1 + (place % 5)) : [value]
  return items.toSpliced(at, kind === 0 || kind === 1 ? 1 : 0, ...inserted)
}

/** Accepted or refused with a reason; what is accepted survives encoding. */
function expectStable<Wire>(codec: Codec<Wire>, side: Side, wire: Wire): void {
  const decoded = decode(codec, side, wire)
  if (decoded.ok) {
    expect(decode(codec, side, codec.encode(decoded.message, 0))).toEqual(decoded)
  } else {
    expect(decoded.rule).toMatch(/^(FRM|SEC)-\d\d$/)
    expect(decoded.detail).not.toBe('')
  }
}

function check<T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): void {
  fc.assert(
    fc.property(arbitrary, (value) => {
      holds(value)
    }),
    runs,
  )
}

function messageOf(side: Side): fc.Arbitrary<ClientMessage | ServerMessage> {
  return side === 'client' ? clientMessage : serverMessage
}

function decode<Wire>(codec: Codec<Wire>, side: Side, wire: Wire): Decoded<AnyMessage> {
  return side === 'client' ? codec.decodeClient(wire, defaultLimits) : codec.decodeServer(wire, defaultLimits)
}

function accepted(decoded: Decoded<AnyMessage>): AnyMessage {
  if (!decoded.ok) throw new Error(decoded.detail)
  return decoded.message
}

/** At every level. */
function reverseKeys<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(reverseKeys) as T
  const entries = Object.entries(value).map(([key, inner]) => [key, reverseKeys(inner)])
  return Object.fromEntries(entries.reverse())
}

function framed(type: number, flags: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bodyAt + body.length)
  frame[0] = magic
  new DataView(frame.buffer).setUint32(1, frame.length - headerBytes)
  frame[headerBytes] = type
  frame[headerBytes + 1] = flags
  frame.set(body, bodyAt)
  return frame
}

function isOutsideStrings(text: string, at: number): boolean {
  return (text.slice(0, at).replaceAll(/\\./g, '').split('"').length - 1) % 2 === 0
}
