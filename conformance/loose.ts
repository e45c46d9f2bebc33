// Frames without the codec's honesty: any object, valid or not, in either encoding.
import { type Encoding, frameNumbers, headerBytes, magic } from '../protocol/index.ts'
import type { WireMessage } from './wire.ts'

/** A frame as a case writes it: known or unknown type, any fields. */
export type LooseFrame = { type?: unknown; [field: string]: unknown }

/** The number that stands for every type that has none. */
const unknownNumber = 0xff

/** One message of `encoding`; a `Uint8Array` is opaque content, a bigint an integer of any size. */
export function encodeLoose(encoding: Encoding, frame: LooseFrame): WireMessage {
  if (encoding === 'json') return { kind: 'text', payload: Buffer.from(looseJson(frame)) }
  const { type, ...body } = frame
  const flags = body.content instanceof Uint8Array ? 1 : 0
  return { kind: 'binary', payload: binaryMessage({ type: numberOf(type), flags, body: encodeCbor(body) }) }
}

export interface BinaryParts {
  type: number
  body: Uint8Array
  flags?: number
  magic?: number
  /** What the header says; the truth by default. */
  lengthBytes?: number
  timestampMs?: number | bigint
}

/** A binary frame of which any part may lie. */
export function binaryMessage(parts: BinaryParts): Buffer {
  const frame = Buffer.alloc(headerBytes + 2 + parts.body.length)
  frame.writeUInt8(parts.magic ?? magic, 0)
  frame.writeUInt32BE(parts.lengthBytes ?? frame.length - headerBytes, 1)
  frame.writeBigInt64BE(BigInt(parts.timestampMs ?? Date.now()), 5)
  frame.writeUInt8(parts.type, 13)
  frame.writeUInt8(parts.flags ?? 0, 14)
  frame.set(parts.body, headerBytes + 2)
  return frame
}

/** Plain CBOR of plain values, shortest heads; a fraction is a float of 64 bits. */
export function encodeCbor(value: unknown): Buffer {
  switch (typeof value) {
    case 'boolean':
      return Buffer.from([value ? 0xf5 : 0xf4])
    case 'bigint':
      return value < 0n ? head(1, -1n - value) : head(0, value)
    case 'number':
      return Number.isInteger(value) ? encodeCbor(BigInt(value)) : float(value)
    case 'string':
      return Buffer.concat([head(3, BigInt(Buffer.byteLength(value))), Buffer.from(value)])
    case 'object':
      return value === null ? Buffer.from([0xf6]) : encodeObject(value)
    default:
      return Buffer.from([0xf7])
  }
}

function encodeObject(value: object): Buffer {
  if (value instanceof Uint8Array) return Buffer.concat([head(2, BigInt(value.length)), value])
  if (Array.isArray(value)) return Buffer.concat([head(4, BigInt(value.length)), ...value.map(encodeCbor)])
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return Buffer.concat([head(5, BigInt(entries.length)), ...entries.flat().map(encodeCbor)])
}

function head(major: number, argument: bigint): Buffer {
  const size =
    argument < 24n ? 0 : argument < 0x100n ? 1 : argument < 0x10000n ? 2 : argument < 1n << 32n ? 4 : 8
  const bytes = Buffer.alloc(1 + size)
  bytes[0] = (major << 5) | (size === 0 ? Number(argument) : 24 + Math.log2(size))
  for (let at = size, rest = argument; at > 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn)
  return bytes
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = 0xfb
  bytes.writeDoubleBE(value, 1)
  return bytes
}

function looseJson(frame: LooseFrame): string {
  const { content } = frame
  const whole =
    content instanceof Uint8Array
      ? { ...frame, content: Buffer.from(content).toString('base64'), encoding: 'base64' }
      : frame
  // A bigint is written digit by digit: JSON has no largest integer.
  const marked = JSON.stringify(whole, (_key, value: unknown) =>
    typeof value === 'bigint' ? `\u0000bigint of the judge ${value}` : value,
  )
  return marked.replace(/"\\u0000bigint of the judge (-?\d+)"/g, '$1')
}

function numberOf(type: unknown): number {
  if (typeof type === 'number') return type & 0xff
  const numbers: Record<string, number> = frameNumbers
  return (typeof type === 'string' && Object.hasOwn(numbers, type) && numbers[type]) || unknownNumber
}
