import { expect, it } from 'vitest'
import { createVirtualServer, type Peer, type VirtualServer } from './testing/virtual.ts'

const seen = (peer: Peer): [string, string, number][] =>
  peer.of('presence').map(({ user, state, devices }) => [user, state, devices])

async function meet(server: VirtualServer, from: Peer, to: string): Promise<void> {
  from.send({ type: 'send', id: 1, msgId: '00000000-0000-4000-8000-000000000001', to, content: 'hi' })
  await server.settle()
}

it('is a count of connections, not a flag', async () => {
  const server = createVirtualServer()
  const alice = await server.join('alice', { caps: ['presence'] })
  const phone = await server.join('bob', { deviceId: 'phone' })
  await meet(server, alice, 'bob')
  const laptop = await server.join('bob', { deviceId: 'laptop' })
  phone.drop()
  expect(seen(alice)).toEqual([])
  laptop.drop()
  expect(seen(alice)).toEqual([['bob', 'offline', 0]])
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
