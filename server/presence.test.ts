import { expect, it } from 'vitest'
import type { ClientMessage } from '../protocol/index.ts'
import { createVirtualServer, type Peer, type VirtualServer } from './testing/virtual.ts'

const seen = (peer: Peer): [string, string, number][] =>
  peer.of('presence').map(({ user, state, devices }) => [user, state, devices])

const msgId = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`

async function meet(server: VirtualServer, from: Peer, to: string): Promise<void> {
  from.send({ type: 'send', id: 1, msgId: msgId(1), to, content: 'hi' })
  await server.settle()
}

it('is a count of connections, not a flag', async () => {
  const server = createVirtualServer()
  const alice = await server.join('alice', { caps: ['presence'] })
  const phone = await server.join('bob', { deviceId: 'phone' })
  await meet(server, alice, 'bob')
  const laptop = await server.join('bob', { deviceId: 'laptop' })
  phone.drop()
  expect(seen(alice)).toEqual([['bob', 'online', 1]])
  laptop.drop()
  expect(seen(alice).slice(1)).toEqual([['bob', 'offline', 0]])
  await server.join('bob')
  expect(seen(alice).at(-1)).toEqual(['bob', 'online', 1])
})

it('shows who is online at the start, after live', async () => {
  const server = createVirtualServer()
  const first = await server.join('alice')
  await server.join('bob')
  await meet(server, first, 'bob')
  first.drop()
  const alice = await server.join('alice', { caps: ['presence'] })
  expect(alice.frames.slice(-2).map((frame) => frame.type)).toEqual(['live', 'presence'])
})

it('is told to both when a first message is stored, and not at the second', async () => {
  const server = createVirtualServer()
  const alice = await server.join('alice', { caps: ['presence'] })
  const laptop = await server.join('alice', { caps: ['presence'], deviceId: 'laptop' })
  const bob = await server.join('bob', { caps: ['presence'] })
  await meet(server, alice, 'alice')
  const first: ClientMessage = { type: 'send', id: 1, msgId: msgId(2), to: 'bob', content: 'hi' }
  alice.send(first)
  expect(seen(bob)).toEqual([])
  await server.settle()
  bob.send({ ...first, to: 'alice' })
  alice.send(first)
  await server.settle()
  expect([alice, laptop, bob].map(seen)).toEqual([
    [['bob', 'online', 1]],
    [['bob', 'online', 1]],
    [['alice', 'online', 2]],
  ])
})

it('is told to the members and the joiner of a group, but not to peers once more', async () => {
  const server = createVirtualServer()
  const [alice, bob, carol] = [
    await server.join('alice', { caps: ['presence'] }),
    await server.join('bob', { caps: ['presence'] }),
    await server.join('carol', { caps: ['presence'] }),
  ]
  await meet(server, alice, 'bob')
  for (const [n, peer] of [alice, bob, carol].entries())
    peer.send({ type: 'join', id: n + 1, conv: 'g:team' })
  await server.settle()
  expect([alice, bob, carol].map(seen)).toEqual([
    [
      ['bob', 'online', 1],
      ['carol', 'online', 1],
    ],
    [
      ['alice', 'online', 1],
      ['carol', 'online', 1],
    ],
    [
      ['alice', 'online', 1],
      ['bob', 'online', 1],
    ],
  ])
  carol.drop()
  await server.join('carol')
  bob.send({ type: 'leave', id: 9, conv: 'g:team' })
  await server.settle()
  bob.send({ type: 'join', id: 10, conv: 'g:team' })
  await server.settle()
  expect(seen(bob).slice(2)).toEqual([
    ['carol', 'offline', 0],
    ['carol', 'online', 1],
    // Bob was no peer of hers in between.
    ['carol', 'online', 1],
  ])
})

it('reaches nobody without a common conversation, and nobody who did not ask', async () => {
  const server = createVirtualServer()
  const stranger = await server.join('mallory', { caps: ['presence'] })
  const silent = await server.join('alice')
  const bob = await server.join('bob')
  await meet(server, silent, 'bob')
  bob.drop()
  expect(seen(stranger)).toEqual([])
  expect(seen(silent)).toEqual([])
})
