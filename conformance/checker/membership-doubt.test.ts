// H10 and H8 while it is not sure who belongs to a group: joins without an answer, late, or told by somebody else.
import { describe, expect, it } from 'vitest'
import { broken, epoch, Story } from './testing/story.ts'

const team = 'g:team'
const inTeam = { conv: team }

/** Alice has said a and b in the team; Carol has asked on her laptop to join, and has a phone as well. */
function asking({ capabilities }: { capabilities?: string[] } = {}) {
  const story = new Story()
  if (capabilities !== undefined) {
    story.add({ kind: 'header', format: 'chatspec-history', version: 1, capabilities })
  }
  const alice = story.connect('alice')
  const phone = story.connect('carol')
  const laptop = story.connect('carol', { device: 'laptop' })
  alice.joins(team, 0)
  alice.says('a', 1, team)
  alice.says('b', 2, team)
  return { story, alice, phone, laptop, id: laptop.asks('join', inTeam) }
}

describe('a join that is under way', () => {
  it('lets other devices begin right behind its boundary, and nowhere else', () => {
    for (const [first, rules] of [
      ['c', []],
      ['d', ['H7']],
    ] as const) {
      const { story, alice, phone, laptop, id } = asking()
      alice.says('c', 3, team)
      alice.says('d', 4, team)
      if (first === 'c') phone.gets(3, 'alice', 'c', inTeam)
      phone.gets(4, 'alice', 'd', inTeam)
      laptop.does('ok', { id, epoch, top: 2 })
      expect(broken(story)).toEqual(rules)
    }
  })

  it('lets them leave out what may be an own message without an answer', () => {
    const { story, alice, phone, laptop, id } = asking()
    phone.send('x', inTeam)
    alice.says('d', 4, team)
    phone.gets(4, 'alice', 'd', inTeam)
    laptop.does('ok', { id, epoch, top: 2 })
    expect(broken(story)).toEqual([])
  })
})

describe('a join whose answer never came', () => {
  it('is what the server said of it elsewhere', () => {
    const { story, alice, phone, laptop } = asking()
    phone.does('membership', { conv: team, epoch, member: 'carol', change: 'joined', seq: 2 })
    laptop.close(false)
    alice.says('c', 3, team)
    expect(broken(story)).toEqual([])
    story.quiet()
    expect(broken(story)).toEqual(['H8'])
    phone.gets(2, 'alice', 'b', inTeam)
    expect(broken(story)).toContain('H10')
  })

  it('may take effect behind a later leave', () => {
    const { story, alice, phone, laptop } = asking()
    laptop.close(false)
    phone.leaves(team, 2)
    alice.says('c', 3, team)
    phone.gets(3, 'alice', 'c', inTeam)
    expect(broken(story)).toEqual([])
  })

  it('has no effect on a server that was killed and forgets all', () => {
    const { story, alice, phone, laptop } = asking({ capabilities: ['durability=memory', 'groups'] })
    story.kill()
    for (const one of [alice, phone, laptop]) one.close(false)
    const again = story.connect('alice')
    const carol = story.connect('carol')
    again.does('ok', { id: again.asks('join', inTeam), epoch: 'e2', top: 0 })
    again.sent(again.send('c', inTeam), 'c', 1, { conv: team, epoch: 'e2' })
    expect(broken(story)).toEqual([])
    carol.gets(1, 'alice', 'c', { conv: team, epoch: 'e2' })
    expect(broken(story)).toEqual(['H10'])
  })
})
