// Runs every example of SPEC.md against the codecs.
import { describe, expect, it } from 'vitest'
import {
  type AnyMessage,
  type Codec,
  cborCodec,
  closes,
  type Decoded,
  defaultLimits,
  headerBytes,
  jsonCodec,
  subprotocols,
} from './index.ts'
import { type Example, readExamples } from './testing/spec-document.ts'

const examples = readExamples()
const frames = examples.filter((example) => isJson(example) || isHex(example))
const valid = frames.filter(({ words }) => words[0] !== 'refused')
const refused = frames.filter(({ words }) => words[0] === 'refused')

describe('the examples of SPEC.md', () => {
  it('are of a kind that is run here, or diagrams', () => {
    const kinds = new Set(examples.map(({ language, words: [word = ''] }) => `${language} ${word}`.trim()))
    const known = ['hex client', 'hex refused', 'json http', 'jsonl client', 'jsonl refused', 'jsonl server']
    expect([...kinds].sort()).toEqual([...known, 'mermaid'])
  })

  it.each(valid.filter(isJson).map(titled))('decode and encode to themselves: %s', (_, { words, body }) => {
    for (const line of body.split('\n')) {
      const message = accepted(decode(jsonCodec, words[0], line))
      expect(JSON.parse(jsonCodec.encode(message, 0))).toEqual(JSON.parse(line))
      expect(accepted(decode(cborCodec, words[0], cborCodec.encode(message, 0)))).toEqual(message)
    }
  })

  it.each(valid.filter(isHex).map(titled))('decode and encode to themselves: %s', (_, { words, body }) => {
    const bytes = bytesOf(body)
    const message = accepted(decode(cborCodec, words[0], bytes))
    expect(cborCodec.encode(message, timestampOf(bytes))).toEqual(bytes)
  })

  it.each(refused.map(titled))('are refused by rule and code: %s', (_, { language, words, body }) => {
    const [, rule, code] = words
    const binary = language === 'hex'
    const decoded = binary ? decode(cborCodec, 'client', bytesOf(body)) : decode(jsonCodec, 'client', body)
    expect(decoded).toMatchObject({ ok: false, rule, code: Number(code) })
  })

  it('show in hex only what they also show in JSON', () => {
    const shown = valid
      .filter(isJson)
      .flatMap(({ words, body }) =>
        body.split('\n').map((line) => accepted(decode(jsonCodec, words[0], line))),
      )
    for (const { words, body } of valid.filter(isHex)) {
      expect(shown).toContainEqual(accepted(decode(cborCodec, words[0], bytesOf(body))))
    }
  })

  it('name no close code that is not in the table', () => {
    const codes = frames.flatMap(({ body }) =>
      [...body.matchAll(/"bye","code":(\d+)/g)].map(([, code]) => Number(code)),
    )
    expect(codes.filter((code) => !Object.values(closes).some((close) => close.code === code))).toEqual([])
  })

  it('show the subprotocols and the default limits of the code', () => {
    const documents = examples.filter(isHttp).map(({ body }) => JSON.parse(body) as Record<string, unknown>)
    const welcomes = valid
      .flatMap(({ body }) => body.split('\n'))
      .filter((line) => line.includes('"type":"welcome"'))
    expect(documents[0]?.supported).toEqual(Object.values(subprotocols))
    expect(documents[1]).toMatchObject({ subprotocols: Object.values(subprotocols), limits: defaultLimits })
    expect(welcomes).toHaveLength(1)
    expect(JSON.parse(welcomes[0] ?? '')).toMatchObject({ limits: defaultLimits })
  })
})

function titled(example: Example): [string, Example] {
  return [`${example.language} in line ${example.line}`, example]
}

/** One frame a line. */
function isJson({ language }: Example): boolean {
  return language === 'jsonl'
}

function isHex({ language }: Example): boolean {
  return language === 'hex'
}

function isHttp({ words }: Example): boolean {
  return words[0] === 'http'
}

function decode<Wire>(codec: Codec<Wire>, side: string | undefined, wire: Wire): Decoded<AnyMessage> {
  if (side === 'client') return codec.decodeClient(wire, defaultLimits)
  if (side === 'server') return codec.decodeServer(wire, defaultLimits)
  throw new Error(`an example is written by client or server, not by ${side}`)
}

function accepted(decoded: Decoded<AnyMessage>): AnyMessage {
  if (!decoded.ok) throw new Error(`${decoded.rule}: ${decoded.detail}`)
  return decoded.message
}

/** The bytes of a hex dump with `;` comments. */
function bytesOf(dump: string): Uint8Array {
  const digits = dump.replace(/;.*$/gm, '').replace(/\s+/g, '')
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

function timestampOf(frame: Uint8Array): number {
  return Number(new DataView(frame.buffer).getBigInt64(headerBytes - 8))
}
