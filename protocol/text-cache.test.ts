// The cache may forget, but never confuse.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plainUtf8 } from './index.ts'
import { TextCache } from './text-cache.ts'

const seed = Number(process.env.CHATSPEC_SEED ?? Date.now() % 1e9)

it(`gives back the text that it was asked for, in any order of texts and bytes (seed ${seed})`, () => {
  // So few characters that most texts share a slot with others.
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 2, maxLength: 5 })
  const asked = fc.array(fc.tuple(text, fc.boolean()), { maxLength: 60 })
  fc.assert(
    fc.property(asked, (questions) => {
      const cache = new TextCache((given) => !given.startsWith('bb'))
      for (const [given, asBytes] of questions) {
        const bytes = Buffer.from(`_${given}_`)
        const answer = asBytes ? cache.fromBytes(bytes, 1, given.length, plainUtf8) : cache.fromText(given)
        expect(answer).toBe(given.startsWith('bb') ? undefined : given)
      }
    }),
    { seed, numRuns: 1_000 },
  )
})
