// H3, H5, H6, H12: places, bodies, and the order of sends.
import { describe, expect, it } from 'vitest'
import { bodyHash } from './body-hash.ts'
import { checkHistory } from './checker.ts'
import { broken, Story } from './testing/story.ts'

function pair() {
  const story = new Story()
  return { story, alice: story.connect('alice'), bob: story.connect('bob') }
}

describe('H3: one place, one message', () => {
  it('accepts the same message at the same place for everybody', () => {
    const { story, alice, bob } = pair()
    alice.says('a', 1)
    bob.gets(1, 'alice', 'a')
    alice.reads([{ seq: 1, from: 'alice', msgId: 'a', hash: bodyHash({ content: 'a' }), timestamp: 1_001 }])
    expect(broken(story)).toEqual([])
  })

  it('finds another body than the one that was sent', () => {
    const { story, alice, bob } = pair()
    alice.send('a')
    bob.gets(1, 'alice', 'a', { hash: bodyHash({ content: 'b' }) })
    expect(broken(story)).toEqual(['H3'])
  })

  it('finds another body than the one that others saw', () => {
    const { story, alice, bob } = pair()
    alice.says('a', 1)
    bob.gets(1, 'alice', 'a', { hash: bodyHash({ content: 'b' }) })
    expect(broken(story)).toEqual(['H3'])
  })

  it('accepts either body of a msgId that the harness has reused on purpose, and no third', () => {
    for (const [content, rules] of [
      ['a', []],
      ['b', []],
      ['c', ['H3']],
    ] as const) {
      const { story, alice, bob } = pair()
      alice.send('a')
      alice.asks('send', {
        msgId: 'a',
        conv: 'd:alice:bob',
        hash: bodyHash({ content: 'b' }),
        deliberate: true,
      })
      bob.gets(1, 'alice', 'a', { hash: bodyHash({ content }) })
      expect(broken(story)).toEqual(rules)
    }
  })

  it('finds another timestamp', () => {
    const { story, alice, bob } = pair()
    alice.says('a', 1)
    bob.gets(1, 'alice', 'a', { timestamp: 5 })
    expect(broken(story)).toEqual(['H3'])
  })

  it('finds two messages at one place', () => {
    const { story, alice, bob } = pair()
    const first = alice.send('a')
    const second = bob.send('b')
    alice.sent(first, 'a', 1)
    bob.sent(second, 'b', 1)
    expect(broken(story)).toEqual(['H3'])
  })
})

describe('H5: send order', () => {
  it('accepts pipelined sends in order, also if their acks come late or are errors', () => {
    const { story, alice } = pair()
    const ids = ['a', 'b', 'c', 'd'].map((msgId) => alice.send(msgId))
    alice.does('error', { id: ids[1] ?? 0, code: 104, definite: true })
    alice.sent(ids[2] ?? 0, 'c', 2)
    alice.sent(ids[0] ?? 0, 'a', 1)
    alice.sent(ids[3] ?? 0, 'd', 3)
    expect(broken(story)).toEqual([])
  })

  it('accepts a repeat that is acked with its old seq', () => {
    const { story, alice } = pair()
    alice.says('a', 1)
    alice.says('b', 2)
    alice.sent(alice.send('a'), 'a', 1, { duplicate: true })
    expect(broken(story)).toEqual([])
  })

  it('finds two sends that changed places', () => {
    const { story, alice } = pair()
    const [first, second] = [alice.send('a'), alice.send('b')]
    alice.sent(first, 'a', 2)
    alice.sent(second, 'b', 1)
    expect(broken(story)).toEqual(['H5'])
  })

  it('finds them also if the later one is acked first', () => {
    const { story, alice } = pair()
    const [first, second] = [alice.send('a'), alice.send('b')]
    alice.sent(second, 'b', 1)
    alice.sent(first, 'a', 2)
    expect(broken(story)).toEqual(['H5'])
  })

  it('finds a send that is below one before, acked long ago', () => {
    const { story, alice } = pair()
    alice.says('a', 5)
    const [second, third] = [alice.send('b'), alice.send('c')]
    alice.sent(third, 'c', 6)
    alice.sent(second, 'b', 4)
    expect(broken(story)).toEqual(['H5'])
  })
})

