// H1, H2, H4: what was sent, and what is there.
import { describe, expect, it } from 'vitest'
import { checkHistory } from './checker.ts'
import { chat, whole } from './testing/spoken.ts'
import { at, broken, epoch, seen, Story } from './testing/story.ts'

describe('H1: accepted sends are in the final log once', () => {
  it('accepts a log that holds them all', () => {
    const { story, alice, bob } = chat()
    alice.readsAtEnd(whole)
    bob.reads([...whole].reverse(), { order: 'desc', final: true })
    expect(broken(story)).toEqual([])
    expect(verdictOf(story, 'H1')).toBe('pass')
  })

  it('finds a loss in the middle, in either direction', () => {
    for (const order of ['asc', 'desc'] as const) {
      const { story, bob } = chat()
      const left = whole.filter(({ seq }) => seq !== 2)
      bob.reads(order === 'asc' ? left : left.reverse(), { order, final: true })
      expect(broken(story)).toEqual(['H1'])
    }
  })

  it('finds a loss that its sender does not notice: another member reads', () => {
    const { story, alice, bob } = chat()
    alice.readsAtEnd(whole)
    bob.readsAtEnd(whole.slice(1))
    expect(broken(story)).toEqual(['H1'])
  })

  it('finds a loss at the end', () => {
    const { story, alice } = chat()
    alice.readsAtEnd(whole.slice(0, 2))
    expect(broken(story)).toEqual(['H1'])
  })

  it('finds that a message without ack was delivered and is lost', () => {
    const { story, alice, bob } = chat()
    alice.send('d')
    bob.gets(4, 'alice', 'd')
    alice.close(false)
    bob.readsAtEnd(whole)
    expect(broken(story)).toEqual(['H1'])
  })

  it('finds a message that is there twice', () => {
    const { story, bob } = chat()
    bob.readsAtEnd([...whole, seen(4, 'alice', 'c')])
    expect(broken(story)).toEqual(['H1'])
  })

  it('finds a message that is delivered twice under two seqs', () => {
    const { story, bob } = chat()
    bob.gets(4, 'alice', 'c', { timestamp: 2_000 })
    expect(broken(story)).toEqual(['H1'])
  })

  it('finds a message that is in two conversations', () => {
    const { story } = chat()
    story.connect('carol').gets(1, 'alice', 'c', { conv: 'd:alice:carol' })
    expect(broken(story)).toEqual(['H1'])
  })

  it('counts it once, however many observers see the second place', () => {
    const { story, alice, bob } = chat()
    bob.gets(4, 'alice', 'c', { timestamp: 2_000 })
    story.connect('bob', { device: 'laptop' })
    alice.gets(4, 'alice', 'c', { timestamp: 2_000 })
    const { rules } = checkHistory(story.events)
    expect(rules.find(({ rule }) => rule === 'H1')?.violationCount).toBe(1)
    expect(rules.find(({ rule }) => rule === 'H3')?.violationCount).toBe(0)
  })

  it('lets two senders use the same msgId', () => {
    const { story, alice, bob } = chat()
    bob.says('c', 4)
    alice.gets(4, 'bob', 'c')
    alice.readsAtEnd([...whole, seen(4, 'bob', 'c')])
    expect(broken(story)).toEqual([])
  })

  it('is unknown as long as a conversation was not read at the end', () => {
    const { story, alice } = chat()
    expect(verdictOf(story, 'H1')).toBe('unknown')
    alice.readsAtEnd(whole)
    alice.says('x', 1, 'd:alice:carol')
    expect(verdictOf(story, 'H1')).toBe('unknown')
    const part = chat()
    part.alice.reads(whole.slice(2), { afterSeq: 2, final: true })
    const none = checkHistory(part.story.events, { minimum: { finalReadShare: 0 } })
    expect(none.rules.find(({ rule }) => rule === 'H1')?.verdict).toBe('unknown')
    const half = checkHistory(story.events, { minimum: { finalReadShare: 0.5 } })
    expect(half.rules.find(({ rule }) => rule === 'H1')?.verdict).toBe('pass')
  })
})

