import { describe, expect, it } from 'vitest'
import type { Send } from '../../protocol/index.ts'
import { breakableLog } from '../testing/breakable-log.ts'
import { createVirtualServer, type Peer } from '../testing/virtual.ts'

const msgId = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`

function send(peer: Peer, n: number, fields: Partial<Send> = {}): void {
  const target = fields.conv === undefined ? { to: 'bob' } : {}
  peer.send({ type: 'send', id: n, msgId: msgId(n), content: `m${n}`, ...target, ...fields })
}

/** The last answer to a send. */
function lastAnswer(peer: Peer): object | undefined {
  return peer.frames.filter(({ type }) => type === 'sent' || type === 'error').at(-1)
}

describe('a repeat', () => {
  it('is answered as one after its sender has left the group, and a conflict as a conflict', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    const conv = 'g:team'
    for (const [id, peer] of [alice, bob].entries()) peer.send({ type: 'join', id: id + 1, conv })
    await server.settle()
    send(bob, 1, { conv })
    bob.send({ type: 'leave', id: 8, conv })
    // Neither the message nor the leave is committed yet.
    send(bob, 1, { id: 9, conv })
    await server.settle()
    const first = bob.of('sent')[0]
    expect(first).toMatchObject({ seq: 1, duplicate: false })
    expect(lastAnswer(bob)).toEqual({ ...first, id: 9, duplicate: true })
    send(bob, 1, { id: 10, conv })
    await server.settle()
    expect(lastAnswer(bob)).toEqual({ ...first, id: 10, duplicate: true })
    send(bob, 1, { id: 11, conv, content: 'other' })
    await server.settle()
    expect(lastAnswer(bob)).toMatchObject({ id: 11, code: 106, msgId: msgId(1) })
    send(bob, 1, { id: 12, to: 'alice' })
    await server.settle()
    expect(lastAnswer(bob)).toMatchObject({ id: 12, code: 106 })
    send(bob, 2, { conv })
    expect(lastAnswer(bob)).toMatchObject({ id: 2, code: 103 })
    send(alice, 1, { id: 13, conv })
    await server.settle()
    expect(alice.of('msg').map(({ seq }) => seq)).toEqual([1])
    expect(lastAnswer(alice)).toMatchObject({ id: 13, seq: 2, duplicate: false })
    expect(server.hub.counters.duplicates).toBe(2)
  })

  it('is answered as one over the rate and over the window, and what is new is refused', async () => {
    const server = createVirtualServer({ limits: { sendBurst: 3, sendRatePerSecond: 1, sendWindow: 2 } })
    await server.join('bob')
    const alice = await server.join('alice')
    send(alice, 1)
    send(alice, 2)
    send(alice, 1, { id: 11 })
    send(alice, 4)
    expect(lastAnswer(alice)).toMatchObject({ id: 4, code: 104, retryAfterMs: 1_000 })
    await server.settle()
    send(alice, 2, { id: 12 })
    await server.settle()
    const answers = alice.of('sent').map(({ id, seq, duplicate }) => [id, seq, duplicate])
    expect(answers).toEqual([
      [1, 1, false],
      [2, 2, false],
      [11, 1, true],
      [12, 2, true],
    ])
  })
})

describe('a first message that could not be stored', () => {
  it('is told so, and leaves no conversation behind that a restart would not know', async () => {
    const { log, breakCommits } = breakableLog()
    const server = createVirtualServer({}, log)
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    breakCommits(true)
    send(alice, 1)
    send(alice, 2)
    await server.settle()
    breakCommits(false)
    expect(alice.of('error').map(({ id, code }) => [id, code])).toEqual([
      [1, 108],
      [2, 108],
    ])
    send(alice, 1, { id: 3 })
    await server.settle()
    expect(bob.of('msg').map(({ seq }) => seq)).toEqual([1])
    const later = createVirtualServer({}, log)
    expect((await later.join('bob')).of('msg').map(({ seq }) => seq)).toEqual([1])
  })
})