describe('H5 after a violation', () => {
  it('still holds every send against the highest one before', () => {
    const { story, alice } = pair()
    for (const [msgId, seq] of [
      ['a', 5],
      ['b', 3],
      ['c', 4],
    ] as const)
      alice.says(msgId, seq)
    const { rules } = checkHistory(story.events)
    expect(rules.find(({ rule }) => rule === 'H5')?.violationCount).toBe(2)
  })
})

describe('H6: real time', () => {
  it('accepts overlapping sends in any order', () => {
    const { story, alice, bob } = pair()
    const [first, second] = [alice.send('a'), bob.send('b')]
    bob.sent(second, 'b', 1)
    alice.gets(1, 'bob', 'b')
    alice.sent(first, 'a', 2)
    bob.gets(2, 'alice', 'a')
    expect(broken(story)).toEqual([])
  })

  it('finds a send below one that was acked before it began', () => {
    const { story, alice, bob } = pair()
    alice.says('a', 2)
    bob.says('b', 1)
    expect(broken(story)).toEqual(['H6'])
  })

  it('finds it also by a delivery', () => {
    const { story, alice, bob } = pair()
    alice.says('a', 2)
    bob.send('b')
    alice.gets(1, 'bob', 'b')
    expect(broken(story)).toEqual(['H6'])
  })

  it('counts the first attempt of a message, not its repeat', () => {
    const { story, alice, bob } = pair()
    alice.send('a')
    alice.close(false)
    bob.gets(1, 'alice', 'a')
    bob.says('b', 2)
    const again = story.returns('alice')
    again.gets(1, 'alice', 'a', { replay: true })
    again.gets(2, 'bob', 'b', { replay: true })
    again.synced(0, 2)
    again.live()
    again.sent(again.send('a'), 'a', 1, { duplicate: true })
    expect(broken(story)).toEqual([])
  })
})

describe('H6 and repeats', () => {
  it('know that a message may be older than the repeat by which it is seen first', () => {
    const { story, alice, bob } = pair()
    alice.send('a')
    alice.close(false)
    bob.says('b', 2)
    const again = story.returns('alice')
    again.sent(again.send('a'), 'a', 1, { duplicate: true })
    expect(broken(story)).toEqual([])
  })
})

describe('H12: acks of one message agree', () => {
  it('accepts the same answer to every repeat', () => {
    const { story, alice } = pair()
    alice.says('a', 1)
    alice.sent(alice.send('a'), 'a', 1, { duplicate: true })
    expect(broken(story)).toEqual([])
  })

  it('finds a repeat with another seq', () => {
    const { story, alice } = pair()
    alice.says('a', 1)
    alice.sent(alice.send('a'), 'a', 2, { duplicate: true, timestamp: 1_001 })
    expect(broken(story)).toEqual(['H12'])
  })

  it('finds a repeat with another timestamp', () => {
    const { story, alice } = pair()
    alice.says('a', 1)
    alice.sent(alice.send('a'), 'a', 1, { duplicate: true, timestamp: 7 })
    expect(broken(story)).toEqual(['H12'])
  })

  it('finds a second answer to one send', () => {
    const { story, alice } = pair()
    const id = alice.send('a')
    alice.sent(id, 'a', 1)
    alice.sent(id, 'a', 1, { conv: 'd:alice:carol' })
    alice.sent(id, 'a', 2)
    expect(broken(story)).toEqual(['H12'])
    expect(checkHistory(story.events).rules.find(({ rule }) => rule === 'H12')?.violationCount).toBe(2)
  })
})
