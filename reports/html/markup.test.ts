// The template that every value of the page goes through.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../testing/nasty.ts'
import { html } from './markup.ts'

describe('html', () => {
  it('escapes values in text and attributes', () => {
    const value = `<b title="x">&'</b>`
    expect(html`<p title="${value}">${value}</p>`.text).toBe(
      '<p title="&lt;b title=&quot;x&quot;&gt;&amp;&#39;&lt;/b&gt;">&lt;b title=&quot;x&quot;&gt;&amp;&#39;&lt;/b&gt;</p>',
    )
  })

  it('takes markup of its own making as it is, lists of it too', () => {
    const items = ['a', '<'].map((text) => html`<li>${text}</li>`)
    expect(html`<ul>${items}</ul>${undefined}${0}`.text).toBe('<ul><li>a</li><li>&lt;</li></ul>0')
  })

  it('never lets a value open a tag, close an attribute or start an entity', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(html`${text}`.text.replaceAll(/&(amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[<>"'&]/)
      }),
    )
  })
})
