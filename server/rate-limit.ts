// Token buckets per user, over all of its connections: a reconnect does not refill them.
import type { Limits, Milliseconds } from '../protocol/index.ts'

/** In thousandths of a token, so that whole milliseconds times whole rates stay whole numbers. */
interface Buckets {
  sendMilli: number
  frameMilli: number
  updatedMs: Milliseconds
}

const token = 1000

export interface RateLimiter {
  /** Takes one frame; 0 if allowed, else the milliseconds after which one would be. */
  takeFrame(userId: string, nowMs: Milliseconds): number
  /** Takes one `send`, on top of its frame. */
  takeSend(userId: string, nowMs: Milliseconds): number
  /** Forgets users whose buckets are full again: what it keeps follows recent activity. */
  sweep(nowMs: Milliseconds): void
  size(): number
}

export function createRateLimiter(limits: Limits): RateLimiter {
  const users = new Map<string, Buckets>()
  const sendMax = limits.sendBurst * token
  const frameMax = limits.frameBurst * token

  function refilled(userId: string, nowMs: Milliseconds): Buckets {
    const buckets = users.get(userId)
    if (buckets === undefined) {
      const fresh = { sendMilli: sendMax, frameMilli: frameMax, updatedMs: nowMs }
      users.set(userId, fresh)
      return fresh
    }
    const elapsedMs = nowMs - buckets.updatedMs
    if (elapsedMs > 0) {
      buckets.sendMilli = Math.min(sendMax, buckets.sendMilli + elapsedMs * limits.sendRatePerSecond)
      buckets.frameMilli = Math.min(frameMax, buckets.frameMilli + elapsedMs * limits.frameRatePerSecond)
      buckets.updatedMs = nowMs
    }
    return buckets
  }

  return {
    takeFrame(userId, nowMs) {
      const buckets = refilled(userId, nowMs)
      if (buckets.frameMilli < token) return waitMs(buckets.frameMilli, limits.frameRatePerSecond)
      buckets.frameMilli -= token
      return 0
    },
    takeSend(userId, nowMs) {
      const buckets = refilled(userId, nowMs)
      if (buckets.sendMilli < token) return waitMs(buckets.sendMilli, limits.sendRatePerSecond)
      buckets.sendMilli -= token
      return 0
    },
    sweep(nowMs) {
      const fullAfterMs =
        1000 *
        Math.max(limits.sendBurst / limits.sendRatePerSecond, limits.frameBurst / limits.frameRatePerSecond)
      for (const [userId, buckets] of users) {
        if (nowMs - buckets.updatedMs >= fullAfterMs) users.delete(userId)
      }
    },
    size: () => users.size,
  }
}

function waitMs(milli: number, ratePerSecond: number): number {
  return Math.ceil((token - milli) / ratePerSecond)
}
