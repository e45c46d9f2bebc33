// UTF-8 in plain JavaScript, and the interface by which a platform can bring faster routines.

export interface Utf8 {
  /** The text of `bytes[start..end)`, or undefined if it is not valid UTF-8. */
  decode(bytes: Uint8Array, start: number, end: number): string | undefined
  /** How many bytes `write` writes. */
  byteLength(text: string): number
  /** Writes at `at` and returns the number of bytes; a lone surrogate becomes U+FFFD. `into` has room. */
  write(text: string, into: Uint8Array, at: number): number
}

export const plainUtf8: Utf8 = { decode, byteLength, write }

/** Units handed to String.fromCharCode at once: engines bound the number of arguments. */
const chunkUnits = 4096

function decode(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  let at = start
  while (at < end) {
    // As many units as there are bytes, at most.
    const units: number[] = new Array(Math.min(end - at, chunkUnits))
    let count = 0
    while (at < end && count < chunkUnits - 1) {
      const lead = bytes[at] as number
      if (lead < 0x80) {
        units[count++] = lead
        at++
        continue
      }
      const size = sequenceBytes(lead)
      const point = at + size <= end ? decodePoint(bytes, at, size) : -1
      if (point < 0) return undefined
      at += size
      if (point >= 0x10000) units[count++] = 0xd7c0 + (point >> 10)
      units[count++] = point < 0x10000 ? point : 0xdc00 | (point & 0x3ff)
    }
    units.length = count
    text += String.fromCharCode.apply(null, units)
  }
  return text
}

/** Bytes of the sequence that a byte from 0x80 begins; 0 for one that begins none. */
function sequenceBytes(lead: number): number {
  if (lead < 0xc2) return 0
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
}

/** The code point of a sequence of 2 to 4 bytes, or -1 if it is overlong, a surrogate, too large or broken. */
function decodePoint(bytes: Uint8Array, at: number, size: number): number {
  if (size === 0) return -1
  let point = (bytes[at] as number) & (0x7f >> size)
  for (let i = 1; i < size; i++) {
    const next = bytes[at + i] as number
    if ((next & 0xc0) !== 0x80) return -1
    point = (point << 6) | (next & 0x3f)
  }
  if (size === 3 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) return -1
  if (size === 4 && (point < 0x10000 || point > 0x10ffff)) return -1
  return point
}

function byteLength(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    bytes += unit < 0x800 ? 1 : 2
    // A pair is four bytes for two units.
    if (isHigh(unit) && isLow(text.charCodeAt(i + 1))) i++
  }
  return bytes
}

function write(text: string, into: Uint8Array, start: number): number {
  let at = start
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i)
    if (point < 0x80) {
      into[at++] = point
      continue
    }
    if (point < 0x800) {
      into[at++] = 0xc0 | (point >> 6)
    } else {
      if (isHigh(point) && isLow(text.charCodeAt(i + 1))) {
        point = ((point - 0xd7c0) << 10) | (text.charCodeAt(++i) & 0x3ff)
        into[at++] = 0xf0 | (point >> 18)
        into[at++] = 0x80 | ((point >> 12) & 0x3f)
      } else {
        if (isHigh(point) || isLow(point)) point = 0xfffd
        into[at++] = 0xe0 | (point >> 12)
      }
      into[at++] = 0x80 | ((point >> 6) & 0x3f)
    }
    into[at++] = 0x80 | (point & 0x3f)
  }
  return at - start
}

/** True if no surrogate stands alone, that is if UTF-8 can carry the text. */
export const isWellFormed: (text: string) => boolean = nativeIsWellFormed() ?? hasOnlyPairs

/** Engines since about 2023 have it, and know the answer for most texts without a look at each character. */
function nativeIsWellFormed(): ((text: string) => boolean) | undefined {
  if (!('isWellFormed' in String.prototype)) return undefined
  const native = String.prototype.isWellFormed as (this: string) => boolean
  return (text) => native.call(text)
}

function hasOnlyPairs(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdfff) continue
    if (!isHigh(unit) || !isLow(text.charCodeAt(i + 1))) return false
    i++
  }
  return true
}

function isHigh(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800
}

function isLow(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00
}
