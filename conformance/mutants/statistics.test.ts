// The bound of Clopper and Pearson, held against published values.
import { describe, expect, it } from 'vitest'
import { upperBound } from './statistics.ts'

describe('upperBound', () => {
  it.each([
    [0, 300, 0.01],
    [0, 2, 1],
    [1, 100, 0.0466],
    [5, 100, 0.1023],
    [10, 20, 0.698],
    [3, 3, 1],
    [0, 0, 1],
  ])('of %i in %i is %f', (events, trials, bound) => {
    expect(upperBound(events, trials)).toBeCloseTo(bound, 3)
  })
})
