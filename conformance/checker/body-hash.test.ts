// The hash of a body: stable over machines and versions, sensitive to every part.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Body, bodyHash } from './body-hash.ts'

describe('bodyHash', () => {
  it('stays the same for ever: recorded histories depend on it', () => {
    expect(bodyHash({ content: '' })).toBe(1890170796500416)
    expect(bodyHash({ content: 'hi' })).toBe(5078416701787711)
    expect(bodyHash({ content: new Uint8Array([0, 255]), contentType: 'image/png', meta: { a: 'b' } })).toBe(
      4287833432207927,
    )
  })

  it('takes an absent content type for text/plain, and any order of keys', () => {
    expect(bodyHash({ content: 'hi', contentType: 'text/plain' })).toBe(bodyHash({ content: 'hi' }))
    expect(bodyHash({ content: 'hi', meta: { a: '1', b: '2' } })).toBe(
      bodyHash({ content: 'hi', meta: { b: '2', a: '1' } }),
    )
  })

  it('tells similar bodies apart', () => {
    const bodies: Body[] = [
      { content: '' },
      { content: 'ab' },
      { content: 'ba' },
      { content: 'a\u0000b' },
      { content: new Uint8Array([97, 98]) },
      { content: 'ab', contentType: 'text/markdown' },
      { content: 'ab', meta: { a: 'b' } },
      { content: 'ab', meta: { b: 'a' } },
      { content: 'ab', meta: { a: '', b: '' } },
      { content: 'ab', meta: { ab: '' } },
    ]
    expect(new Set(bodies.map(bodyHash)).size).toBe(bodies.length)
  })

  it('is a safe integer, and differs for texts that differ', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
        const hash = bodyHash({ content: one })
        expect(Number.isSafeInteger(hash) && hash >= 0).toBe(true)
        expect(hash === bodyHash({ content: other })).toBe(one === other)
      }),
    )
  })
})
