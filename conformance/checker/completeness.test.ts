// H8 in its corners: what a fence proves behind a window, and who owes nothing at a quiet moment.
import { describe, expect, it } from 'vitest'
import { checkHistory } from './checker.ts'
import { spoken } from './testing/spoken.ts'
import { at, broken, type Story } from './testing/story.ts'

const replay = { replay: true }

/** Bob has got a; b and c are acked, and on their way to him through a window of so many messages. */
function behindWindow(window: number) {
  const { story, alice, bob } = spoken(1)
  bob.does('welcome', { resumed: false, window })
  return { story, alice, bob }
}

function h8(story: Story) {
  const report = checkHistory(story.events).rules.find(({ rule }) => rule === 'H8')
  return { count: report?.violationCount, missing: report?.violations.map(({ expected }) => expected) }
}

describe('a fence', () => {
  it('proves nothing before the replay is over, or if the window is not known', () => {
    const early = spoken(0)
    early.story.returns('bob', { device: 'laptop' }).fence()
    expect(broken(early.story)).toEqual([])
    const unknown = spoken(1)
    unknown.bob.does('welcome', { resumed: false })
    unknown.bob.fence()
    expect(broken(unknown.story)).toEqual([])
  })

  it('proves something as long as one message has room', () => {
    const { story, bob } = behindWindow(2)
    bob.fence()
    expect(h8(story)).toEqual({ count: 1, missing: ['bob/1 to have seq 2 of d:alice:bob'] })
  })

  it('proves nothing once the window was full, until another fence has found it empty', () => {
    const { story, bob } = behindWindow(2)
    bob.gets(2, 'alice', 'b')
    bob.fence()
    bob.acks(1)
    bob.fence()
    bob.fence()
    bob.acks(2)
    bob.fence()
    expect(broken(story)).toEqual([])
    bob.fence()
    expect(h8(story)).toEqual({ count: 1, missing: ['bob/1 to have seq 3 of d:alice:bob'] })
  })

  it('counts the window as the server saw it: acks behind the fence came too late', () => {
    for (const [window, rules] of [
      [2, []],
      [3, ['H8']],
    ] as const) {
      const { story, bob } = behindWindow(window)
      bob.does('fence', { n: 5 })
      bob.acks(1)
      bob.gets(2, 'alice', 'b')
      bob.does('fenced', { n: 5 })
      expect(broken(story)).toEqual(rules)
    }
  })

  it('ends once', () => {
    const { story, bob } = spoken(5)
    bob.does('fence', { n: 5 })
    bob.does('fenced', { n: 5 })
    bob.does('fenced', { n: 5 })
    expect(checkHistory(story.events).counters.fences).toBe(1)
  })
})

describe('a quiet moment', () => {
  function isQuiet(story: Story): void {
    story.quiet()
    expect(broken(story)).toEqual([])
  }

  it('asks nothing of a connection whose replay is not over', () => {
    const { story } = spoken(5)
    story.returns('bob', { device: 'laptop' })
    isQuiet(story)
  })

  it('asks nothing of a conversation that is paused, or that a sync has set back', () => {
    const paused = spoken(5)
    const id = paused.bob.asks('sync', { cursors: [at(0)] })
    paused.bob.gets(1, 'alice', 'a', replay)
    isQuiet(paused.story)
    paused.bob.synced(0, 1, { id, top: 5, complete: false })
    isQuiet(paused.story)
  })

  it('says once what is missing', () => {
    const { story } = spoken(3)
    story.quiet()
    story.quiet()
    expect(h8(story)).toEqual({ count: 1, missing: ['bob/1 to have seq 4 of d:alice:bob'] })
  })

  it('asks for own messages without an answer on other devices only', () => {
    const { story, alice, bob } = spoken(5)
    alice.send('f')
    bob.gets(6, 'alice', 'f')
    isQuiet(story)
    const laptop = story.returns('alice', { device: 'laptop' })
    for (const [index, msgId] of ['a', 'b', 'c', 'd', 'e'].entries()) laptop.gets(index + 1, 'alice', msgId)
    laptop.live()
    story.quiet()
    expect(h8(story)).toEqual({ count: 1, missing: ['alice/2 to have seq 6 of d:alice:bob'] })
  })

  it('takes what nobody has seen for an own message without an answer, and no other', () => {
    const { story, alice, bob } = spoken(5)
    alice.send('f')
    bob.says('g', 7)
    alice.fence()
    expect(h8(story).missing).toEqual(['alice/1 to have seq 7 of d:alice:bob'])
  })
})
