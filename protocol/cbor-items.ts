// The pieces of CBOR (RFC 8949) that readers and writers share: heads, simple values, keys of maps.

/** Major types, where they stand in the first byte of an item. */
export const uintMajor = 0
export const bytesMajor = 2 << 5
export const textMajor = 3 << 5
export const listMajor = 4 << 5
export const mapMajor = 5 << 5
/** Whole items. */
export const falseByte = 0xf4
export const trueByte = 0xf5

/** A key as it is written: a head and fewer than 24 ASCII characters. */
export function keyBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(1 + name.length)
  bytes[0] = textMajor | name.length
  for (let i = 0; i < name.length; i++) bytes[i + 1] = name.charCodeAt(i)
  return bytes
}

/** A key of 2 to 12 bytes as big-endian words. */
export interface WordKey {
  readonly length: number
  /** Of a key of fewer than four bytes: followed by zeros. */
  readonly first: number
  readonly middle: number
  /** The word that ends with the key, of which `mask` leaves the bytes that belong to it. */
  readonly last: number
  readonly mask: number
}

/** Every key of the frames that are sent for every message. */
export const hotKeys = {
  n: wordKey('n'),
  id: wordKey('id'),
  to: wordKey('to'),
  seq: wordKey('seq'),
  conv: wordKey('conv'),
  from: wordKey('from'),
  epoch: wordKey('epoch'),
  msgId: wordKey('msgId'),
  replay: wordKey('replay'),
  content: wordKey('content'),
  duplicate: wordKey('duplicate'),
  timestamp: wordKey('timestamp'),
  clientTime: wordKey('clientTime'),
}

function wordKey(name: string): WordKey {
  const key = keyBytes(name)
  const { length } = key
  // Room before and after the key, for words that are not filled by it.
  const padded = new Uint8Array(4 + length + 4)
  padded.set(key, 4)
  return {
    length,
    first: word(padded, 4),
    middle: word(padded, 8),
    last: word(padded, length),
    mask: length < 4 ? 2 ** (8 * length) - 1 : -1,
  }
}

/** The big-endian number in four bytes, as an int32. */
export function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

/** Not `slice`, which for a Buffer of Node is no copy. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}
