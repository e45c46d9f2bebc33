// UTF-8, names, base64 and numbers, each held against what the platform or limits.ts says.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base64Bytes, decodeBase64, encodeBase64 } from './base64.ts'
import { countMembers, parseUnrounded, scanJson } from './json-scan.ts'
import { directPattern, groupPattern, isWellFormed, msgIdPattern, namePattern, plainUtf8 } from './index.ts'
import { isConversation, isMsgId, isMsgIdAt, isName } from './names.ts'
import { conversationId, msgId, userName } from './testing/arbitraries.ts'
import { nodeUtf8 } from '../server/utf8-node.ts'

const seed = Number(process.env.CHATSPEC_SEED ?? Date.now() % 1e9)
console.log(`utf8: seed ${seed}`)
const runs = { seed, numRuns: 5_000 }
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const anyUnits = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
})
const text = fc.oneof(anyUnits, fc.string({ unit: 'binary' }), fc.string())
/** Bytes near the edges of UTF-8, so that much of it is almost valid. */
const edges = [0x41, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff]
const bytes = fc.array(fc.constantFrom(...edges), { maxLength: 12 }).map((list) => Uint8Array.from(list))

describe('UTF-8 in plain JavaScript and with Buffer', () => {
  it('accepts and reads what a strict TextDecoder does', () => {
    check(bytes, (given) => {
      const expected = decodeStrictly(given)
      expect(plainUtf8.decode(given, 0, given.length)).toBe(expected)
      expect(nodeUtf8.decode(given, 0, given.length)).toBe(expected)
    })
  })

  it('writes and counts the bytes that Buffer does', () => {
    check(text, (given) => {
      const expected = Buffer.from(given)
      for (const utf8 of [plainUtf8, nodeUtf8]) {
        const into = new Uint8Array(expected.length + 3)
        expect(utf8.byteLength(given)).toBe(expected.length)
        expect(utf8.write(given, into, 2)).toBe(expected.length)
        expect(Buffer.from(into.subarray(2, -1))).toEqual(expected)
      }
    })
  })

  it('reads pairs of surrogates across the edge of a chunk', () => {
    for (const before of [4_093, 4_094, 4_095, 4_096]) {
      const given = `${'x'.repeat(before)}\u{1f600}${'y'.repeat(5_000)}`
      const written = Buffer.from(given)
      expect(plainUtf8.decode(written, 0, written.length)).toBe(given)
    }
  })

  it('knows whether surrogates have their pairs', () => {
    check(text, (given) => expect(isWellFormed(given)).toBe(Buffer.from(given).toString() === given))
  })
})

describe('names', () => {
  const broken = (valid: fc.Arbitrary<string>) =>
    fc
      .tuple(valid, fc.nat(), fc.constantFrom('', ':', 'A', 'g', '-', '4', ' ', 'é', '\n', '\ud800'))
      .map(([name, place, by]) => {
        const at = place % (name.length + 1)
        return name.slice(0, at) + by + name.slice(at + (place % 2))
      })
  const mixed = (valid: fc.Arbitrary<string>) => fc.oneof(valid, broken(valid), text)

  it('are what namePattern says', () => {
    check(mixed(userName), (name) => expect(isName(name)).toBe(namePattern.test(name)))
  })

  it('of messages are what msgIdPattern says, as text and as bytes', () => {
    check(mixed(msgId), (id) => {
      expect(isMsgId(id)).toBe(msgIdPattern.test(id))
      if (Buffer.byteLength(id) === 36)
        expect(isMsgIdAt(Buffer.from(` ${id}`), 1)).toBe(msgIdPattern.test(id))
    })
  })

  it('of conversations are what the patterns say, with users in order', () => {
    check(mixed(conversationId), (conv) => {
      const [, low = '', high = ''] = directPattern.exec(conv) ?? []
      const expected = groupPattern.test(conv) || (low !== '' && low <= high)
      expect(isConversation(conv)).toBe(expected)
    })
  })
})

describe('base64', () => {
  it('is what Buffer writes', () => {
    check(fc.uint8Array(), (given) => {
      const written = encodeBase64(given)
      expect(written).toBe(Buffer.from(given).toString('base64'))
      expect(base64Bytes(written)).toBe(given.length)
      expect(decodeBase64(written)).toEqual(given)
    })
  })

  it('has one spelling for all bytes', () => {
    check(fc.string({ unit: fc.constantFrom(...'AQgw/+=-_ é'), maxLength: 9 }), (given) => {
      const decoded = decodeBase64(given)
      if (decoded) expect(encodeBase64(decoded)).toBe(given)
      else expect(Buffer.from(given, 'base64').toString('base64')).not.toBe(given)
    })
  })
})

describe('the structure of JSON', () => {
  it('is counted without parsing', () => {
    check(fc.json({ maxDepth: 5 }), (given) => {
      const value: unknown = JSON.parse(given)
      expect(scanJson(given)).toMatchObject({ members: countMembers(value), depth: depthOf(value) })
    })
  })

  it('never rounds a number to an integer', () => {
    const digits = fc.string({ unit: fc.constantFrom('0', '1', '9'), minLength: 1, maxLength: 18 })
    const exponent = fc.integer({ min: -25, max: 25 })
    check(fc.tuple(fc.boolean(), digits, digits, exponent), ([negative, whole, fraction, power]) => {
      const significant = BigInt(whole + fraction)
      const token = `${negative ? '-' : ''}${BigInt(whole)}.${fraction}e${power}`
      const shift = power - fraction.length
      const isInteger = shift >= 0 || significant % 10n ** BigInt(-shift) === 0n
      const [read] = parseUnrounded(`[${token},"${token}"]`) as [number, string]
      // What stays an integer and is safe is exact.
      if (Number.isSafeInteger(read)) {
        expect(isInteger).toBe(true)
        const exact = shift >= 0 ? significant * 10n ** BigInt(shift) : significant / 10n ** BigInt(-shift)
        expect(BigInt(Math.abs(read))).toBe(exact)
      } else if (isInteger) expect(Math.abs(read)).toBeGreaterThan(Number.MAX_SAFE_INTEGER)
    })
  })
})

function check<T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): void {
  fc.assert(
    fc.property(arbitrary, (value) => {
      holds(value)
    }),
    runs,
  )
}

function decodeStrictly(given: Uint8Array): string | undefined {
  try {
    return strict.decode(given)
  } catch {
    return undefined
  }
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}
