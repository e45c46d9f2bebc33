// Reads one value of the CBOR subset (RFC 8949): definite, shortest, no tags, text keys, no key twice.
import { copyOf } from './cbor-items.ts'
import type { RuleId } from './decoded.ts'
import { maxDepth } from './limits.ts'
import { knownKeys } from './text-cache.ts'
import type { Utf8 } from './utf8.ts'

export interface CborFault {
  rule: RuleId
  detail: string
}

/**
 * One item after another from a stretch of bytes. `value` gives undefined, and sets `fault`, for anything
 * outside the subset. Integers beyond 2^53-1 lose digits and floats become NaN: no field allows either.
 */
export class CborReader {
  /** Set by what is outside the subset. */
  fault: CborFault = { rule: '', detail: '' }
  private depth = 0
  private at: number
  private readonly bytes: Uint8Array
  private readonly utf8: Utf8

  constructor(bytes: Uint8Array, start: number, utf8: Utf8) {
    this.bytes = bytes
    this.at = start
    this.utf8 = utf8
  }

  /** The one map that fills the rest of the bytes. */
  body(): Record<string, unknown> | undefined {
    if (this.bytes[this.at] === undefined) return this.refuse('FRM-08', 'no body arrived')
    if ((this.bytes[this.at] as number) >> 5 !== 5) return this.refuse('FRM-27', 'the body is not a map')
    const value = this.value() as Record<string, unknown> | undefined
    if (value && this.at < this.bytes.length) {
      return this.refuse('FRM-08', `${this.bytes.length - this.at} bytes after the body`)
    }
    return value
  }

  private value(): unknown {
    const head = this.bytes[this.at]
    if (head === undefined) return this.truncated()
    const major = head >> 5
    if (major === 7) return this.simple(head & 31)
    const argument = this.argument(head & 31)
    if (argument === undefined) return undefined
    switch (major) {
      case 0:
        return argument
      case 1:
        return -1 - argument
      case 2:
        return this.fits(argument, 1) ? this.slice(argument) : undefined
      case 3:
        return this.text(argument)
      case 4:
        return this.list(argument)
      case 5:
        return this.map(argument)
      default:
        return this.refuse('FRM-27', 'a tag is not allowed')
    }
  }

  /** The number in a head: a value, a length or a count. */
  private argument(info: number): number | undefined {
    this.at++
    if (info < 24) return info
    if (info > 27) {
      return this.refuse('FRM-27', info === 31 ? 'an indefinite length is not allowed' : 'a reserved head')
    }
    const size = 1 << (info - 24)
    if (this.at + size > this.bytes.length) return this.truncated()
    let argument = 0
    for (let i = 0; i < size; i++) argument = argument * 256 + (this.bytes[this.at + i] as number)
    this.at += size
    const least = size === 1 ? 24 : 2 ** (size * 4)
    return argument < least ? this.refuse('FRM-08', 'a head is longer than it needs to be') : argument
  }

  private simple(info: number): unknown {
    if (info === 20) return this.skip(1, false)
    if (info === 21) return this.skip(1, true)
    if (info === 22) return this.skip(1, null)
    if (info < 25 || info > 27) return this.refuse('FRM-27', 'a simple value that is not allowed')
    const size = 1 + (1 << (info - 24))
    if (this.at + size > this.bytes.length) return this.truncated()
    return this.skip(size, Number.NaN)
  }

  private text(length: number): string | undefined {
    if (!this.fits(length, 1)) return undefined
    const text = this.utf8.decode(this.bytes, this.at, this.at + length)
    if (text === undefined) return this.refuse('FRM-09', `text of ${length} bytes is not valid UTF-8`)
    return this.skip(length, text)
  }

  private slice(length: number): Uint8Array {
    return this.skip(length, copyOf(this.bytes, this.at, this.at + length))
  }

  private list(length: number): unknown[] | undefined {
    if (!this.enter() || !this.fits(length, 1)) return undefined
    const items: unknown[] = []
    for (let i = 0; i < length; i++) {
      const item = this.value()
      if (item === undefined) return undefined
      items.push(item)
    }
    this.depth--
    return items
  }

  private map(length: number): Record<string, unknown> | undefined {
    if (!this.enter() || !this.fits(length, 2)) return undefined
    // Without a prototype every key is only a key, `__proto__` too.
    const map: Record<string, unknown> = Object.create(null)
    for (let i = 0; i < length; i++) {
      const key = this.key()
      if (key === undefined) return undefined
      if (key in map) return this.refuse('SEC-04', 'a map has the same key twice')
      const value = this.value()
      if (value === undefined) return undefined
      map[key] = value
    }
    this.depth--
    return map
  }

  private key(): string | undefined {
    const head = this.bytes[this.at]
    if (head === undefined) return this.truncated()
    if (head >> 5 !== 3) return this.refuse('FRM-27', 'a key that is not text')
    const length = this.argument(head & 31)
    if (length === undefined || !this.fits(length, 1)) return undefined
    const known = knownKeys.fromBytes(this.bytes, this.at, length, this.utf8)
    return known === undefined ? this.text(length) : this.skip(length, known)
  }

  private enter(): boolean {
    if (++this.depth <= maxDepth) return true
    this.refuse('SEC-04', `nesting of ${this.depth} arrived, ${maxDepth} is allowed`)
    return false
  }

  /** Nothing is reserved for a length that the remaining bytes cannot hold. */
  private fits(count: number, bytesEach: number): boolean {
    const remaining = this.bytes.length - this.at
    if (count * bytesEach <= remaining) return true
    this.refuse('FRM-07', `a length of ${count} arrived with ${remaining} bytes left`)
    return false
  }

  private truncated(): undefined {
    return this.refuse('FRM-08', 'the bytes end inside an item')
  }

  private skip<T>(bytes: number, value: T): T {
    this.at += bytes
    return value
  }

  private refuse(rule: RuleId, detail: string): undefined {
    if (this.fault.rule === '') this.fault = { rule, detail: `${detail} at byte ${this.at}` }
    return undefined
  }
}
