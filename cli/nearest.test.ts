// Suggestions for mistyped names.
import { describe, expect, it } from 'vitest'
import { didYouMean, nearest } from './nearest.ts'

describe('nearest', () => {
  it('finds a slip of the finger: a letter too many, missing, wrong or swapped, or another case', () => {
    const names = ['window', 'sendWindow', 'maxFrame']
    for (const word of ['windoww', 'windw', 'windou', 'widnow', 'Window'])
      expect(nearest(word, names)).toBe('window')
  })

  it('suggests nothing for something else', () => {
    expect(nearest('colour', ['window', 'maxFrame'])).toBeUndefined()
    expect(didYouMean('colour', ['window'])).toBe('')
  })
})
