// Groups, when a change of their members could not be stored: everything is as it was before.
import { expect, it } from 'vitest'
import { breakableLog } from './testing/breakable-log.ts'
import { createVirtualServer, type Peer, type VirtualServer } from './testing/virtual.ts'

const conv = 'g:room'

async function change(
  server: VirtualServer,
  peer: Peer,
  type: 'join' | 'leave',
  user?: string,
): Promise<void> {
  peer.send({ type, id: 7, conv, ...(user === undefined ? {} : { user }) })
  await server.settle()
}

it('a group is not passed on when the leave could not be stored', async () => {
  const { log, breakCommits } = breakableLog()
  const server = createVirtualServer({}, log)
  const [alice, bob] = [await server.join('alice'), await server.join('bob')]
  await change(server, alice, 'join')
  await change(server, bob, 'join')
  breakCommits(true)
  await change(server, alice, 'leave')
  breakCommits(false)
  expect(alice.of('error')).toMatchObject([{ code: 108 }])
  await change(server, bob, 'leave', 'alice')
  expect(bob.of('error')).toMatchObject([{ code: 103 }])
  await change(server, alice, 'leave', 'bob')
  expect(alice.of('ok')).toHaveLength(2)
})

it('a join that could not be stored leaves no member behind, and can be tried again', async () => {
  const { log, breakCommits } = breakableLog()
  const server = createVirtualServer({}, log)
  const alice = await server.join('alice')
  breakCommits(true)
  await change(server, alice, 'join')
  alice.send({ type: 'history', id: 8, conv, order: 'asc', limit: 1 })
  breakCommits(false)
  expect(alice.of('error').map(({ code }) => code)).toEqual([108, 103])
  await change(server, alice, 'join')
  expect(alice.of('ok')).toMatchObject([{ top: 0 }])
})
