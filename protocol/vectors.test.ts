// Runs the golden vectors against the codecs, and holds the committed files against their generator.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { toJson, type ValidVector, type Vector, vectorLimits } from '../tools/vector-format.ts'
import { vectorFiles, vectorFolder } from '../tools/vectors.ts'
import {
  type AnyMessage,
  cborCodec,
  clauses,
  createCborCodec,
  type Decoded,
  frameNumbers,
  jsonCodec,
  plainUtf8,
} from './index.ts'
import { nodeUtf8 } from '../server/utf8-node.ts'

interface VectorFile {
  protocol: string
  limits: typeof vectorLimits
  vectors: Vector[]
}

const files = [...vectorFiles()].map(([name, generated]) => ({
  name,
  generated,
  committed: readFileSync(vectorFolder + name, 'utf8'),
}))
const vectors = files.flatMap(({ committed }) => (JSON.parse(committed) as VectorFile).vectors)
const valid = vectors.filter((vector) => vector.valid)
const invalid = vectors.filter((vector) => !vector.valid)
const bufferCodec = createCborCodec(nodeUtf8)

describe('the vectors', () => {
  it.each(files)('in $name are what tools/vectors.ts writes', ({ committed, generated }) => {
    expect(committed === generated, 'run: npx tsx tools/vectors.ts').toBe(true)
  })

  it('have names that tell them apart', () => {
    const names = vectors.map(({ from, encoding, valid, name }) => `${encoding} ${valid} ${from} ${name}`)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })

  it.each(['json', 'cbor'] as const)('hold every frame type in %s', (encoding) => {
    const types = valid.filter((vector) => vector.encoding === encoding).map(({ message }) => typeOf(message))
    expect(new Set(types)).toEqual(new Set(Object.keys(frameNumbers)))
  })

  it('hold every rule by which a codec refuses, and name clauses of SPEC.md', () => {
    const rules = new Set(invalid.map(({ rule }) => rule))
    expect([...rules].sort()).toEqual([...rulesInSource()].sort())
    const known = new Set(clauses.map(({ id }) => id))
    expect([...rules].filter((rule) => !known.has(rule))).toEqual([])
  })
})

describe('a valid vector', () => {
  it.each(valid.map(titled))('%s decodes to its message', (_, vector) => {
    for (const decoded of decodings(vector)) expect(shown(decoded)).toEqual(vector.message)
  })

  it.each(valid.filter(({ canonical }) => canonical).map(titled))(
    '%s is what the encoder writes',
    (_, vector) => {
      const [decoded] = decodings(vector)
      if (!decoded?.ok) throw new Error('not decoded')
      const timestampMs = Number(BigInt(`0x${vector.bytes?.slice(10, 26)}`))
      for (const codec of [cborCodec, bufferCodec]) {
        expect(Buffer.from(codec.encode(decoded.message, timestampMs)).toString('hex')).toBe(vector.bytes)
      }
    },
  )
})

describe('an invalid vector', () => {
  it.each(invalid.map(titled))('%s is refused by its rule', (_, vector) => {
    for (const decoded of decodings(vector)) {
      if (decoded.ok) expect.fail('it was accepted')
      const { rule, code, id, msgId } = vector
      expect(decoded).toEqual({
        ok: false,
        rule,
        code,
        ...present({ id, msgId }),
        detail: expect.any(String),
      })
      if (vector.field !== undefined)
        expect(decoded.detail).toMatch(new RegExp(`^${escaped(vector.field)}[:.]`))
    }
  })
})

function titled<V extends Vector>(vector: V): [string, V] {
  return [`${vector.encoding} ${vector.name} from a ${vector.from}`, vector]
}

/** By every codec of its encoding. */
function decodings(vector: Vector): Decoded<AnyMessage>[] {
  const side = vector.from === 'client' ? 'decodeClient' : 'decodeServer'
  if (vector.encoding === 'cbor') {
    return [cborCodec, bufferCodec].map((codec) => codec[side](bytesOf(vector), vectorLimits))
  }
  const text = vector.text ?? plainUtf8.decode(bytesOf(vector), 0, bytesOf(vector).length)
  // The text of a WebSocket message is checked before a codec sees it.
  if (text === undefined) return [{ ok: false, rule: 'FRM-09', code: 4502, detail: 'not UTF-8' }]
  return [jsonCodec[side](text, vectorLimits)]
}

function bytesOf({ bytes = '' }: Vector): Uint8Array {
  return Uint8Array.from(Buffer.from(bytes, 'hex'))
}

function shown(decoded: Decoded<AnyMessage>): unknown {
  return decoded.ok ? toJson(decoded.message) : decoded
}

function typeOf(message: ValidVector['message']): unknown {
  return typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined
}

function present(ids: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(ids).filter(([, value]) => value !== undefined))
}

function escaped(field: string): string {
  return field.replace(/[[\].]/g, '\\$&')
}

/** Ids in the sources of the codecs, outside comments. */
function rulesInSource(): Set<string> {
  const sources = ['cbor.ts', 'cbor-read.ts', 'json.ts', 'validate.ts', 'fields.ts']
  const text = sources.map((name) => readFileSync(new URL(name, import.meta.url), 'utf8')).join('\n')
  return new Set([...text.matchAll(/'((?:FRM|SEC)-\d\d)'/g)].map(([, id]) => id as string))
}
