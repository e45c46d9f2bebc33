// H11 and H13 in their corners: walks over pages that break off, repeat or change their numbering.
import { describe, expect, it } from 'vitest'
import { checkHistory } from './checker.ts'
import type { HistoryRule } from './rules.ts'
import { type Actor, at, broken, direct, epoch, seen, Story } from './testing/story.ts'

const whole = ['a', 'b', 'c', 'd'].map((msgId, index) => seen(index + 1, 'alice', msgId))

function said() {
  const story = new Story()
  const alice = story.connect('alice')
  for (const { msgId, seq } of whole) alice.says(msgId, seq)
  return { story, alice }
}

function page(
  actor: Actor,
  items: typeof whole,
  cursors: { from?: string; next?: string; epoch?: string },
): void {
  const { from, next } = cursors
  const id = actor.asks('history', {
    conv: direct,
    order: 'asc',
    ...(from !== undefined && { cursor: from }),
  })
  const more = next === undefined ? { complete: true } : { complete: false, nextCursor: next }
  actor.does('page', { id, epoch: cursors.epoch ?? epoch, items, ...more })
}

function countOf(story: Story, wanted: HistoryRule): number | undefined {
  return checkHistory(story.events).rules.find(({ rule }) => rule === wanted)?.violationCount
}

describe('a walk over pages', () => {
  it('that was found wrong is not judged any further', () => {
    const hole = said()
    page(hole.alice, [seen(1, 'alice', 'a'), seen(3, 'alice', 'c')], {})
    expect([countOf(hole.story, 'H11'), countOf(hole.story, 'H13')]).toEqual([1, 0])
    const back = said()
    page(back.alice, [seen(1, 'alice', 'a'), seen(2, 'alice', 'b'), seen(1, 'alice', 'a')], {})
    expect([countOf(back.story, 'H11'), countOf(back.story, 'H13')]).toEqual([1, 0])
  })

  it('finds an item that is twice on a page', () => {
    const { story, alice } = said()
    page(alice, [...whole, seen(4, 'alice', 'd')], {})
    expect(broken(story)).toEqual(['H11'])
  })

  it('may be asked for one page twice', () => {
    const { story, alice } = said()
    page(alice, whole.slice(0, 2), { next: 'x' })
    page(alice, whole.slice(2), { from: 'x' })
    page(alice, whole.slice(2), { from: 'x' })
    expect(broken(story)).toEqual([])
  })

  it('of which nobody saw the beginning is judged only from one item to the next', () => {
    const { story, alice } = said()
    page(alice, whole.slice(2, 3), { from: 'elsewhere' })
    expect(broken(story)).toEqual([])
    page(alice, [seen(1, 'alice', 'a'), seen(4, 'alice', 'd')], { from: 'elsewhere' })
    expect(broken(story)).toEqual(['H11'])
  })

  it('ends when the numbering does', () => {
    const { story, alice } = said()
    page(alice, whole.slice(0, 2), { next: 'x' })
    page(alice, [], { from: 'x', epoch: 'e2' })
    expect(broken(story)).toEqual([])
  })

  it('has to hold the newest ack, also if an older one came after it', () => {
    const story = new Story()
    const alice = story.connect('alice')
    const [first, second] = [alice.send('a'), alice.send('b')]
    alice.sent(second, 'b', 2)
    alice.sent(first, 'a', 1)
    page(alice, whole.slice(0, 1), {})
    expect(broken(story)).toEqual(['H13'])
  })
})

describe('final reads of neighbouring memberships', () => {
  it('cover the log together', () => {
    const conv = 'g:team'
    const story = new Story()
    story.add({ kind: 'base', ms: 0, ...at(0, conv), members: ['alice'] })
    const alice = story.connect('alice')
    const bob = story.connect('bob')
    alice.says('a', 1, conv)
    alice.leaves(conv, 1)
    bob.joins(conv, 1)
    bob.says('b', 2, conv)
    alice.readsAtEnd([seen(1, 'alice', 'a')], conv)
    bob.readsAtEnd([seen(2, 'bob', 'b')], conv)
    const { rules } = checkHistory(story.events)
    expect(rules.filter(({ rule }) => rule === 'H1' || rule === 'H4').map(({ verdict }) => verdict)).toEqual([
      'pass',
      'pass',
    ])
  })
})
