import { describe, expect, it } from 'vitest'
import { createMemoryLog } from './log-memory.ts'
import { createVirtualServer, type Peer, testToken, type VirtualServer } from './testing/virtual.ts'

const conv = 'g:room'
let lastId = 0

function send(peer: Peer): void {
  lastId += 1
  const msgId = `00000000-0000-4000-8000-${lastId.toString(16).padStart(12, '0')}`
  peer.send({ type: 'send', id: lastId, msgId, conv, content: `m${lastId}` })
}

async function join(server: VirtualServer, peer: Peer, user?: string): Promise<void> {
  lastId += 1
  peer.send({ type: 'join', id: lastId, conv, ...(user === undefined ? {} : { user }) })
  await server.settle()
}

async function leave(server: VirtualServer, peer: Peer, user?: string): Promise<void> {
  lastId += 1
  peer.send({ type: 'leave', id: lastId, conv, ...(user === undefined ? {} : { user }) })
  await server.settle()
}

const seqs = (peer: Peer): number[] => peer.of('msg').map((message) => message.seq)

describe('groups', () => {
  it('deliver to every member but the origin, in both encodings', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob', { encoding: 'cbor' })
    const carol = await server.join('carol')
    for (const peer of [alice, bob]) await join(server, peer)
    send(alice)
    send(bob)
    await server.settle()
    expect(seqs(alice)).toEqual([2])
    expect(seqs(bob)).toEqual([1])
    expect(seqs(carol)).toEqual([])
  })

  it('have exact boundaries under traffic that is on its way', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    const phone = await server.join('bob', { deviceId: 'tablet' })
    await join(server, alice)
    send(alice)
    bob.send({ type: 'join', id: 900, conv })
    send(alice)
    bob.send({ type: 'leave', id: 901, conv })
    send(alice)
    await server.settle()
    expect(bob.of('ok')).toMatchObject([
      { id: 900, top: 1 },
      { id: 901, top: 2 },
    ])
    expect(seqs(bob)).toEqual([2])
    expect(seqs(phone)).toEqual([2])
    expect(phone.of('membership').map(({ change, seq }) => [change, seq])).toEqual([
      ['joined', 1],
      ['left', 2],
    ])
  })

  it('stop at a definite seq for a removed member, who can neither send nor read any more', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    await join(server, alice)
    await join(server, bob)
    send(alice)
    await server.settle()
    await leave(server, alice, 'bob')
    expect(bob.of('membership')).toMatchObject([{ change: 'removed', seq: 1, user: 'bob' }])
    send(alice)
    send(bob)
    await server.settle()
    expect(seqs(bob)).toEqual([1])
    expect(bob.of('error').at(-1)).toMatchObject({ code: 103 })
    bob.send({ type: 'history', id: 999, conv, order: 'asc', limit: 10 })
    expect(bob.of('error').at(-1)).toMatchObject({ id: 999, code: 103 })
  })

  it('refuse owner verbs of others exactly like a group that does not exist', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    const carol = await server.join('carol')
    await join(server, alice)
    await join(server, bob)
    await leave(server, bob, 'alice')
    await join(server, bob, 'carol')
    await leave(server, carol)
    carol.send({ type: 'leave', id: 77, conv: 'g:absent' })
    expect(bob.of('error').map((error) => error.code)).toEqual([103, 103])
    const [real, absent] = carol.of('error')
    expect({ ...real, id: 0, message: '' }).toEqual({ ...absent, id: 0, message: '' })
  })

  it('pass to the earliest remaining member when the owner leaves', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    const carol = await server.join('carol')
    for (const peer of [alice, bob, carol]) {
      await join(server, peer)
      server.advance(10)
    }
    await leave(server, alice)
    await leave(server, bob, 'carol')
    expect(carol.of('membership')).toMatchObject([{ change: 'removed' }])
  })

  it('bring a returning device exactly its windows, with the stretch between them marked', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const phone = await server.join('bob')
    const tablet = await server.join('bob', { deviceId: 'tablet' })
    await join(server, alice)
    await join(server, phone)
    tablet.drop()
    send(alice)
    await server.settle()
    await leave(server, phone)
    send(alice)
    await server.settle()
    await join(server, phone)
    send(alice)
    await server.settle()
    const back = await server.join('bob', { deviceId: 'tablet' })
    expect(seqs(back)).toEqual([1, 3])
    expect(back.of('membership').map(({ change, seq }) => [change, seq])).toEqual([
      ['left', 1],
      ['joined', 2],
    ])
    expect(back.of('synced')).toMatchObject([{ from: 0, to: 3, recovered: true }])
  })

  it('tell a device that was away that the membership ended', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const phone = await server.join('bob')
    const tablet = await server.join('bob', { deviceId: 'tablet' })
    await join(server, alice)
    await join(server, phone)
    tablet.drop()
    send(alice)
    await server.settle()
    await leave(server, phone)
    send(alice)
    await server.settle()
    const back = await server.join('bob', { deviceId: 'tablet' })
    expect(seqs(back)).toEqual([1])
    expect(back.of('membership')).toMatchObject([{ change: 'left', seq: 1 }])
    back.send({ type: 'ack', id: 5, conv, epoch: server.log.epoch, seq: 1 })
    expect(back.of('ok')).toMatchObject([{ id: 5 }])
    const again = await server.join('bob', { deviceId: 'tablet' })
    expect(again.of('msg')).toEqual([])
    expect(again.of('synced')).toEqual([])
  })

  it('tell a device that was away how each membership ended, also after a restart', async () => {
    const log = createMemoryLog({ dedupWindowMs: 300_000, now: Date.now })
    const server = createVirtualServer({}, log)
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    await join(server, alice)
    await join(server, alice, 'bob')
    const phone = await server.join('bob', { deviceId: 'tablet' })
    bob.drop()
    send(alice)
    await leave(server, alice, 'bob')
    send(alice)
    await join(server, alice, 'bob')
    send(alice)
    await leave(server, phone)
    const changes = (peer: Peer): unknown[] => peer.of('membership').map(({ change, seq }) => [change, seq])
    const missed = [
      ['removed', 1],
      ['joined', 2],
      ['left', 3],
    ]
    expect(changes(await server.join('bob'))).toEqual(missed)
    expect(changes(await createVirtualServer({}, log).join('bob'))).toEqual(missed)
  })

  it('are bounded in members, and joinable by the owner only where that is the rule', async () => {
    const server = createVirtualServer({ limits: { groupMembersMax: 2 }, groupJoin: 'owner' })
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    await server.join('carol')
    await join(server, alice)
    await join(server, bob)
    expect(bob.of('error')[0]).toMatchObject({ code: 103 })
    await join(server, alice, 'bob')
    expect(bob.of('membership')).toMatchObject([{ change: 'joined' }])
    await join(server, alice, 'bob')
    await join(server, alice, 'carol')
    expect(alice.of('error').map((error) => error.code)).toEqual([201, 111])
  })

  it('are over for somebody who joins and leaves in one breath', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    await join(server, alice)
    bob.send({ type: 'join', id: 5, conv })
    bob.send({ type: 'leave', id: 6, conv })
    await server.settle()
    bob.drop()
    const back = await server.join('bob')
    send(alice)
    await server.settle()
    expect(seqs(back)).toEqual([])
    back.send({ type: 'history', id: 7, conv, order: 'asc', limit: 5 })
    expect(back.of('error')[0]).toMatchObject({ id: 7, code: 103 })
  })

  it('bring a device that comes in between a leave and its commit the last messages before it', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const phone = await server.join('bob')
    await join(server, alice)
    await join(server, phone)
    send(alice)
    phone.send({ type: 'leave', id: 6, conv })
    const tablet = server.open()
    tablet.send({ type: 'hello', id: 1, token: testToken('bob'), deviceId: 'tablet' })
    send(alice)
    await server.settle()
    expect(seqs(tablet)).toEqual([1])
  })

  it('leave no ghost behind when a member goes while its join is under way', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    await join(server, alice)
    const bob = await server.join('bob')
    bob.send({ type: 'join', id: 5, conv })
    bob.drop()
    await server.settle()
    send(alice)
    await server.settle()
    expect(server.hub.conversations.get(conv)?.places).toHaveLength(1)
    const back = await server.join('bob')
    expect(seqs(back)).toEqual([1])
  })

  it('bring what still waits of one membership before the next one', async () => {
    const server = createVirtualServer({ limits: { window: 2 } })
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    for (const peer of [alice, bob]) await join(server, peer)
    for (let count = 0; count < 5; count++) send(alice)
    await server.settle()
    await leave(server, bob)
    send(alice)
    await server.settle()
    await join(server, bob)
    send(alice)
    await server.settle()
    for (const seq of [2, 4]) bob.send({ type: 'ack', conv, epoch: server.log.epoch, seq })
    expect(seqs(bob)).toEqual([1, 2, 3, 4, 5, 7])
  })

  it('let a former member acknowledge what it missed, but not read', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    for (const peer of [alice, bob]) await join(server, peer)
    send(alice)
    await server.settle()
    await leave(server, bob)
    const position = { conv, epoch: server.log.epoch, seq: 1 }
    bob.send({ type: 'read', id: 901, ...position })
    bob.send({ type: 'ack', id: 902, ...position })
    expect(bob.of('error')).toMatchObject([{ id: 901, code: 103 }])
    expect(bob.of('ok').at(-1)).toMatchObject({ id: 902 })
  })

  it('have receipts again when enough members have left', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice', { caps: ['receipts'] })
    const members = [alice]
    for (let count = 0; count < 32; count++) members.push(await server.join(`user-${count}`))
    for (const member of members) await join(server, member)
    const [, bob, carol] = members
    if (!bob || !carol) throw new Error('no members')
    for (const seq of [1, 2]) {
      send(alice)
      await server.settle()
      bob.send({ type: 'ack', conv, epoch: server.log.epoch, seq })
      if (seq === 1) await leave(server, carol)
    }
    expect(alice.of('receipt')).toMatchObject([{ user: 'user-0', seq: 2 }])
  })
})
