import { describe, expect, it } from 'vitest'
import { say } from './testing/say.ts'
import { createVirtualServer, type Peer } from './testing/virtual.ts'

const conv = 'd:alice:bob'

describe('acks and receipts', () => {
  it('move no cursor beyond the head, of another epoch, or of a foreign conversation', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    await say(server, alice, 'bob')
    const { epoch } = server.log
    bob.send({ type: 'ack', id: 5, conv, epoch, seq: 2 })
    bob.send({ type: 'ack', id: 6, conv, epoch: 'other', seq: 1 })
    bob.send({ type: 'ack', id: 7, conv: 'd:alice:carol', epoch, seq: 1 })
    expect(bob.of('error').map(({ id, code }) => [id, code])).toEqual([
      [5, 109],
      [6, 109],
      [7, 103],
    ])
    const back = await server.join('bob')
    expect(back.of('msg')).toHaveLength(1)
  })

  it('tell the others who asked, never backwards', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice', { caps: ['receipts'] })
    const bob = await server.join('bob')
    await say(server, alice, 'bob', 3)
    const { epoch } = server.log
    bob.send({ type: 'ack', conv, epoch, seq: 2 })
    bob.send({ type: 'ack', conv, epoch, seq: 1 })
    bob.send({ type: 'read', conv, epoch, seq: 2 })
    bob.send({ type: 'read', conv, epoch, seq: 1 })
    expect(alice.of('receipt').map(({ user, kind, seq }) => [user, kind, seq])).toEqual([
      ['bob', 'delivered', 2],
      ['bob', 'read', 2],
    ])
    expect(bob.of('receipt')).toEqual([])
  })

  it('missed while away are told after live, in direct conversations and small groups', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice', { caps: ['receipts'] })
    const bob = await server.join('bob')
    const { epoch } = server.log
    await say(server, alice, 'bob', 3)
    for (const [id, peer] of [alice, bob].entries()) peer.send({ type: 'join', id: id + 1, conv: 'g:team' })
    await server.settle()
    await say(server, alice, 'g:team')
    alice.drop()
    for (const seq of [1, 3]) bob.send({ type: 'ack', conv, epoch, seq })
    bob.send({ type: 'read', conv, epoch, seq: 2 })
    bob.send({ type: 'ack', conv: 'g:team', epoch, seq: 1 })
    const told = (peer: Peer): unknown[] =>
      peer.frames
        .filter(({ type }) => type === 'receipt' || type === 'live')
        .map((frame) => (frame.type === 'receipt' ? [frame.conv, frame.user, frame.kind, frame.seq] : 'live'))
    const again = await server.join('alice', { caps: ['receipts'] })
    expect(told(again)).toEqual([
      'live',
      [conv, 'bob', 'delivered', 3],
      [conv, 'bob', 'read', 2],
      ['g:team', 'bob', 'delivered', 1],
    ])
    again.send({ type: 'sync', id: 5, cursors: [{ conv, epoch, seq: 0 }], limit: 10 })
    expect(told(again).slice(4)).toEqual(['live'])
    expect(told(await server.join('alice', { deviceId: 'deaf' }))).toEqual(['live'])
    expect(told(await server.join('bob', { caps: ['receipts'] }))).toEqual(['live'])
  })

  it('do not tell a newcomer of what was before it, nor of who has left', async () => {
    const server = createVirtualServer()
    const [alice, bob] = [await server.join('alice'), await server.join('bob')]
    const group = 'g:team'
    const { epoch } = server.log
    for (const [id, peer] of [alice, bob].entries()) peer.send({ type: 'join', id: id + 1, conv: group })
    await server.settle()
    await say(server, alice, group, 2)
    bob.send({ type: 'ack', conv: group, epoch, seq: 2 })
    const carol = await server.join('carol')
    carol.send({ type: 'join', id: 1, conv: group })
    await server.settle()
    carol.drop()
    const again = await server.join('carol', { caps: ['receipts'] })
    expect(again.of('receipt')).toEqual([])
    await say(server, alice, group)
    bob.send({ type: 'ack', conv: group, epoch, seq: 3 })
    expect(again.of('receipt')).toMatchObject([{ user: 'bob', seq: 3 }])
    bob.send({ type: 'leave', id: 3, conv: group })
    await server.settle()
    again.drop()
    expect((await server.join('carol', { caps: ['receipts'] })).of('receipt')).toEqual([])
  })

  it('of groups are bounded at the start, those of direct conversations are not cut short by them', async () => {
    const server = createVirtualServer({ limits: { conversationsPerUser: 100 } })
    const names = Array.from({ length: 31 }, (_, n) => `m${n}`)
    const alice = await server.join('alice')
    const others = await Promise.all(names.map((name) => server.join(name)))
    const { epoch } = server.log
    for (let n = 0; n < 40; n += 1) {
      const group = `g:${n}`
      for (const peer of [alice, ...others]) peer.send({ type: 'join', id: n + 1, conv: group })
      await server.settle()
      await say(server, alice, group)
      for (const peer of others) peer.send({ type: 'ack', conv: group, epoch, seq: 1 })
    }
    await say(server, alice, 'm0')
    others[0]?.send({ type: 'ack', conv: 'd:alice:m0', epoch, seq: 1 })
    alice.drop()
    const receipts = (await server.join('alice', { caps: ['receipts'] })).of('receipt')
    expect(receipts).toHaveLength(1_001)
    expect(receipts.filter((receipt) => receipt.conv === 'd:alice:m0')).toHaveLength(1)
  })
})