describe('H2: what is seen was sent', () => {
  it('accepts a message whose send timed out, and counts it as recovered', () => {
    const { story, alice, bob } = chat()
    const id = alice.send('d')
    alice.does('timeout', { id })
    bob.gets(4, 'alice', 'd')
    expect(broken(story)).toEqual([])
    expect(checkHistory(story.events).counters).toMatchObject({ unknownSends: 1, recoveredSends: 1 })
  })

  it('accepts that a message whose send was cut is nowhere', () => {
    const { story, alice, bob } = chat()
    alice.send('d')
    alice.close(false)
    bob.readsAtEnd(whole)
    expect(broken(story)).toEqual([])
  })

  it('accepts a message whose repeat was refused, as the first attempt may have had an effect', () => {
    const { story, alice, bob } = chat()
    alice.send('d')
    alice.close(false)
    const again = story.returns('alice')
    again.does('error', { id: again.send('d'), code: 103, definite: true })
    bob.gets(4, 'alice', 'd')
    expect(broken(story)).toEqual([])
  })

  it('accepts a message after an error that is not definite', () => {
    const { story, alice, bob } = chat()
    alice.does('error', { id: alice.send('d'), code: 100, definite: false })
    bob.gets(4, 'alice', 'd')
    expect(broken(story)).toEqual([])
  })

  it('finds a message that nobody sent', () => {
    const { story, bob } = chat()
    bob.gets(4, 'alice', 'd')
    expect(broken(story)).toEqual(['H2'])
  })

  it('finds a message that was refused and appears, whichever comes first', () => {
    const later = chat()
    later.alice.does('error', { id: later.alice.send('d'), code: 104, definite: true })
    later.bob.gets(4, 'alice', 'd')
    expect(broken(later.story)).toEqual(['H2'])
    const earlier = chat()
    const id = earlier.alice.send('d')
    earlier.bob.gets(4, 'alice', 'd')
    earlier.alice.does('error', { id, code: 104, definite: true })
    expect(broken(earlier.story)).toEqual(['H2'])
  })

  it('finds a message in a conversation that it was not sent to', () => {
    const { story, alice, bob } = chat()
    const id = alice.send('d', { conv: 'd:alice:carol' })
    bob.gets(4, 'alice', 'd')
    alice.does('error', { id, code: 100, definite: false })
    expect(broken(story)).toEqual(['H2'])
  })

  it('finds an ack for what nobody sent', () => {
    const { story, alice } = chat()
    alice.sent(77, 'ghost', 4)
    expect(broken(story)).toEqual(['H2'])
  })
})

describe('H2 and answers', () => {
  it('leave a send open if the ack names another send', () => {
    const { story, alice, bob } = chat()
    const id = alice.send('d')
    alice.sent(id, 'c', 3)
    alice.sent(id, 'd', 4)
    bob.gets(4, 'alice', 'd')
    expect(broken(story)).toEqual([])
    expect(checkHistory(story.events).counters).toMatchObject({ okSends: 4, strayAnswers: 1 })
  })

  it('count a late refusal for what it is, and a timeout once', () => {
    const { story, alice, bob } = chat()
    const id = alice.send('d')
    alice.does('timeout', { id })
    alice.does('timeout', { id })
    expect(checkHistory(story.events).counters).toMatchObject({ unknownSends: 1, refusedSends: 0 })
    alice.does('error', { id, code: 104, definite: true })
    bob.gets(4, 'alice', 'd')
    expect(broken(story)).toEqual(['H2'])
    expect(checkHistory(story.events).counters).toMatchObject({ unknownSends: 1, refusedSends: 1 })
  })

  it('are stray if nobody waits for them', () => {
    const { story, alice } = chat()
    alice.does('ok', { id: 77 })
    alice.does('error', { id: 78, code: 101, definite: true })
    alice.does('page', { id: 79, epoch, items: [], complete: true })
    alice.sent(80, 'c', 3)
    expect(broken(story)).toEqual([])
    expect(checkHistory(story.events).counters.strayAnswers).toBe(4)
  })

  it('recover a send of unknown outcome by the ack of its repeat', () => {
    const { story, alice } = chat()
    alice.send('d')
    alice.close(false)
    const again = story.returns('alice')
    again.sent(again.send('d'), 'd', 4, { duplicate: true })
    expect(broken(story)).toEqual([])
    expect(checkHistory(story.events).counters).toMatchObject({ unknownSends: 1, recoveredSends: 1 })
  })
})

describe('H4: no holes', () => {
  it('accepts seqs that begin behind what was there before the recording', () => {
    const story = new Story()
    story.add({ kind: 'base', ms: 0, ...at(7) })
    const alice = story.connect('alice')
    alice.says('a', 8)
    alice.readsAtEnd([seen(7, 'zoe', 'old'), seen(8, 'alice', 'a')])
    expect(broken(story)).toEqual([])
    expect(verdictOf(story, 'H4')).toBe('pass')
  })

  it('finds a seq that no message has', () => {
    const story = new Story()
    const alice = story.connect('alice')
    alice.says('a', 1)
    alice.says('c', 3)
    alice.readsAtEnd([seen(1, 'alice', 'a'), seen(3, 'alice', 'c')])
    expect(broken(story)).toEqual(['H4'])
  })

  it('finds a log that does not begin with 1', () => {
    const story = new Story()
    const alice = story.connect('alice')
    alice.says('a', 2)
    alice.readsAtEnd([seen(2, 'alice', 'a')])
    expect(broken(story)).toEqual(['H4'])
  })
})

function verdictOf(story: Story, rule: string): string | undefined {
  return checkHistory(story.events).rules.find((one) => one.rule === rule)?.verdict
}
