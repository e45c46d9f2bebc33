// H7 and own sends without an answer: what may be one of them is no skip, until it is known to be another message.
import { describe, expect, it } from 'vitest'
import { spoken } from './testing/spoken.ts'
import { type Actor, at, broken, type Story } from './testing/story.ts'

/** Alice has got everything up to 5, and has sent f without an answer. */
function waiting() {
  const { story, alice, bob } = spoken(5)
  return { story, alice, bob, id: alice.send('f') }
}

function expectBroken(story: Story, rules: string[]): void {
  expect(broken(story)).toEqual(rules)
}

describe('an own send without an answer', () => {
  it('is not shown to the connection that sent it', () => {
    const { story, alice, bob } = waiting()
    bob.gets(6, 'alice', 'f')
    bob.says('g', 7)
    alice.gets(7, 'bob', 'g')
    expectBroken(story, [])
  })

  it('hides no message of somebody else', () => {
    const { story, alice, bob } = waiting()
    bob.says('g', 6)
    bob.says('h', 7)
    alice.gets(7, 'bob', 'h')
    expectBroken(story, ['H7'])
  })

  it('may be what nobody has seen yet, as long as there are enough of them', () => {
    const one = waiting()
    one.bob.send('g')
    one.alice.gets(7, 'bob', 'g')
    expectBroken(one.story, [])
    const two = waiting()
    two.bob.send('g')
    two.alice.gets(8, 'bob', 'g')
    expectBroken(two.story, ['H7'])
  })

  /** Bob says g at 7, which Alice gets; 6 may be her own f. */
  function presumed() {
    const { story, alice, bob, id } = waiting()
    const [first, second] = [bob.send('e2'), bob.send('g')]
    alice.gets(7, 'bob', 'g')
    expectBroken(story, [])
    return { story, alice, bob, id, first, second }
  }

  it('is that if it is seen there', () => {
    const { story, bob } = presumed()
    bob.gets(6, 'alice', 'f')
    expectBroken(story, [])
  })

  it('is that if its ack says so', () => {
    const { story, alice, id } = presumed()
    alice.sent(id, 'f', 6)
    alice.does('gap', { ...at(0), from: 7, to: 9, reason: 'overflow' })
    expectBroken(story, [])
  })

  it('is not that if somebody else is seen there', () => {
    const { story, bob, first } = presumed()
    bob.sent(first, 'e2', 6)
    expectBroken(story, ['H7'])
  })

  it('is not that if its ack names another seq', () => {
    const { story, alice, id } = presumed()
    alice.sent(id, 'f', 8)
    expectBroken(story, ['H7'])
  })

  it('is not that if it was refused', () => {
    const { story, alice, bob, id } = waiting()
    alice.does('error', { id, code: 104, definite: true })
    bob.send('g')
    alice.gets(7, 'bob', 'g')
    expectBroken(story, ['H7'])
  })

  it('is of no interest once the connection is over, or has been set back', () => {
    const over = presumed()
    over.alice.close(false)
    over.bob.sent(over.first, 'e2', 6)
    expectBroken(over.story, [])
    const back = presumed()
    returns(back.alice, back.bob, back.first)
    expectBroken(back.story, [])
  })

  function returns(alice: Actor, bob: Actor, first: number): void {
    alice.asks('sync', { cursors: [at(4)] })
    alice.gets(5, 'alice', 'e', { replay: true })
    bob.sent(first, 'e2', 6)
  }
})
