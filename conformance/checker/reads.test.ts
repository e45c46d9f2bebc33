// H11 and H13: what history says, also in walks over pages that break off, repeat or change their numbering.
import { describe, expect, it } from 'vitest'
import { checkHistory } from './checker.ts'
import type { SeenMessage } from './events.ts'
import type { HistoryRule } from './rules.ts'
import { chat, whole } from './testing/spoken.ts'
import { type Actor, at, broken, direct, epoch, seen, Story } from './testing/story.ts'

const four = ['a', 'b', 'c', 'd'].map((msgId, index) => seen(index + 1, 'alice', msgId))

function said() {
  const story = new Story()
  const alice = story.connect('alice')
  for (const { msgId, seq } of four) alice.says(msgId, seq)
  return { story, alice }
}

function page(
  actor: Actor,
  items: SeenMessage[],
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

describe('H11: pages are the log', () => {
  it('accepts pages in both directions and inside of bounds', () => {
    const { story, alice } = chat()
    const first = alice.asks('history', { conv: direct, order: 'desc' })
    alice.does('page', { id: first, epoch, items: whole.slice(2), complete: false, nextCursor: 'x' })
    const second = alice.asks('history', { conv: direct, order: 'desc', cursor: 'x' })
    alice.does('page', { id: second, epoch, items: whole.slice(0, 2).reverse(), complete: true })
    alice.reads(whole.slice(1, 2), { afterSeq: 1, beforeSeq: 3 })
    alice.reads(whole.slice(1, 2), { timed: true })
    expect(broken(story)).toEqual([])
  })

  it('finds an item that the next page repeats', () => {
    const { story, alice } = chat()
    const first = alice.asks('history', { conv: direct, order: 'asc' })
    alice.does('page', { id: first, epoch, items: whole.slice(0, 2), complete: false, nextCursor: 'x' })
    const second = alice.asks('history', { conv: direct, order: 'asc', cursor: 'x' })
    alice.does('page', { id: second, epoch, items: whole.slice(1), complete: true })
    expect(broken(story)).toEqual(['H11'])
  })

  it('finds an item that is left out between two pages', () => {
    const { story, alice } = chat()
    const first = alice.asks('history', { conv: direct, order: 'asc' })
    alice.does('page', { id: first, epoch, items: whole.slice(0, 1), complete: false, nextCursor: 'x' })
    const second = alice.asks('history', { conv: direct, order: 'asc', cursor: 'x' })
    alice.does('page', { id: second, epoch, items: whole.slice(2), complete: true })
    expect(broken(story)).toEqual(['H11'])
  })

  it('finds items in the wrong order', () => {
    const { story, alice } = chat()
    alice.reads([...whole].reverse())
    expect(broken(story)).toEqual(['H11'])
  })
})

describe('H13: history holds what was acked before', () => {
  it('accepts that it lacks what was acked after the request', () => {
    const { story, alice, bob } = chat()
    const id = alice.asks('history', { conv: direct, order: 'asc' })
    bob.says('d', 4)
    alice.does('page', { id, epoch, items: whole, complete: true })
    expect(broken(story)).toEqual([])
  })

  it('finds an end that is too early, in either direction', () => {
    const forward = chat()
    forward.bob.reads(whole.slice(0, 2))
    expect(broken(forward.story)).toEqual(['H13'])
    const backward = chat()
    backward.bob.reads(whole.slice(0, 2).reverse(), { order: 'desc' })
    expect(broken(backward.story)).toEqual(['H13'])
  })

  it('finds an empty answer', () => {
    const { story, bob } = chat()
    bob.reads([])
    expect(broken(story)).toEqual(['H13'])
  })
})

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
    page(alice, [...four, seen(4, 'alice', 'd')], {})
    expect(broken(story)).toEqual(['H11'])
  })

  it('may be asked for one page twice', () => {
    const { story, alice } = said()
    page(alice, four.slice(0, 2), { next: 'x' })
    page(alice, four.slice(2), { from: 'x' })
    page(alice, four.slice(2), { from: 'x' })
    expect(broken(story)).toEqual([])
  })

  it('of which nobody saw the beginning is judged only from one item to the next', () => {
    const { story, alice } = said()
    page(alice, four.slice(2, 3), { from: 'elsewhere' })
    expect(broken(story)).toEqual([])
    page(alice, [seen(1, 'alice', 'a'), seen(4, 'alice', 'd')], { from: 'elsewhere' })
    expect(broken(story)).toEqual(['H11'])
  })

  it('ends when the numbering does', () => {
    const { story, alice } = said()
    page(alice, four.slice(0, 2), { next: 'x' })
    page(alice, [], { from: 'x', epoch: 'e2' })
    expect(broken(story)).toEqual([])
  })

  it('has to hold the newest ack, also if an older one came after it', () => {
    const story = new Story()
    const alice = story.connect('alice')
    const [first, second] = [alice.send('a'), alice.send('b')]
    alice.sent(second, 'b', 2)
    alice.sent(first, 'a', 1)
    page(alice, four.slice(0, 1), {})
    expect(broken(story)).toEqual(['H13'])
  })
})

describe('final reads', () => {
  it('count together: each member reads what is its own', () => {
    const story = new Story()
    const alice = story.connect('alice')
    const bob = story.connect('bob')
    const conv = 'g:team'
    alice.joins(conv, 0)
    alice.says('a', 1, conv)
    bob.joins(conv, 1)
    bob.says('b', 2, conv)
    alice.gets(2, 'bob', 'b', { conv })
    alice.leaves(conv, 2)
    bob.says('c', 3, conv)
    bob.readsAtEnd([seen(2, 'bob', 'b'), seen(3, 'bob', 'c')], conv)
    expect(verdictOf(story, 'H4')).toBe('unknown')
    alice.readsAtEnd([seen(1, 'alice', 'a'), seen(2, 'bob', 'b')], conv)
    expect(broken(story)).toEqual([])
    expect(verdictOf(story, 'H4')).toBe('pass')
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

function verdictOf(story: Story, rule: string): string | undefined {
  return checkHistory(story.events).rules.find((one) => one.rule === rule)?.verdict
}
