// Holds SPEC.md's tables, the JSON Schema, the CDDL and the code together: types, numbers, fields and codes.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Field, frameFields } from './fields.ts'
import {
  closes,
  errors,
  type FrameType,
  frameDirections,
  frameNumbers,
  type Network,
  networkHeartbeats,
  reconnectAfter,
} from './index.ts'
import { cddl, cddlPath, definition, referenceIn, type SchemaNode, schema } from './testing/schemas.ts'
import { headings, readTable } from './testing/spec-document.ts'

const types = Object.keys(frameNumbers) as FrameType[]
const maps = headings().flatMap((line) => /^#### `(\w+)` map$/.exec(line)?.[1] ?? [])

interface Shape {
  name: string
  optional: boolean
}

describe('a frame', () => {
  it.each(types)('%s has the same fields in code, JSON Schema, CDDL and SPEC.md', (type) => {
    const inCode = frameFields[type]
    const inSchema = definition(`${type}Frame`)
    expect(shapesOf(inSchema)).toEqual(sorted(inCode))
    expect(sorted(cddl.fields(`${type}Frame`))).toEqual(sorted(inCode))
    expect(shapesIn(`#### \`${type}\` frame`)).toEqual(sorted(inCode))
    expectSameMaps(inCode, inSchema)
  })

  it.each(types)('%s has the types of the JSON Schema in SPEC.md', (type) => {
    expectSameTypes(`#### \`${type}\` frame`, definition(`${type}Frame`))
  })

  it('has its number and its writer in SPEC.md', () => {
    const rows = readTable('## Frames').map(([type, number, by]) => [
      type?.match(/`(\w+)`/)?.[1],
      Number(number),
      by,
    ])
    expect(rows).toEqual(types.map((type) => [type, frameNumbers[type], frameDirections[type]]))
  })

  it('has its number above it in the CDDL', () => {
    const found = [...readFileSync(cddlPath, 'utf8').matchAll(/^; (\d+)\n(\w+)Frame = \{$/gm)]
    const numbers = Object.fromEntries(found.map(([, number, type]) => [type, Number(number)]))
    expect(numbers).toEqual(frameNumbers)
  })

  it.each(['client', 'server'])('belongs to the frames of a %s, in CDDL and JSON Schema', (side) => {
    const expected = types.filter((type) => [side, 'both'].includes(frameDirections[type])).sort()
    const inSchema = (definition(`${side}Frame`).oneOf ?? []).map((node) => referenceIn(node))
    expect(cddl.choices(`${side}Frame`).sort()).toEqual(expected.map((type) => `${type}Frame`))
    expect(inSchema.sort()).toEqual(expected.map((type) => `${type}Frame`))
  })
})

describe('a map inside frames', () => {
  it.each(maps)('%s has the same fields and types in JSON Schema, CDDL and SPEC.md', (name) => {
    const inSchema = definition(name)
    expect(sorted(cddl.fields(name))).toEqual(shapesOf(inSchema))
    expect(shapesIn(`#### \`${name}\` map`)).toEqual(shapesOf(inSchema))
    expectSameTypes(`#### \`${name}\` map`, inSchema)
  })
})

describe('the types of SPEC.md', () => {
  it('are the values that the JSON Schema defines', () => {
    const inSpec = readTable('### Types').map(([type]) => type?.replaceAll('`', ''))
    const values = Object.keys(schema.$defs).filter((name) => !name.endsWith('Frame') && !maps.includes(name))
    // How opaque content is spelled in JSON: a matter of the JSON form only.
    expect(inSpec.sort()).toEqual(values.filter((name) => name !== 'base64').sort())
  })
})

describe('the codes of SPEC.md', () => {
  const section = '## Errors and close codes'

  it('are the errors of the code', () => {
    const yes = (flag: boolean) => (flag ? 'yes' : 'no')
    const rows = Object.values(errors).map(({ code, name, definite, retryable, meaning }) => [
      String(code),
      `\`${name}\``,
      yes(definite),
      yes(retryable),
      meaning,
    ])
    expect(readTable(section, 0)).toEqual(rows)
  })

  it('are the closes of the code', () => {
    const rows = Object.values(closes)
      .sort((a, b) => a.code - b.code)
      .map(({ code, name, reconnect, meaning }) => [String(code), `\`${name}\``, `\`${reconnect}\``, meaning])
    expect(readTable(section, 2)).toEqual(rows)
  })

  it('fall into the ranges that the code reconnects by', () => {
    const known = new Set<number>(Object.values(closes).map(({ code }) => code))
    const [retry, end, registered] = readTable(section, 1).map(([range = '', policy]) => ({ range, policy }))
    const policyOf = (code: number) => {
      if (code >= 4500) return end?.policy
      if (code >= 4000) return retry?.policy
      return registered?.range.split(', ').includes(String(code)) ? '`backoff`' : '`never`'
    }
    for (let code = 1000; code < 5000; code++) {
      if (!known.has(code)) expect(`\`${reconnectAfter(code)}\``, String(code)).toBe(policyOf(code))
    }
  })
})

describe('the heartbeats of SPEC.md', () => {
  it('are those that the code gives to each network', () => {
    const rows = readTable('## Heartbeats').map(([network = '', ...numbers]) => [
      network.match(/`(\w+)`/)?.[1],
      ...numbers.map((number) => Number(number.replaceAll(' ', ''))),
    ])
    const expected = (Object.keys(networkHeartbeats) as Network[]).map((network) => {
      const { intervalMs, maxMissed, timeoutMs, deadAfterMs } = networkHeartbeats[network]
      return [network, intervalMs, maxMissed, timeoutMs, deadAfterMs]
    })
    expect(rows).toEqual(expected)
  })
})

/** The maps inside a frame have the fields of the definitions that the schema refers to. */
function expectSameMaps(fields: readonly Field[], node: SchemaNode): void {
  for (const { name, kind } of fields) {
    const inner = kind.is === 'list' ? kind.of : kind
    if (inner.is !== 'map') continue
    const target = definition(referenceIn(node.properties?.[name] ?? {}) ?? `nothing for ${name}`)
    expect(shapesOf(target), name).toEqual(sorted(inner.fields))
    expectSameMaps(inner.fields, target)
  }
}

function expectSameTypes(heading: string, node: SchemaNode): void {
  const rows = readTable(heading).map(([name, type]) => [name?.replaceAll('`', ''), type])
  const inSchema = Object.entries(node.properties ?? {}).filter(
    ([name]) => name !== 'type' && name !== 'encoding',
  )
  expect(rows).toEqual(inSchema.map(([name, property]) => [name, cellOf(property)]))
}

/** How SPEC.md writes the type of a field. */
function cellOf(node: SchemaNode): string {
  const reference = referenceIn(node)
  if (reference) return node.items ? `[\`${reference}\`]` : `\`${reference}\``
  if (node.enum)
    return node.enum
      .map((word) => `\`${word}\``)
      .join(', ')
      .replace(/, (?=[^,]*$)/, ' or ')
  return `${node.minimum} to ${node.maximum}`
}

function shapesIn(heading: string): Shape[] {
  const rows = readTable(heading)
  return sorted(
    rows.map(([name = '', , required]) => ({ name: name.replaceAll('`', ''), optional: required === 'no' })),
  )
}

/** `type` and `encoding` belong to the JSON form only. */
function shapesOf(node: SchemaNode): Shape[] {
  const names = Object.keys(node.properties ?? {}).filter((name) => name !== 'type' && name !== 'encoding')
  return sorted(names.map((name) => ({ name, optional: !node.required?.includes(name) })))
}

function sorted(shapes: readonly Shape[]): Shape[] {
  return shapes.map(({ name, optional }) => ({ name, optional })).sort((a, b) => (a.name < b.name ? -1 : 1))
}
