// H10 and H8: nothing outside of a membership, and everything inside.
import { describe, expect, it } from 'vitest'
import { broken, direct, epoch, seen, Story } from './testing/story.ts'

const team = 'g:team'
const inTeam = { conv: team }

/** Alice owns the team and has said a and b; Bob has joined behind b. */
function group() {
  const story = new Story()
  const alice = story.connect('alice')
  const bob = story.connect('bob')
  alice.joins(team, 0)
  alice.says('a', 1, team)
  alice.says('b', 2, team)
  bob.joins(team, 2)
  return { story, alice, bob }
}

describe('H10: nothing outside of a membership', () => {
  it('accepts everything from behind the join to the leave, both exactly', () => {
    const { story, alice, bob } = group()
    alice.says('c', 3, team)
    bob.gets(3, 'alice', 'c', inTeam)
    bob.leaves(team, 3)
    alice.says('d', 4, team)
    bob.reads([seen(3, 'alice', 'c')], inTeam)
    expect(broken(story)).toEqual([])
  })

  it('finds a message before the join', () => {
    const { story, bob } = group()
    bob.gets(2, 'alice', 'b', inTeam)
    expect(broken(story)).toEqual(['H10'])
  })

  it('lets the harness acknowledge such a message, which it cannot know to be wrong', () => {
    const { story, bob } = group()
    bob.gets(2, 'alice', 'b', inTeam)
    bob.acks(2, team)
    expect(broken(story)).toEqual(['H10'])
  })

  it('finds it in history', () => {
    const { story, bob } = group()
    bob.reads([seen(2, 'alice', 'b')], { ...inTeam, timed: true })
    expect(broken(story)).toEqual(['H10'])
  })

  it('finds a message behind a removal, however late', () => {
    const { story, alice, bob } = group()
    alice.leaves(team, 2, 'bob')
    bob.does('membership', { conv: team, epoch, member: 'bob', change: 'removed', seq: 2 })
    alice.says('c', 3, team)
    bob.gets(3, 'alice', 'c', inTeam)
    expect(broken(story)).toEqual(['H10'])
  })

  it('finds a message behind a removal that came before the answer to it', () => {
    const { story, alice, bob } = group()
    alice.says('c', 3, team)
    bob.gets(3, 'alice', 'c', inTeam)
    alice.leaves(team, 2, 'bob')
    expect(broken(story)).toEqual(['H10'])
  })

  it('finds that somebody who was removed still writes', () => {
    const { story, alice, bob } = group()
    alice.leaves(team, 2, 'bob')
    bob.says('c', 3, team)
    expect(broken(story)).toEqual(['H10'])
  })

  it('finds a message of two others', () => {
    const { story, alice } = group()
    const eve = story.connect('eve')
    alice.says('x', 1)
    eve.gets(1, 'alice', 'x')
    expect(broken(story)).toEqual(['H10'])
  })

  it('waits for the answer to a join that a delivery on another connection has overtaken', () => {
    const { story, alice } = group()
    const carol = story.connect('carol', { device: 'laptop' })
    const phone = story.connect('carol', { device: 'phone' })
    const id = carol.asks('join', { conv: team })
    alice.says('c', 3, team)
    phone.gets(3, 'alice', 'c', inTeam)
    carol.does('ok', { id, epoch, top: 2 })
    carol.gets(3, 'alice', 'c', inTeam)
    expect(broken(story)).toEqual([])
  })

  it('finds that such a delivery was before the boundary, or that the join was refused', () => {
    for (const isGranted of [true, false]) {
      const { story, alice } = group()
      const carol = story.connect('carol', { device: 'laptop' })
      const phone = story.connect('carol', { device: 'phone' })
      const id = carol.asks('join', { conv: team })
      alice.says('c', 3, team)
      phone.gets(3, 'alice', 'c', inTeam)
      if (isGranted) carol.does('ok', { id, epoch, top: 3 })
      else carol.does('error', { id, code: 103, definite: true })
      expect(broken(story)).toEqual(['H10'])
    }
  })

  it('lets a join with unknown outcome go either way', () => {
    for (const hasJoined of [true, false]) {
      const { story, alice } = group()
      const carol = story.connect('carol', { device: 'laptop' })
      carol.asks('join', { conv: team })
      carol.close(false)
      const phone = story.connect('carol', { device: 'phone' })
      alice.says('c', 3, team)
      if (hasJoined) phone.gets(3, 'alice', 'c', inTeam)
      story.quiet()
      expect(broken(story).filter((rule) => rule === 'H10')).toEqual([])
    }
  })

  it('takes the word of the server after a join with unknown outcome, once all is quiet', () => {
    const { story, alice } = group()
    const carol = story.connect('carol', { device: 'laptop' })
    carol.asks('join', { conv: team })
    carol.close(false)
    const phone = story.connect('carol', { device: 'phone' })
    story.quiet()
    phone.does('membership', { conv: team, epoch, member: 'carol', change: 'removed', seq: 2 })
    alice.says('c', 3, team)
    phone.gets(3, 'alice', 'c', inTeam)
    expect(broken(story)).toEqual(['H10'])
  })

  it('keeps several memberships apart', () => {
    const { story, alice, bob } = group()
    bob.leaves(team, 2)
    alice.says('c', 3, team)
    bob.joins(team, 3)
    alice.says('d', 4, team)
    bob.gets(4, 'alice', 'd', inTeam)
    alice.reads(
      [seen(1, 'alice', 'a'), seen(2, 'alice', 'b'), seen(3, 'alice', 'c'), seen(4, 'alice', 'd')],
      inTeam,
    )
    expect(broken(story)).toEqual([])
    bob.reads([seen(3, 'alice', 'c'), seen(4, 'alice', 'd')], inTeam)
    expect(broken(story)).toEqual(['H10'])
  })

  it('takes what the owner does to others, and what the server tells them', () => {
    const { story, alice } = group()
    const carol = story.connect('carol')
    alice.joins(team, 2, 'carol')
    carol.does('membership', { conv: team, epoch, member: 'carol', change: 'joined', seq: 2 })
    alice.says('c', 3, team)
    carol.gets(3, 'alice', 'c', inTeam)
    alice.leaves(team, 3, 'carol')
    carol.does('membership', { conv: team, epoch, member: 'carol', change: 'removed', seq: 3 })
    expect(broken(story)).toEqual([])
  })
})

