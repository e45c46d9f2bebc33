// What counts as read, with a browser that says what is in view.
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ReadMarks } from './read-marks.ts'

type Seen = { target: Element; isIntersecting: boolean }
let see: (entries: Seen[]) => void
const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })

beforeEach(() => {
  vi.stubGlobal('document', page)
  vi.stubGlobal(
    'IntersectionObserver',
    class {
      constructor(callback: typeof see) {
        see = callback
      }
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  )
})

afterEach(() => {
  page.visibilityState = 'visible'
  vi.unstubAllGlobals()
})

it('is the last message in view, once the tab is visible', () => {
  const { marks, read } = open()
  page.visibilityState = 'hidden'
  const feet = [1, 2, 3].map((seq) => watched(marks, { epoch: 'e1', seq }))
  see([inView(feet[1]), inView(feet[0])])
  expect(read).toEqual([])
  page.visibilityState = 'visible'
  page.dispatchEvent(new Event('visibilitychange'))
  see([inView(feet[2])])
  expect(read).toEqual([2, 3])
})

it('is nothing of an earlier epoch, whose numbers mean other messages now', () => {
  const { marks, read } = open()
  page.visibilityState = 'hidden'
  see([inView(watched(marks, { epoch: 'e1', seq: 50 }))])
  see([inView(watched(marks, { epoch: 'e2', seq: 1 }))])
  page.visibilityState = 'visible'
  page.dispatchEvent(new Event('visibilitychange'))
  expect(read).toEqual([1])
})

function open() {
  const read: number[] = []
  const { signal } = new AbortController()
  return { marks: new ReadMarks((seq) => void read.push(seq), { signal }), read }
}

function watched(marks: ReadMarks, at: { epoch: string; seq: number }): Element {
  const foot = {} as Element
  marks.watch(foot, at)
  return foot
}

function inView(target: Element | undefined): Seen {
  if (!target) throw new Error('nothing is watched')
  return { target, isIntersecting: true }
}
