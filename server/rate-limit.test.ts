import { expect, it } from 'vitest'
import { defaultLimits } from '../protocol/index.ts'
import { createRateLimiter } from './rate-limit.ts'

const limits = {
  ...defaultLimits,
  sendBurst: 2,
  sendRatePerSecond: 1,
  frameBurst: 10,
  frameRatePerSecond: 10,
}

it('allows the burst, then says how long to wait, and is right about it', () => {
  const limiter = createRateLimiter(limits)
  expect([0, 1, 2].map(() => limiter.takeSend('alice', 0))).toEqual([0, 0, 1000])
  expect(limiter.takeSend('alice', 999)).toBe(1)
  expect(limiter.takeSend('alice', 1000)).toBe(0)
  expect(limiter.takeSend('bob', 1000)).toBe(0)
})

it('forgets a user whose buckets are full again, and no other', () => {
  const limiter = createRateLimiter(limits)
  limiter.takeFrame('alice', 0)
  limiter.takeFrame('bob', 1_500)
  limiter.sweep(2_000)
  expect(limiter.size()).toBe(1)
  limiter.sweep(3_500)
  expect(limiter.size()).toBe(0)
})

it('is not fooled by a clock that goes back', () => {
  const limiter = createRateLimiter(limits)
  limiter.takeSend('alice', 5_000)
  limiter.takeSend('alice', 5_000)
  expect(limiter.takeSend('alice', 1_000)).toBeGreaterThan(0)
})
