// The flags of `npm run prove`: what they mean, and one clear error for what they cannot mean.
import { describe, expect, it } from 'vitest'
import { readOptions } from './prove-options.ts'

describe('readOptions', () => {
  it('tries everything once by default', () => {
    expect(readOptions([])).toMatchObject({ runs: 1, clean: 1, odd: 1, all: false, only: undefined })
  })

  it('reads each flag', () => {
    const flags = [
      '--runs',
      '20',
      '--all',
      '--clean',
      '0',
      '--odd',
      '3',
      '--only',
      'M03,B01',
      '--seed',
      '7',
      '--out',
      'x',
    ]
    const options = { runs: 20, all: true, clean: 0, odd: 3, only: ['M03', 'B01'], seed: 7, out: 'x' }
    expect(readOptions(flags)).toMatchObject(options)
  })

  it.each([
    [['--runs', '-1'], /runs/],
    [['--runs', '1.5'], /--runs 1.5: an integer from 0 to 1000 is allowed/],
    [['--runs', ''], /--runs/],
    [['--concurrency', '0'], /--concurrency 0: an integer from 1 to 64 is allowed/],
    [['--only', 'M02'], /--only M02: no such defect or oddity/],
    [['--fast'], /--fast/],
    [['M03'], /M03/],
  ])('refuses %j', (flags, complaint) => {
    expect(() => readOptions(flags)).toThrow(complaint)
  })
})
