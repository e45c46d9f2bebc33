// Memberships as windows: which seqs a user may see, and which it has to.
import { describe, expect, it } from 'vitest'
import {
  closeAt,
  joinAt,
  maybeJoinAfter,
  maybeLeaveAfter,
  nextSure,
  openWindow,
  visibility,
  type Window,
} from './windows.ts'

const forever = Number.POSITIVE_INFINITY
const sure = (from: number, to = forever): Window => ({ from, to, sure: true })
const maybe = (from: number, to = forever): Window => ({ from, to, sure: false })

describe('visibility', () => {
  it('begins behind `from` and ends with `to`', () => {
    const windows = [sure(2, 4)]
    expect([2, 3, 4, 5].map((seq) => visibility(windows, seq))).toEqual(['no', 'sure', 'sure', 'no'])
  })

  it('is sure if any membership is, and maybe if only one in doubt is', () => {
    expect(visibility([maybe(0, 9), sure(2, 4)], 3)).toBe('sure')
    expect(visibility([sure(2, 4), maybe(0, 9)], 3)).toBe('sure')
    expect(visibility([maybe(0, 9), sure(2, 4)], 5)).toBe('maybe')
  })
})

describe('nextSure', () => {
  it('is the first seq of a sure membership behind the given one', () => {
    const windows = [sure(7), maybe(0), sure(2, 4)]
    expect([0, 2, 3, 4, 6, 7].map((after) => nextSure(windows, after))).toEqual([3, 3, 4, 8, 8, 8])
  })

  it('is nothing if no membership is sure', () => {
    expect(nextSure([maybe(0), sure(2, 4)], 4)).toBe(forever)
    expect(nextSure([], 0)).toBe(forever)
  })
})

describe('a join and a leave', () => {
  it('open and end a window at their boundary', () => {
    const windows: Window[] = []
    joinAt(windows, 2)
    expect(openWindow(windows)).toEqual(sure(2))
    closeAt(windows, 5)
    expect(windows).toEqual([sure(2, 5)])
    expect(openWindow(windows)).toBeUndefined()
    closeAt(windows, 9)
    expect(windows).toEqual([sure(2, 5)])
  })

  it('end what was open, in doubt or not', () => {
    const windows = [maybe(1)]
    joinAt(windows, 4)
    expect(windows).toEqual([maybe(1, 4), sure(4)])
  })

  it('keep 64 memberships apart, and take the oldest of more together, not sure any more', () => {
    const windows: Window[] = []
    for (let top = 0; top < 64; top++) joinAt(windows, top)
    expect(windows).toHaveLength(64)
    expect(windows[0]).toEqual(sure(0, 1))
    joinAt(windows, 64)
    expect(windows).toHaveLength(64)
    expect(windows.slice(0, 2)).toEqual([maybe(0, 2), sure(2, 3)])
    expect(windows.at(-1)).toEqual(sure(64))
  })
})

describe('a join and a leave with unknown outcome', () => {
  it('may begin a membership, unless one is sure', () => {
    const windows: Window[] = []
    maybeJoinAfter(windows, 3)
    expect(windows).toEqual([maybe(3)])
    const member = [sure(1)]
    maybeJoinAfter(member, 3)
    expect(member).toEqual([sure(1)])
  })

  it('leave only what was before sure', () => {
    const windows = [sure(1)]
    maybeLeaveAfter(windows, 3)
    expect(windows).toEqual([sure(1, 3), maybe(3)])
    maybeLeaveAfter(windows, 2)
    expect(windows).toEqual([sure(1, 3), maybe(3)])
  })

  it('never end a membership before it began, nor one that is over', () => {
    const windows = [sure(5)]
    maybeLeaveAfter(windows, 3)
    expect(windows).toEqual([sure(5, 5), maybe(5)])
    const over = [sure(1, 2)]
    maybeLeaveAfter(over, 3)
    expect(over).toEqual([sure(1, 2)])
    const doubted = [maybe(1)]
    maybeLeaveAfter(doubted, 3)
    expect(doubted).toEqual([maybe(1)])
  })
})
