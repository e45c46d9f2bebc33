// Takes expected keys and values out of a CBOR map, one after another. After the first surprise it only fails, so
// that its users read straight on and ask once, at the end.
// HOT PATH, guarded by bench/codec.bench.ts
// Nothing here reads beyond the end of the bytes: once that has happened, engines are slower for ever.
import { falseByte, mapMajor, textMajor, trueByte, uintMajor, type WordKey, word } from './cbor-items.ts'
import { maxRequestId, maxSafe } from './limits.ts'
import { isMsgIdAt, msgIdAt, msgIdLength } from './names.ts'
import { knownConversations, knownEpochs, knownNames, type TextCache } from './text-cache.ts'
import type { Utf8 } from './utf8.ts'

const empty = new Uint8Array(0)

export class HotItems {
  private bytes: Uint8Array = empty
  private at = 0
  /** The head of the map that the entries taken so far make. */
  private head = mapMajor
  private declaredHead = mapMajor
  private failed = false
  private readonly utf8: Utf8

  constructor(utf8: Utf8) {
    this.utf8 = utf8
  }

  /** Begins with the head of a map. */
  start(bytes: Uint8Array, at: number): void {
    this.bytes = bytes
    this.at = at + 1
    this.head = mapMajor
    this.declaredHead = bytes[at] as number
    this.failed = false
  }

  /** True if everything was as expected and nothing is left. Forgets the bytes. */
  finish(): boolean {
    const complete = !this.failed && this.at === this.bytes.length && this.head === this.declaredHead
    this.bytes = empty
    return complete
  }

  uint(key: WordKey): number {
    return this.has(key) ? this.argument(uintMajor) : this.surprise(0)
  }

  uintIf(key: WordKey): number | undefined {
    return this.has(key) ? this.argument(uintMajor) : undefined
  }

  requestId(key: WordKey): number {
    return this.requestIdIf(key) ?? this.surprise(0)
  }

  requestIdIf(key: WordKey): number | undefined {
    if (!this.has(key)) return undefined
    const id = this.argument(uintMajor)
    return id >= 1 && id <= maxRequestId ? id : this.surprise(0)
  }

  boolean(key: WordKey): boolean {
    return this.booleanIf(key) ?? this.surprise(false)
  }

  booleanIf(key: WordKey): boolean | undefined {
    if (!this.has(key)) return undefined
    const byte = this.bytes[this.at++]
    return byte === trueByte || (byte === falseByte ? false : this.surprise(false))
  }

  name(key: WordKey): string {
    return this.has(key) ? this.known(knownNames) : this.surprise('')
  }

  nameIf(key: WordKey): string | undefined {
    return this.has(key) ? this.known(knownNames) : undefined
  }

  conversation(key: WordKey): string {
    return this.has(key) ? this.known(knownConversations) : this.surprise('')
  }

  conversationIf(key: WordKey): string | undefined {
    return this.has(key) ? this.known(knownConversations) : undefined
  }

  epoch(key: WordKey): string {
    return this.has(key) ? this.known(knownEpochs) : this.surprise('')
  }

  msgId(key: WordKey): string {
    if (!this.has(key) || this.argument(textMajor) !== msgIdLength) return this.surprise('')
    const { bytes, at } = this
    this.at = at + msgIdLength
    if (this.at > bytes.length || !isMsgIdAt(bytes, at)) return this.surprise('')
    return msgIdAt(bytes, at)
  }

  /** Text of at most `maxBytes`. */
  text(key: WordKey, maxBytes: number): string {
    if (!this.has(key)) return this.surprise('')
    const length = this.argument(textMajor)
    const start = this.at
    this.at = start + length
    if (length > maxBytes || this.at > this.bytes.length) return this.surprise('')
    return this.utf8.decode(this.bytes, start, this.at) ?? this.surprise('')
  }

  /** Takes a key if it is the next one, and something follows it. */
  private has({ length, first, middle, last, mask }: WordKey): boolean {
    const { bytes, at } = this
    const end = at + length
    if (end >= bytes.length || (word(bytes, end - 4) & mask) !== last) return false
    if (length > 4 && word(bytes, at) !== first) return false
    if (length > 8 && word(bytes, at + 4) !== middle) return false
    this.at = end
    this.head++
    return true
  }

  private known(cache: TextCache): string {
    const length = this.argument(textMajor)
    const start = this.at
    this.at = start + length
    if (this.at > this.bytes.length) return this.surprise('')
    return cache.fromBytes(this.bytes, start, length, this.utf8) ?? this.surprise('')
  }

  /** The number in a head of this major type: a value, or the length of a text. */
  private argument(major: number): number {
    const info = (this.bytes[this.at++] as number) - major
    if (info < 24) return info >= 0 ? info : this.surprise(0)
    return this.longArgument(info)
  }

  private longArgument(info: number): number {
    const { bytes, at } = this
    this.at = at + (1 << (info - 24))
    if (info > 27 || this.at > bytes.length) return this.surprise(0)
    let value: number
    let least: number
    if (info === 24) {
      value = bytes[at] as number
      least = 24
    } else if (info === 25) {
      value = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
      least = 0x100
    } else if (info === 26) {
      value = word(bytes, at) >>> 0
      least = 0x10000
    } else {
      value = (word(bytes, at) >>> 0) * 0x1_0000_0000 + (word(bytes, at + 4) >>> 0)
      least = 0x1_0000_0000
    }
    return value >= least && value <= maxSafe ? value : this.surprise(0)
  }

  private surprise<T>(instead: T): T {
    this.failed = true
    return instead
  }
}
