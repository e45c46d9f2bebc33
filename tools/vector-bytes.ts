// Puts binary frames together byte by byte, right and wrong ones: an encoder that shares nothing with the codec.

export type Bytes = readonly number[]

const utf8 = new TextEncoder()

export function uint(value: number): Bytes {
  return head(0, value)
}

export function text(value: string): Bytes {
  const bytes = utf8.encode(value)
  return [...head(3, bytes.length), ...bytes]
}

export function bytes(value: Uint8Array | Bytes): Bytes {
  return [...head(2, value.length), ...value]
}

export function list(items: readonly Bytes[]): Bytes {
  return [...head(4, items.length), ...items.flat()]
}

/** Entries in the given order; keys that are not text are given as bytes. */
export function map(entries: readonly (readonly [string | Bytes, Bytes])[]): Bytes {
  const written = entries.flatMap(([key, value]) => [
    ...(typeof key === 'string' ? text(key) : key),
    ...value,
  ])
  return [...head(5, entries.length), ...written]
}

/** Any value, its keys in deterministic order. */
export function item(value: unknown): Bytes {
  if (typeof value === 'number') return uint(value)
  if (typeof value === 'string') return text(value)
  if (typeof value === 'boolean') return [value ? 0xf5 : 0xf4]
  if (value === null) return [0xf6]
  if (value instanceof Uint8Array) return bytes(value)
  if (Array.isArray(value)) return list(value.map(item))
  return map(sortedEntries(value as object))
}

/** Entries of a frame or of a value in it, sorted as RFC 8949 §4.2.1 says. */
export function sortedEntries(value: object): [string, Bytes][] {
  return Object.entries(value)
    .map(([key, inner]): [string, Bytes] => [key, item(inner)])
    .sort(([a], [b]) => Buffer.compare(Buffer.from(text(a)), Buffer.from(text(b))))
}

/** A head: major type and the shortest form of a number. */
export function head(major: number, value: number): Bytes {
  if (value < 24) return [major * 32 + value]
  const size = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 0x1_0000_0000 ? 4 : 8
  return [major * 32 + 24 + Math.log2(size), ...bigEndian(BigInt(value), size)]
}

export function bigEndian(value: bigint, size: number): Bytes {
  return Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * (size - 1 - i))) & 0xffn))
}

export interface Header {
  magic?: number
  /** What the length field says, if it is not true. */
  length?: number
  timestamp?: bigint
  flags?: number
}

/** A whole message: header, type, flags, body. */
export function frame(type: number, body: Bytes, header: Header = {}): Bytes {
  const payload = [type, header.flags ?? 0, ...body]
  return [
    header.magic ?? 0x1f,
    ...bigEndian(BigInt(header.length ?? payload.length), 4),
    ...bigEndian(header.timestamp ?? 1_790_000_000_123n, 8),
    ...payload,
  ]
}

export function hex(value: Bytes): string {
  return Buffer.from(value).toString('hex')
}
