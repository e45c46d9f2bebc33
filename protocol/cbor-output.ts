// Where CBOR is written: slabs of memory that frames share, so that a frame costs no allocation of its own.
// HOT PATH, guarded by bench/codec.bench.ts
import { textMajor, type WordKey } from './cbor-items.ts'
import type { Utf8 } from './utf8.ts'

/** A whole slab lives as long as any frame in it: big enough to make allocation rare, small enough to keep. */
const slabBytes = 32 * 1024
const maxShort = 0xff
const notAscii = 0x80
const empty = new Uint8Array(0)

/** Writers call `ensure` once for what they are about to write; the others do not check. */
export class CborOutput {
  private slab = empty
  private view = new DataView(empty.buffer)
  private start = 0
  private at = 0
  private readonly utf8: Utf8

  constructor(utf8: Utf8) {
    this.utf8 = utf8
  }

  /** Begins a frame with `prefixBytes` that are filled in later. */
  begin(prefixBytes: number): void {
    this.start = this.at
    this.ensure(prefixBytes)
    this.at += prefixBytes
  }

  /** The frame: it shares its `buffer` with others. */
  end(): Uint8Array {
    return this.slab.subarray(this.start, this.at)
  }

  get frameBytes(): number {
    return this.at - this.start
  }

  ensure(roomBytes: number): void {
    if (this.at + roomBytes > this.slab.length) this.grow(roomBytes)
  }

  /** A byte of the prefix. */
  prefix8(offset: number, value: number): void {
    this.slab[this.start + offset] = value
  }

  prefix32(offset: number, value: number): void {
    this.view.setUint32(this.start + offset, value)
  }

  byte(value: number): void {
    this.slab[this.at++] = value
  }

  key({ length, first, middle, last }: WordKey): void {
    const { view, at } = this
    // A key of fewer than four bytes is followed by zeros, which the value overwrites.
    view.setUint32(at, first)
    if (length > 8) view.setUint32(at + 4, middle)
    if (length > 4) view.setUint32(at + length - 4, last)
    this.at = at + length
  }

  /** A head: the major type in its upper three bits, and a number up to 2^53-1. */
  head(major: number, value: number): void {
    const { slab, at } = this
    if (value < 24) {
      slab[at] = major | value
      this.at = at + 1
    } else if (value < 0x100) {
      slab[at] = major | 24
      slab[at + 1] = value
      this.at = at + 2
    } else if (value < 0x10000) {
      slab[at] = major | 25
      slab[at + 1] = value >> 8
      slab[at + 2] = value
      this.at = at + 3
    } else if (value <= 0xffff_ffff) {
      slab[at] = major | 26
      this.view.setUint32(at + 1, value)
      this.at = at + 5
    } else {
      slab[at] = major | 27
      this.view.setUint32(at + 1, value / 0x1_0000_0000)
      this.view.setUint32(at + 5, value)
      this.at = at + 9
    }
  }

  /** Text, most often of a few ASCII characters: for those a loop beats a call of the platform. */
  short(text: string): void {
    const { slab } = this
    const { length } = text
    const start = this.at + (length < 24 ? 1 : 2)
    let units = length > maxShort ? notAscii : 0
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      units |= unit
      slab[start + i] = unit
    }
    if (units >= notAscii) {
      this.text(text)
      return
    }
    this.head(textMajor, length)
    this.at = start + length
  }

  /** Any text. Guesses that it is ASCII, which makes its length known before it is written. */
  text(text: string): void {
    const { length } = text
    const start = this.at
    const guess = headBytes(length)
    const written = this.utf8.write(text, this.slab, start + guess)
    const needed = headBytes(written)
    if (needed !== guess) this.slab.copyWithin(start + needed, start + guess, start + guess + written)
    this.head(textMajor, written)
    this.at = start + needed + written
  }

  /** A few bytes: a loop beats a call of the platform. */
  few(bytes: Uint8Array): void {
    const { slab, at } = this
    for (let i = 0; i < bytes.length; i++) slab[at + i] = bytes[i] as number
    this.at = at + bytes.length
  }

  raw(bytes: Uint8Array): void {
    this.slab.set(bytes, this.at)
    this.at += bytes.length
  }

  /** A new slab, to which the frame under way moves. */
  private grow(roomBytes: number): void {
    const used = this.at - this.start
    const slab = new Uint8Array(Math.max(slabBytes, 2 * used + roomBytes))
    slab.set(this.slab.subarray(this.start, this.at))
    this.slab = slab
    this.view = new DataView(slab.buffer)
    this.start = 0
    this.at = used
  }
}

/** At most: a head, and every unit of the text as three bytes. */
export function textRoom(text: string): number {
  return 9 + 3 * text.length
}

/** Room for any key, or any number, or the head of anything. */
export const itemRoom = 24

function headBytes(value: number): number {
  return value < 24 ? 1 : value < 0x100 ? 2 : value < 0x10000 ? 3 : value <= 0xffff_ffff ? 5 : 9
}
