// Sums over stretches: every part of a message counts, and their number stays the same.
import { describe, expect, it } from 'vitest'
import { addToSums, fingerprint, isRightSum, stretchOf } from './sums.ts'
import { seen } from './testing/story.ts'

const message = { seq: 5, from: 'alice', msgId: 'a', hash: 7 + 2 ** 40, timestamp: 9 + 2 ** 40 }

describe('fingerprint', () => {
  it('differs if any part differs, also in its high bits', () => {
    const others = [
      { seq: 6 },
      { from: 'alicf' },
      { msgId: 'b' },
      { hash: 8 + 2 ** 40 },
      { hash: 7 + 2 ** 41 },
      { timestamp: 10 + 2 ** 40 },
      { timestamp: 9 + 2 ** 41 },
    ].map((part) => fingerprint({ ...message, ...part }))
    expect(new Set([...others, fingerprint(message)]).size).toBe(others.length + 1)
  })
})

describe('sums', () => {
  it('hold whole stretches of any length in the same number of entries', () => {
    const sums = { stride: 64, stretches: new Map<number, { sum: number; count: number }>() }
    let most = 0
    for (let seq = 1; seq <= 100_000; seq++) {
      addToSums(sums, seen(seq, 'alice', `m${seq}`))
      most = Math.max(most, sums.stretches.size)
    }
    expect(most).toBe(64)
    const { stride } = sums
    expect(stride).toBe(2_048)
    let sum = 0
    for (let seq = stride + 1; seq <= 2 * stride; seq++)
      sum = (sum + fingerprint(seen(seq, 'alice', `m${seq}`))) | 0
    expect(stretchOf(stride + 1, stride)).toBe(1)
    expect(isRightSum(sums, 1, sum)).toBe(true)
    expect(isRightSum(sums, 1, sum + 1)).toBe(false)
    expect(isRightSum(sums, 48, 0)).toBe(undefined)
  })
})
