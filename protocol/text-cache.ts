// Short texts that come again and again: looked up by their bytes or their text, checked once.
// HOT PATH, guarded by bench/codec.bench.ts
import { copyOf } from './cbor-items.ts'
import { isConversation, isEpoch, isName } from './names.ts'
import type { Utf8 } from './utf8.ts'

/** A power of two. */
const slots = 512
const empty = new Uint8Array(0)

export class TextCache {
  private readonly texts: string[] = new Array(slots).fill('')
  /** The same texts as bytes, which are compared faster than characters. Empty: not known as bytes. */
  private readonly copies: Uint8Array[] = new Array(slots).fill(empty)
  private readonly accepts: (text: string) => boolean

  /** Nothing shorter than two characters may be accepted. */
  constructor(accepts: (text: string) => boolean) {
    this.accepts = accepts
  }

  /** The text of these bytes, or undefined if it is not acceptable. */
  fromBytes(bytes: Uint8Array, start: number, length: number, utf8: Utf8): string | undefined {
    if (length === 0) return undefined
    const end = start + length
    const slot = slotOf(
      length,
      bytes[start + (length >> 1)] as number,
      bytes[end - 2] as number,
      bytes[end - 1] as number,
    )
    const copy = this.copies[slot] as Uint8Array
    if (copy.length === length && isSame(copy, bytes, start)) return this.texts[slot]
    const text = utf8.decode(bytes, start, end)
    if (text === undefined || !this.accepts(text)) return undefined
    this.texts[slot] = text
    this.copies[slot] = copyOf(bytes, start, end)
    return text
  }

  /** The same text, or undefined if it is not acceptable. */
  fromText(text: string): string | undefined {
    const { length } = text
    if (length < 2) return undefined
    const slot = slotOf(
      length,
      text.charCodeAt(length >> 1),
      text.charCodeAt(length - 2),
      text.charCodeAt(length - 1),
    )
    const known = this.texts[slot] as string
    if (known === text) return known
    if (!this.accepts(text)) return undefined
    this.texts[slot] = text
    this.copies[slot] = empty
    return text
  }
}

export const knownNames = new TextCache(isName)
export const knownConversations = new TextCache(isConversation)
export const knownEpochs = new TextCache(isEpoch)
/** Printable ASCII is all that a known key needs. */
export const knownKeys = new TextCache(isEpoch)

/** Three characters and the length tell most texts apart; a collision costs a check, nothing else. */
function slotOf(length: number, middle: number, last1: number, last: number): number {
  return (length * 7 + middle * 13 + last1 * 5 + last * 31) & (slots - 1)
}

function isSame(copy: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < copy.length; i++) if (copy[i] !== bytes[start + i]) return false
  return true
}
