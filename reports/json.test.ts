// report.json: nothing is lost on the way.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { renderJson } from './json.ts'
import { anyText, resultWith } from './testing/nasty.ts'

it('gives the result back, whatever is in it, also by way of UTF-8', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const result = resultWith(text)
      const bytes = Buffer.from(renderJson(result))
      expect(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))).toEqual(result)
    }),
    { numRuns: 50 },
  )
})