describe('H8: every device has everything', () => {
  it('accepts a quiet moment in which all have all', () => {
    const { story, alice, bob } = group()
    alice.says('c', 3, team)
    bob.gets(3, 'alice', 'c', inTeam)
    story.quiet()
    expect(broken(story)).toEqual([])
  })

  it('finds a device that has not got the last message', () => {
    const { story, alice, bob } = group()
    const laptop = story.connect('bob', { device: 'laptop' })
    laptop.does('live', {})
    alice.says('c', 3, team)
    bob.gets(3, 'alice', 'c', inTeam)
    story.quiet()
    expect(broken(story)).toEqual(['H8'])
  })

  it('finds it behind a fence', () => {
    const story = new Story()
    const alice = story.connect('alice')
    const bob = story.connect('bob')
    alice.says('a', 1)
    bob.fence()
    expect(broken(story)).toEqual(['H8'])
  })

  it('asks nothing of a fence whose answer has another nonce, or behind a full window', () => {
    const story = new Story()
    const alice = story.connect('alice')
    const bob = story.connect('bob')
    alice.says('a', 1)
    bob.does('fence', { n: 5 })
    bob.does('fenced', { n: 6 })
    expect(broken(story)).toEqual([])
    for (let seq = 2; seq <= 101; seq++) alice.says(`m${seq}`, seq)
    bob.gets(1, 'alice', 'a')
    for (let seq = 2; seq <= 100; seq++) bob.gets(seq, 'alice', `m${seq}`)
    bob.fence()
    expect(broken(story)).toEqual([])
  })

  it('finds that a returning device is live without what it missed', () => {
    const story = new Story()
    const alice = story.connect('alice')
    const bob = story.connect('bob')
    bob.close(false)
    alice.says('a', 1)
    story.connect('bob')
    expect(broken(story)).toEqual(['H8'])
  })

  it('asks nothing of devices that are away', () => {
    const story = new Story()
    const alice = story.connect('alice')
    const bob = story.connect('bob')
    bob.close(false)
    alice.says('a', 1)
    story.quiet()
    expect(broken(story)).toEqual([])
  })

  it('finds that a member gets nothing after a join', () => {
    const { story, alice, bob } = group()
    alice.says('c', 3, team)
    alice.says('d', 4, team)
    bob.gets(4, 'alice', 'd', inTeam)
    expect(broken(story)).toEqual(['H7'])
    const never = group()
    never.alice.says('c', 3, team)
    never.story.quiet()
    expect(broken(never.story)).toEqual(['H8'])
  })

  it('does not ask for conversations of others', () => {
    const story = new Story()
    const alice = story.connect('alice')
    story.connect('eve')
    const bob = story.connect('bob')
    alice.says('a', 1, direct)
    bob.gets(1, 'alice', 'a')
    story.quiet()
    expect(broken(story)).toEqual([])
  })
})
