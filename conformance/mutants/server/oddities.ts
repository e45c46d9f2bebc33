// What a server may do although no client expects it: fields and frames that SPEC.md does not know.
import { type Encoding, headerBytes } from '../../../protocol/index.ts'

/** Longer than every known field, so that it comes last in the order of [FRM-28]. */
const strangeField = 'x-a-field-that-nobody-knows'
const bodyAt = headerBytes + 2
const unknownType = 99

/** [VAR-03] The same frame with one more field. */
export function embellish(data: string | Uint8Array): string | Uint8Array {
  if (typeof data === 'string') return `${data.slice(0, -1)},"${strangeField}":[1,{"deep":null}]}`
  const count = (data[bodyAt] ?? 0) & 0x1f
  if (count > 22) return data
  const more = Buffer.concat([
    Buffer.from([0x78, strangeField.length]),
    Buffer.from(strangeField),
    Buffer.from([0xf6]),
  ])
  const longer = Buffer.concat([data, more])
  longer[bodyAt] = 0xa0 | (count + 1)
  longer.writeUInt32BE(longer.length - headerBytes, 1)
  return longer
}

/** [VAR-03] A frame of a type that is not in SPEC.md. */
export function strangeFrame(encoding: Encoding): string | Uint8Array {
  if (encoding === 'json') return '{"type":"weather","content":"rain"}'
  const frame = Buffer.alloc(bodyAt + 1)
  frame.writeUInt8(0x1f, 0)
  frame.writeUInt32BE(frame.length - headerBytes, 1)
  frame.writeBigInt64BE(BigInt(Date.now()), 5)
  frame.writeUInt8(unknownType, headerBytes)
  frame.writeUInt8(0xa0, bodyAt)
  return frame
}

/** What a client wrote into a field that it has no business with, in either encoding. */
export function smuggled(data: string | Uint8Array, field: string): string | boolean | undefined {
  if (typeof data === 'string') {
    const value: unknown = JSON.parse(data)[field]
    return typeof value === 'string' || typeof value === 'boolean' ? value : undefined
  }
  const key = Buffer.concat([Buffer.from([0x60 + field.length]), Buffer.from(field)])
  const at = Buffer.from(data).indexOf(key)
  const head = data[at + key.length] ?? 0
  if (at < 0) return undefined
  if (head === 0xf5) return true
  const from = at + key.length + (head === 0x78 ? 2 : 1)
  const size = head === 0x78 ? (data[from - 1] ?? 0) : head - 0x60
  return head >= 0x60 && head <= 0x78 ? Buffer.from(data.slice(from, from + size)).toString() : undefined
}

/** [B12] White space wherever JSON allows it. */
export function spread(data: string | Uint8Array): string | Uint8Array {
  return typeof data === 'string' ? JSON.stringify(JSON.parse(data), null, 1) : data
}

/** [B31] Keys in another order, every character of a text as an escape, if that fits into a frame. */
export function respelled(data: string, mostBytes: number): string {
  const reversed = JSON.stringify(JSON.parse(data), (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).reverse())
      : value,
  )
  const escaped = reversed.replace(
    /"(?:[^"\\]|\\.)*"/g,
    (text) => `"${[...escapes(JSON.parse(text))].join('')}"`,
  )
  return escaped.length > mostBytes ? data : escaped
}

function* escapes(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) yield `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`
}
