// H14: what a replay claims.
import { describe, expect, it } from 'vitest'
import { checkHistory } from './checker.ts'
import { spoken } from './testing/spoken.ts'
import { at, broken, Story } from './testing/story.ts'

const replay = { replay: true }

describe('H14: what a replay claims', () => {
  function resumed(got = 5) {
    const { story, bob } = spoken(got)
    bob.close(false)
    return { story, again: story.returns('bob', { cursors: [at(3)] }) }
  }

  it('accepts a replay in several parts', () => {
    const { story, bob } = spoken(5)
    const first = bob.asks('sync', { cursors: [at(2)] })
    bob.gets(3, 'alice', 'c', replay)
    bob.synced(2, 3, { id: first, top: 5, complete: false })
    bob.does('live', { id: first })
    const second = bob.asks('sync', { cursors: [at(3)] })
    bob.gets(4, 'alice', 'd', replay)
    bob.gets(5, 'alice', 'e', replay)
    bob.synced(3, 5, { id: second })
    bob.does('live', { id: second })
    expect(broken(story)).toEqual([])
  })

  it('follows live messages from the top after a cursor of the future', () => {
    const { story, bob, alice } = spoken(5)
    const id = bob.asks('sync', { cursors: [at(1_000)], deliberate: true })
    bob.synced(5, 5, { id, recovered: false })
    bob.does('live', { id })
    alice.says('f', 6)
    bob.gets(6, 'alice', 'f')
    expect(broken(story)).toEqual([])
    alice.says('g', 7)
    alice.says('h', 8)
    bob.gets(8, 'alice', 'h')
    expect(broken(story)).toEqual(['H7'])
  })

  it('finds a replay that stops before the end it names', () => {
    const { story, again } = resumed()
    again.gets(4, 'alice', 'd', replay)
    again.synced(3, 5)
    again.live()
    expect(broken(story)).toEqual(['H14'])
  })

  it('finds complete:true although acked messages remain', () => {
    const { story, again } = resumed()
    again.gets(4, 'alice', 'd', replay)
    again.synced(3, 4)
    expect(broken(story)).toEqual(['H14'])
  })

  it('finds a message above the end it names, also where an own send without an answer hides the order', () => {
    const { story, again } = resumed()
    again.gets(4, 'alice', 'd', replay)
    again.gets(5, 'alice', 'e', replay)
    again.synced(3, 4, { top: 5, complete: false })
    expect(broken(story)).toEqual(['H14'])
    const hidden = new Story()
    const phone = hidden.connect('alice')
    phone.send('a')
    phone.close(false)
    const laptop = hidden.returns('alice', { device: 'laptop' })
    const retry = laptop.send('a')
    hidden.connect('bob').says('b', 2)
    laptop.gets(2, 'bob', 'b', replay)
    laptop.synced(0, 1)
    laptop.live()
    laptop.sent(retry, 'a', 1, { duplicate: true })
    expect(broken(hidden)).toEqual(['H14'])
  })

  it('accepts live messages above the end of a sync that began after them', () => {
    const { story, bob } = spoken(4)
    const id = bob.asks('sync', { cursors: [at(2)] })
    bob.gets(5, 'alice', 'e')
    bob.gets(3, 'alice', 'c', replay)
    bob.synced(2, 3, { id, top: 5, complete: false })
    bob.does('live', { id })
    expect(broken(story)).toEqual([])
  })

  it('finds recovered:true for a cursor of another epoch, and says so once', () => {
    const { story, bob } = spoken(5)
    bob.close(false)
    const again = story.returns('bob', { cursors: [{ ...at(5), epoch: 'e0' }] })
    for (const [index, msgId] of ['a', 'b', 'c', 'd', 'e'].entries())
      again.gets(index + 1, 'alice', msgId, replay)
    again.synced(0, 5)
    expect(broken(story)).toEqual(['H14'])
    const empty = spoken(5)
    empty.bob.close(false)
    empty.story.returns('bob', { cursors: [{ ...at(5), epoch: 'e0' }] }).synced(2, 4)
    const { rules } = checkHistory(empty.story.events)
    expect(rules.find(({ rule }) => rule === 'H14')?.violationCount).toBe(1)
  })

  it('accepts recovered:false and everything anew for it', () => {
    const { story, bob } = spoken(5)
    bob.close(false)
    const again = story.returns('bob', { cursors: [{ ...at(5), epoch: 'e0' }] })
    for (const [index, msgId] of ['a', 'b', 'c', 'd', 'e'].entries())
      again.gets(index + 1, 'alice', msgId, replay)
    again.synced(0, 5, { recovered: false })
    expect(broken(story)).toEqual([])
  })

  it('finds recovered:true for a cursor from the future', () => {
    const { story, bob } = spoken(5)
    bob.close(false)
    const again = story.returns('bob', { cursors: [at(9)], deliberate: true })
    again.synced(5, 5)
    again.live()
    expect(broken(story)).toEqual(['H14'])
  })

  it('finds a named conversation without synced', () => {
    const { story, again } = resumed()
    again.gets(4, 'alice', 'd', replay)
    again.gets(5, 'alice', 'e', replay)
    again.live()
    expect(broken(story)).toEqual(['H14'])
  })

  it('finds resumed:true although something was lost', () => {
    const { story, again } = resumed()
    again.gets(5, 'alice', 'e', replay)
    again.synced(4, 5, { recovered: false })
    again.live()
    expect(broken(story)).toEqual(['H14'])
  })

  it('finds a membership gap over the own messages of a user', () => {
    const { story, bob } = spoken(2)
    bob.does('gap', { ...at(0), from: 2, to: 4, reason: 'membership' })
    expect(broken(story)).toEqual(['H14'])
  })
})
