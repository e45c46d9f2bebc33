// When the client comes back: delays, policies, and what a close means.
import { describe, expect, it } from 'vitest'
import { Backoff, endingOf } from './reconnect.ts'

describe('Backoff', () => {
  it('draws from 0 to 0.5 s × 2^n, 30 s at most, with the jitter after the cap', () => {
    const longest = new Backoff(() => 1)
    const delays = Array.from({ length: 9 }, () => longest.nextMs('backoff'))
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    const shortest = new Backoff(() => 0)
    expect(Array.from({ length: 9 }, () => shortest.nextMs('backoff'))).toEqual(Array(9).fill(0))
  })

  it('spreads over the whole range', () => {
    let seed = 0
    const backoff = new Backoff(() => (seed++ % 100) / 100)
    for (let n = 0; n < 10; n++) backoff.nextMs('backoff')
    const delays = Array.from({ length: 100 }, () => backoff.nextMs('backoff')).sort((a, b) => a - b)
    expect(delays[0]).toBeLessThan(1_000)
    expect(delays[50]).toBeGreaterThan(14_000)
    expect(delays[50]).toBeLessThan(16_000)
    expect(delays[99]).toBeGreaterThan(29_000)
  })

  it('honours "now" within a second, and only once in a row of failures', () => {
    const backoff = new Backoff(() => 1)
    expect(backoff.nextMs('now')).toBe(1_000)
    expect([backoff.nextMs('now'), backoff.nextMs('now'), backoff.nextMs('now')]).toEqual([
      1_000, 2_000, 4_000,
    ])
    backoff.reset()
    expect(backoff.nextMs('now')).toBe(1_000)
  })

  it('never comes earlier than the server asks', () => {
    expect(new Backoff(() => 0).nextMs('backoff', 7_000)).toBe(7_000)
    expect(new Backoff(() => 1).nextMs('now', 7_000)).toBe(8_000)
  })
})

describe('endingOf', () => {
  it('believes the bye before the code', () => {
    const bye = { type: 'bye', code: 4003, reason: 'busy', reconnect: 'never', retryAfterMs: 5 } as const
    const reason = { code: 4003, name: 'SLOW_CONSUMER', message: 'busy' }
    for (const code of [4003, 1006]) {
      expect(endingOf(code, '', bye)).toEqual({ reason, policy: 'never', retryAfterMs: 5 })
    }
  })

  it('goes by the range of the code where there was no bye', () => {
    const policies = [1000, 1001, 1006, 1008, 1012, 4002, 4003, 4499, 4500, 4504, 4999].map(
      (code) => endingOf(code, '', undefined).policy,
    )
    const never = 'never'
    expect(policies).toEqual([
      ...[never, 'backoff', 'now', never, 'backoff'],
      ...['now', 'backoff', 'backoff', never, never, never],
    ])
  })
})
