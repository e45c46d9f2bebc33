// Text from strangers: nothing in it is obeyed or hidden.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from './testing/nasty.ts'
import { shorten, visible, visibleLine } from './visible.ts'

describe('visible', () => {
  it('shows controls, direction marks, zero-width characters and lone surrogates as escapes', () => {
    expect(visible('\u{e0041}')).toBe('\\u{e0041}')
    expect(visible('a\u0000\u001b[31m\u009b\u202e\u200b\ud800b\udc00')).toBe(
      'a\\u0000\\u001b[31m\\u009b\\u202e\\u200b\\ud800b\\udc00',
    )
  })

  it('leaves text of all languages and emoji alone', () => {
    const text = 'Grüße, 你好, नमस्ते, می‌خواهم, 👋🏽 👩‍👧\n\tnew line'
    expect(visible(text)).toBe(text)
  })

  it('lets no control character through, whatever comes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(visible(text)).not.toMatch(/(?![\n\t])\p{Cc}/u)
        expect(visible(text)).not.toMatch(/\p{Cs}/u)
        expect(visibleLine(text)).not.toMatch(/[\n\t\r]/)
      }),
    )
  })
})

describe('shorten', () => {
  it('cuts between characters and says so', () => {
    expect(shorten('👋👋👋👋', 3)).toBe('👋👋…')
    expect(shorten('abc', 3)).toBe('abc')
    expect(shorten('abc', 0)).toBe('…')
  })
})
