import { expect, it } from 'vitest'
import type { Message } from '../../protocol/index.ts'
import { draft, start, testClock, windowMs } from '../testing/log-fixtures.ts'
import { Remembered } from './remembered.ts'

const message = (n: number, timestamp: number): Message => ({
  ...draft(n, { timestamp }),
  epoch: 'e',
  seq: n,
})

it('releases what is out of the window, oldest first, and as many as it may', () => {
  const clock = testClock()
  const remembered = new Remembered(clock.options)
  for (let n = 1; n <= 100; n += 1) remembered.add(message(n, start + n))
  clock.ms = start + 60 + windowMs
  remembered.forget(10)
  expect(remembered.size).toBe(90)
  remembered.forget(1_000)
  // Of these 41 the first has a last millisecond.
  expect([remembered.size, remembered.find(draft(59)), remembered.find(draft(60))?.seq]).toEqual([
    41,
    undefined,
    60,
  ])
  clock.ms = start + 101 + windowMs
  remembered.forget(1_000)
  expect(remembered.size).toBe(0)
})

it('keeps an id that was used again after its window for another one, in its new place', () => {
  const clock = testClock()
  const remembered = new Remembered(clock.options)
  remembered.add(message(1, start))
  remembered.add(message(2, start + 10))
  clock.ms = start + windowMs + 1
  expect(remembered.find(draft(1))).toBeUndefined()
  remembered.add(message(1, clock.ms))
  clock.ms += 10
  remembered.forget(1_000)
  expect([remembered.size, remembered.find(draft(1))?.timestamp]).toEqual([1, start + windowMs + 1])
})
