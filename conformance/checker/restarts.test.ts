// What was there before the recording, faults, and numberings that end: what is owed then, and what is not.
import { describe, expect, it } from 'vitest'
import { checkHistory } from './checker.ts'
import { pair } from './testing/spoken.ts'
import { at, broken, direct, epoch, seen, Story } from './testing/story.ts'

const team = 'g:team'
const inTeam = { conv: team }

/** A pair on a server that keeps its log in memory. */
function forgetful() {
  const { story, alice, bob } = pair()
  const capabilities = ['durability=memory', 'history', 'groups', 'receipts']
  story.events.unshift({ kind: 'header', format: 'chatspec-history', version: 1, capabilities })
  return { story, alice, bob }
}

describe('what was there before', () => {
  function based() {
    const story = new Story()
    story.add({ kind: 'base', ms: 0, ...at(7, team), members: ['alice', 'bob'] })
    return { story, alice: story.connect('alice'), bob: story.connect('bob') }
  }

  it('is not asked for, and its members get what follows', () => {
    const { story, alice, bob } = based()
    story.quiet()
    bob.reads([seen(6, 'zoe', 'older'), seen(7, 'zoe', 'old')], { ...inTeam, timed: true })
    alice.says('a', 8, team)
    bob.gets(8, 'alice', 'a', inTeam)
    story.quiet()
    expect(broken(story)).toEqual([])
  })

  it('is the beginning of what they have to get, and others must not', () => {
    const { story, alice } = based()
    alice.says('a', 8, team)
    story.quiet()
    expect(broken(story)).toEqual(['H8'])
    story.connect('eve').gets(8, 'alice', 'a', inTeam)
    expect(broken(story)).toEqual(['H8', 'H10'])
  })
})

describe('a fault', () => {
  const faultOf = (fault: string, phase: 'start' | 'stop' = 'start') =>
    ({ kind: 'fault', fault, phase }) as const

  it('counts when it starts, and only a kill or a restart is judged', () => {
    const { story } = pair()
    story.add({ ...faultOf('partition'), ms: story.tick() })
    story.add({ ...faultOf('kill', 'stop'), ms: story.tick() })
    const { counters, rules } = checkHistory(story.events)
    expect(counters.faults).toBe(1)
    expect(rules.find(({ rule }) => rule === 'H17')?.verdict).toBe('not-applicable')
  })

  it('is no excuse for what broke on one side of it', () => {
    const { story, alice, bob } = pair()
    bob.gets(3, 'alice', 'nobody')
    story.kill()
    alice.close(false)
    const again = story.returns('alice')
    again.gets(4, 'bob', 'nobody')
    expect(broken(story)).toEqual(['H2'])
  })

  it('settles what became of joins without an answer: a later word of the server is true', () => {
    const { story } = pair()
    const carol = story.connect('carol')
    carol.asks('join', inTeam)
    carol.close(false)
    story.kill()
    const again = story.connect('carol')
    again.does('membership', { conv: team, epoch, member: 'carol', change: 'removed', seq: 0 })
    const alice = story.returns('alice', { device: 'laptop' })
    alice.joins(team, 0)
    alice.says('c', 1, team)
    again.gets(1, 'alice', 'c', inTeam)
    expect(broken(story)).toEqual(['H10'])
  })
})

describe('a server that forgets all when it is killed', () => {
  it('owes nothing of what it has forgotten', () => {
    const { story, alice, bob } = forgetful()
    bob.acks(1)
    story.kill()
    alice.close(false)
    bob.close(false)
    story.connect('alice', { device: 'laptop' })
    story.quiet()
    alice.story.connect('bob').readsAtEnd([])
    expect(broken(story)).toEqual([])
  })

  it('numbers anew, and that is judged like the first time', () => {
    const { story, alice, bob } = forgetful()
    bob.acks(2)
    bob.does('read', at(2))
    story.kill()
    alice.close(false)
    bob.close(false)
    const anew = { epoch: 'e2', timestamp: 9_000 }
    const again = story.connect('alice')
    again.sent(again.send('c'), 'c', 1, anew)
    const other = story.returns('bob')
    story.quiet()
    expect(broken(story)).toEqual([])
    other.live()
    expect(broken(story)).toEqual(['H8'])
    again.does('receipt', { ...at(1), epoch: 'e2', reader: 'bob', mark: 'delivered' })
    again.does('receipt', { ...at(1), epoch: 'e2', reader: 'bob', mark: 'read' })
    expect(checkHistory(story.events).rules.find(({ rule }) => rule === 'H15')?.violationCount).toBe(2)
  })

  it('may still tell of the old numbering on connections that it had', () => {
    const { story, alice, bob } = forgetful()
    alice.says('c', 3)
    story.kill()
    alice.close(false)
    const again = story.connect('alice')
    again.sent(again.send('d'), 'd', 1, { epoch: 'e2', timestamp: 9_000 })
    bob.gets(3, 'alice', 'c')
    bob.close(false)
    again.sent(again.send('e'), 'e', 2, { epoch: 'e2', timestamp: 9_001 })
    const both = [
      { ...seen(1, 'alice', 'd'), timestamp: 9_000 },
      { ...seen(2, 'alice', 'e'), timestamp: 9_001 },
    ]
    again.does('page', { id: ask(again), epoch: 'e2', items: both, complete: true })
    story.quiet()
    expect(broken(story)).toEqual([])
    again.does('page', { id: ask(again), epoch: 'e2', items: both.slice(0, 1), complete: true })
    expect(broken(story)).toEqual(['H13'])
  })

  function ask(actor: ReturnType<Story['connect']>): number {
    return actor.asks('history', { conv: direct, order: 'asc' })
  }
})
