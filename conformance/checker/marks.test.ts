// H15 and H16: receipts and presence.
import { describe, expect, it } from 'vitest'
import { pair } from './testing/spoken.ts'
import { at, broken } from './testing/story.ts'

describe('H15: receipts', () => {
  const receipt = (seq: number, mark: 'delivered' | 'read' = 'delivered') => ({
    ...at(seq),
    reader: 'bob',
    mark,
  })

  it('accepts receipts that follow the acks and reads', () => {
    const { story, alice, bob } = pair()
    bob.acks(1)
    alice.does('receipt', receipt(1))
    alice.does('receipt', receipt(1))
    bob.acks(2)
    bob.does('read', at(2))
    alice.does('receipt', receipt(2))
    alice.does('receipt', receipt(2, 'read'))
    expect(broken(story)).toEqual([])
  })

  it('accepts a receipt that comes twice', () => {
    const { story, alice, bob } = pair()
    bob.acks(2)
    alice.does('receipt', receipt(2))
    alice.does('receipt', receipt(2))
    expect(broken(story)).toEqual([])
  })

  it('does not count an ack of what never came', () => {
    const { story, alice, bob } = pair()
    bob.does('ack', { ...at(9), deliberate: true })
    alice.does('receipt', receipt(9))
    expect(broken(story)).toEqual(['H15'])
  })

  it('finds a receipt that goes back', () => {
    const { story, alice, bob } = pair()
    bob.acks(2)
    alice.does('receipt', receipt(2))
    alice.does('receipt', receipt(1))
    expect(broken(story)).toEqual(['H15'])
  })

  it('finds delivered before the ack, and read before the read', () => {
    const delivered = pair()
    delivered.alice.does('receipt', receipt(1))
    expect(broken(delivered.story)).toEqual(['H15'])
    const read = pair()
    read.bob.acks(2)
    read.alice.does('receipt', receipt(2, 'read'))
    expect(broken(read.story)).toEqual(['H15'])
  })
})

describe('H16: presence', () => {
  const soon = { presenceBoundMs: 10, presenceCutBoundMs: 50 }

  it('accepts what is true, and what is not true yet', () => {
    const { story, alice, bob } = pair()
    alice.does('presence', { peer: 'bob', online: true })
    story.ms += 20
    story.quiet()
    bob.close()
    story.quiet()
    expect(broken(story, soon)).toEqual([])
  })

  it('finds a peer that stays online after its last connection, cut or not', () => {
    for (const isClean of [true, false]) {
      const { story, alice, bob } = pair()
      alice.does('presence', { peer: 'bob', online: true })
      bob.close(isClean)
      story.ms += 20
      story.quiet()
      expect(broken(story, soon)).toEqual(isClean ? ['H16'] : [])
      story.ms += 50
      story.quiet()
      expect(broken(story, soon)).toEqual(['H16'])
    }
  })

  it('finds that closing one of two connections makes a peer offline', () => {
    const { story, alice, bob } = pair()
    story.connect('bob', { device: 'laptop' }).acks(0)
    bob.close()
    alice.does('presence', { peer: 'bob', online: false })
    story.ms += 20
    story.quiet()
    expect(broken(story, soon)).toContain('H16')
  })
})
