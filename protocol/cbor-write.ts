// Writes any frame by the table of fields, in deterministic form (RFC 8949 §4.2.1): keys sorted as encoded.
import { bytesMajor, falseByte, keyBytes, listMajor, mapMajor, trueByte, uintMajor } from './cbor-items.ts'
import { type CborOutput, itemRoom, textRoom } from './cbor-output.ts'
import { type Field, frameFields, type Kind } from './fields.ts'
import type { AnyMessage } from './messages.ts'
import type { Body } from './validate.ts'

interface SortedField {
  readonly name: string
  readonly key: Uint8Array
  readonly kind: Kind
}

/** The known fields of a frame as one map. */
export function writeFields(out: CborOutput, message: AnyMessage): void {
  writeMap(out, sorted(frameFields[message.type]), { ...message })
}

function writeMap(out: CborOutput, fields: readonly SortedField[], from: Body): void {
  let count = 0
  for (const { name } of fields) if (from[name] !== undefined) count++
  out.ensure(itemRoom)
  out.head(mapMajor, count)
  for (const { name, key, kind } of fields) {
    const value = from[name]
    if (value === undefined) continue
    out.ensure(2 * itemRoom)
    out.few(key)
    writeValue(out, kind, value)
  }
}

function writeValue(out: CborOutput, kind: Kind, value: unknown): void {
  if (typeof value === 'string') writeText(out, value)
  else if (typeof value === 'number') out.head(uintMajor, value)
  else if (typeof value === 'boolean') out.byte(value ? trueByte : falseByte)
  else if (kind.is === 'map') writeMap(out, sorted(kind.fields), value as Body)
  else if (kind.is === 'list') writeList(out, kind.of, value as readonly unknown[])
  else if (kind.is === 'meta') writeMeta(out, value as Readonly<Record<string, string>>)
  else writeBytes(out, value as Uint8Array)
}

function writeText(out: CborOutput, text: string): void {
  out.ensure(textRoom(text))
  out.text(text)
}

function writeBytes(out: CborOutput, bytes: Uint8Array): void {
  out.ensure(itemRoom + bytes.length)
  out.head(bytesMajor, bytes.length)
  out.raw(bytes)
}

function writeList(out: CborOutput, kind: Kind, items: readonly unknown[]): void {
  out.head(listMajor, items.length)
  for (const item of items) {
    out.ensure(itemRoom)
    writeValue(out, kind, item)
  }
}

function writeMeta(out: CborOutput, meta: Readonly<Record<string, string>>): void {
  const keys = Object.keys(meta).sort(byEncodedKey)
  out.head(mapMajor, keys.length)
  for (const key of keys) {
    writeText(out, key)
    writeText(out, meta[key] as string)
  }
}

const sortedFields = new Map<readonly Field[], readonly SortedField[]>()

function sorted(fields: readonly Field[]): readonly SortedField[] {
  let known = sortedFields.get(fields)
  if (!known) {
    known = [...fields]
      .sort((a, b) => byEncodedKey(a.name, b.name))
      .map(({ name, kind }) => ({ name, kind, key: keyBytes(name) }))
    sortedFields.set(fields, known)
  }
  return known
}

/** Keys are ASCII: shorter first, then by code unit, is the order of the encoded bytes. */
function byEncodedKey(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1)
}
