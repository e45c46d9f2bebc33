// What a device makes of messages, holes, replays and memberships, one conversation at a time.
import { describe, expect, it } from 'vitest'
import type { Msg, Synced } from '../protocol/index.ts'
import { Inbox } from './inbox.ts'
import type { Position } from './storage.ts'

const direct = 'd:alice:bob'
const group = 'g:team'

describe('an inbox', () => {
  it('acknowledges again what it had when that is sent once more', () => {
    const inbox = open([{ conv: direct, epoch: 'e1', seq: 5 }])
    expect(inbox.message(msg({ seq: 5, replay: true }))).toBe('known')
    store(inbox)
    expect(inbox.acks()).toMatchObject([{ seq: 5 }])
    expect(inbox.acks()).toEqual([])
    expect(inbox.message(msg({ seq: 4 }))).toBe('known')
    expect(inbox.acks()).toMatchObject([{ seq: 5 }])
  })

  it('acknowledges again on the next connection, because the last ack may be lost', () => {
    const inbox = open([{ conv: direct, epoch: 'e1', seq: 5 }])
    inbox.live()
    expect(inbox.acks()).toMatchObject([{ seq: 5 }])
    inbox.connecting()
    expect(inbox.acks()).toEqual([])
    inbox.live()
    expect(inbox.acks()).toMatchObject([{ seq: 5 }])
  })

  it('names what is stored when it connects, the most recently used first', () => {
    const inbox = open([
      { conv: direct, epoch: 'e1', seq: 5 },
      { conv: group, epoch: 'e1', seq: 2 },
    ])
    inbox.message(msg({ seq: 6 }))
    expect(inbox.connecting()).toEqual([
      { conv: direct, epoch: 'e1', seq: 5 },
      { conv: group, epoch: 'e1', seq: 2 },
    ])
  })

  it('names no more cursors than fit into a frame', () => {
    const epoch = 'e'.repeat(128)
    const positions = Array.from({ length: 900 }, (_, n) => ({ conv: `g:${n}`, epoch, seq: n }))
    const bytes = JSON.stringify(open(positions).connecting()).length
    expect(bytes).toBeGreaterThan(50_000)
    expect(bytes).toBeLessThan(100_000)
  })

  it('tells of an overflow whose explanation was cut off, also after a restart', () => {
    const inbox = open([{ conv: direct, epoch: 'e1', seq: 5 }])
    expect(inbox.message(msg({ seq: 9, replay: true }))).toBe('deliver')
    inbox.handled(direct, 'e1', 9)
    const restarted = open(store(inbox))
    const whole = synced({ from: 9, to: 9 })
    expect(restarted.synced(whole)).toEqual({
      conv: direct,
      epoch: 'e1',
      from: 5,
      to: 8,
      reason: 'unannounced',
    })
  })

  it('does not tell twice of a new epoch', () => {
    const inbox = open([{ conv: direct, epoch: 'e1', seq: 5 }])
    inbox.message(msg({ epoch: 'e2', seq: 1, replay: true }))
    const lost = synced({
      epoch: 'e2',
      from: 0,
      to: 1,
      recovered: false,
      gap: { from: 0, to: 0, reason: 'epoch' },
    })
    expect(inbox.synced(lost)).toMatchObject({ reason: 'epoch' })
    inbox.connecting()
    expect(inbox.message(msg({ epoch: 'e2', seq: 1, replay: true }))).toBe('known')
    expect(inbox.synced(lost)).toBeUndefined()
  })

  it('goes back with a server that has lost the newest messages, and tells so', () => {
    const inbox = open([{ conv: direct, epoch: 'e1', seq: 5 }])
    const gap = { from: 3, to: 5, reason: 'future' } as const
    expect(inbox.synced(synced({ from: 3, to: 3, recovered: false, gap }))).toMatchObject(gap)
    expect(inbox.message(msg({ seq: 4 }))).toBe('deliver')
  })

  it('continues an incomplete replay where it ended, once that is stored', () => {
    const inbox = open([{ conv: direct, epoch: 'e1', seq: 5 }])
    inbox.message(msg({ seq: 6, replay: true }))
    inbox.synced(synced({ from: 5, to: 6, complete: false }))
    expect(inbox.syncs()).toEqual([])
    inbox.handled(direct, 'e1', 6)
    store(inbox)
    expect(inbox.syncs()).toEqual([{ conv: direct, epoch: 'e1', seq: 6 }])
    expect(inbox.syncs()).toEqual([])
  })

  it('finds a hole before the first message of a group that it has just joined', () => {
    const inbox = open([])
    inbox.live()
    inbox.joined(group, 'e1', 10)
    expect(inbox.message(msg({ conv: group, seq: 12 }))).toBe('hole')
    expect(inbox.message(msg({ conv: group, seq: 11 }))).toBe('deliver')
  })

  it('passes over what was said in a group while the user was away', () => {
    const inbox = open([{ conv: group, epoch: 'e1', seq: 5 }])
    inbox.live()
    inbox.left(group, 6)
    inbox.joined(group, 'e1', 20)
    expect(inbox.message(msg({ conv: group, seq: 21 }))).toBe('hole')
    expect(inbox.message(msg({ conv: group, seq: 6 }))).toBe('deliver')
    expect(inbox.message(msg({ conv: group, seq: 21 }))).toBe('deliver')
  })

  it('passes over it also if it was never told of the leaving', () => {
    const inbox = open([{ conv: group, epoch: 'e1', seq: 5 }])
    inbox.live()
    inbox.joined(group, 'e1', 20)
    expect(inbox.message(msg({ conv: group, seq: 22 }))).toBe('hole')
    expect(inbox.message(msg({ conv: group, seq: 21 }))).toBe('deliver')
  })

  it('believes a replay of a group that skips, but not one between two users', () => {
    for (const [conv, verdict] of [
      [group, 'deliver'],
      [direct, 'hole'],
    ] as const) {
      const inbox = open([{ conv, epoch: 'e1', seq: 5 }])
      expect(inbox.message(msg({ conv, seq: 6, replay: true }))).toBe('deliver')
      expect(inbox.message(msg({ conv, seq: 9, replay: true }))).toBe(verdict)
    }
  })

  it('counts own messages as had, in whatever order they and the others come', () => {
    const inbox = open([{ conv: direct, epoch: 'e1', seq: 5 }])
    inbox.live()
    inbox.own(direct, 'e1', 7)
    inbox.own(direct, 'e1', 8)
    expect(store(inbox)).toEqual([{ conv: direct, epoch: 'e1', seq: 5, own: [7, 8] }])
    expect(inbox.message(msg({ seq: 6 }))).toBe('deliver')
    expect(inbox.message(msg({ seq: 7 }))).toBe('known')
    expect(store(inbox)).toEqual([{ conv: direct, epoch: 'e1', seq: 5, own: [7, 8] }])
    inbox.handled(direct, 'e1', 6)
    expect(store(inbox)).toEqual([{ conv: direct, epoch: 'e1', seq: 8 }])
  })

  it('moves a read position only forwards', () => {
    const inbox = open([{ conv: direct, epoch: 'e1', seq: 5 }])
    expect(inbox.read(direct, 3)).toBe('e1')
    expect(inbox.read(direct, 3)).toBeUndefined()
    expect(inbox.read(direct, 4)).toBe('e1')
    expect(inbox.read('g:unknown', 1)).toBeUndefined()
  })
})

function open(positions: Position[]): Inbox {
  const inbox = new Inbox()
  inbox.restore(positions)
  inbox.connecting()
  return inbox
}

function store(inbox: Inbox): Position[] {
  const positions = inbox.saving()
  inbox.saved()
  return positions
}

function msg(fields: Partial<Msg> & { seq: number }): Msg {
  const message = { conv: direct, epoch: 'e1', msgId: '', from: 'bob', content: '', timestamp: 0 }
  return { type: 'msg', ...message, ...fields }
}

function synced(fields: Partial<Synced> & { from: number; to: number }): Synced {
  return {
    type: 'synced',
    conv: direct,
    epoch: 'e1',
    top: fields.to,
    complete: true,
    recovered: true,
    ...fields,
  }
}
