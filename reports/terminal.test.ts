// The table of verdicts: it fits, and it obeys nobody.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderTable, wrap } from './terminal.ts'
import { anyText, resultWith } from './testing/nasty.ts'
import { sampleResult } from './testing/sample-result.ts'

describe('renderTable', () => {
  it.each([30, 48, 80, 200])('fits %i columns, but for the commands to copy', (columns) => {
    const lines = renderTable(sampleResult, { columns, colours: false }).split('\n')
    const long = lines.filter((line) => line.length > columns && !/^ {2}again|^[✗⚠?!] /.test(line))
    expect(long).toEqual([])
  })

  it('writes no escape codes without colours, whatever a server says', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(renderTable(resultWith(text), { columns: 80, colours: false })).not.toMatch(/(?!\n)\p{Cc}/u)
      }),
      { numRuns: 50 },
    )
  })

  it('names everything that is wrong, and why the rest was not tested', () => {
    const table = renderTable(sampleResult, { columns: 100, colours: false })
    expect(table).toContain('✗ fail  dedup/users-share-no-ids (cbor)  DED-02')
    expect(table).toContain('expected  sent, duplicate: false')
    expect(table).toContain('1 not applicable: the server does not declare join=owner')
    expect(table).toMatch(/Not conformant\n2 of 9 cases/)
  })
})

describe('wrap', () => {
  it('loses no word and makes no line too long', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1 })
    fc.assert(
      fc.property(words, fc.integer({ min: 20, max: 60 }), (list, columns) => {
        const lines = wrap(list.join(' '), columns, '  ')
        expect(lines.join(' ').split(/\s+/)).toEqual(list)
        expect(lines.filter((line) => line.length > columns)).toEqual([])
      }),
    )
  })

  it('breaks a word that is longer than a line', () => {
    expect(wrap('x'.repeat(25), 20, '  ')).toEqual(['x'.repeat(20), `  ${'x'.repeat(5)}`])
  })
})
