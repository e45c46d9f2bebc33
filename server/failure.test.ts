// What users see when the log is damaged or cannot be reached while somebody reads: in virtual time.
import { describe, expect, it, vi } from 'vitest'
import { ChatspecError, type Hello, type Seq } from '../protocol/index.ts'
import type { MessageLog, ReadRange } from './log.ts'
import { createMemoryLog } from './log-memory.ts'
import { createVirtualServer, type Peer, type VirtualServer } from './testing/virtual.ts'

const conv = 'd:alice:bob'
const other = 'd:alice:carol'
const caps = ['receipts']

/** A log that cannot read some of what it holds. */
interface Trouble {
  /** These seqs of `conv` are lost, and `read` of a range that holds one throws. */
  damaged: (seq: Seq) => boolean
  /** Nothing can be read of `conv`, not even where it ends. */
  isClosed: boolean
  /** Nothing can be read at all. */
  isAway: boolean
  /** The same, although ends are known already. */
  isAwayToRead: boolean
}

interface World {
  server: VirtualServer
  trouble: Trouble
  alice: Peer
  bob: Peer
  carol: Peer
}

/** Alice has written `count` messages to each of the others, and nobody has acknowledged anything. */
async function world(count: number, limits: { window?: number } = {}): Promise<World> {
  const trouble: Trouble = { damaged: () => false, isClosed: false, isAway: false, isAwayToRead: false }
  const now = (): number => server.nowMs()
  const log = troubled(createMemoryLog({ dedupWindowMs: 86_400_000, now }), trouble)
  const server = createVirtualServer({ limits }, log)
  const [alice, bob, carol] = [
    await server.join('alice'),
    await server.join('bob'),
    await server.join('carol'),
  ]
  for (let n = 1; n <= count; n += 1) for (const to of ['bob', 'carol']) say(alice, n, to)
  await server.settle()
  return { server, trouble, alice, bob, carol }
}

function troubled(log: MessageLog, trouble: Trouble): MessageLog {
  const check = (name: string, isDamaged = false): void => {
    if (trouble.isAway) throw new Error('MDB_PANIC: planted')
    if (name === conv && (trouble.isClosed || isDamaged))
      throw new ChatspecError('LOG_DAMAGED', `conversation ${name} cannot be read`)
  }
  return new Proxy(log, {
    get(target, name) {
      if (name === 'read')
        return (id: string, range: ReadRange) => {
          if (trouble.isAwayToRead) throw new Error('MDB_PANIC: planted')
          const messages = target.read(id, range)
          check(
            id,
            messages.some(({ seq }) => trouble.damaged(seq)),
          )
          return messages
        }
      if (name === 'head' || name === 'assignedHead')
        return (id: string) => {
          check(id)
          return target[name](id)
        }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function say(peer: Peer, n: number, to: string): void {
  const msgId = `00000000-0000-4000-8000-${(n * 10 + to.length).toString(16).padStart(12, '0')}`
  peer.send({ type: 'send', id: n, msgId, to, content: `m${n}` })
}

function seqsOf(peer: Peer): number[] {
  return peer.of('msg').map(({ seq }) => seq)
}

const upTo = (last: number, from = 1): number[] => Array.from({ length: last - from + 1 }, (_, n) => from + n)

function resumeFrom(server: VirtualServer, seq: Seq): Partial<Hello> {
  return { caps, resume: { sessionId: 'old', cursors: [{ conv, epoch: server.log.epoch, seq }] } }
}

describe('a request that the log cannot answer', () => {
  it('gets an error with its id, the connection and the others live, and it succeeds when the log is back', async () => {
    const { server, trouble, alice, bob, carol } = await world(3)
    const cursors = [{ conv, epoch: server.log.epoch, seq: 0 }]
    trouble.isAway = true
    bob.send({ type: 'history', id: 11, conv, order: 'asc', limit: 5 })
    bob.send({ type: 'sync', id: 12, cursors, limit: 5 })
    alice.send({ type: 'join', id: 13, conv: 'g:new' })
    bob.send({ type: 'read', id: 14, conv, epoch: server.log.epoch, seq: 1 })
    expect(bob.of('error')).toMatchObject([
      { id: 11, code: 108, retryable: true },
      { id: 12, code: 100, retryable: true },
      { id: 14, code: 100, retryable: true },
    ])
    expect(alice.of('error')).toMatchObject([{ id: 13, code: 100 }])
    expect(server.hub.counters.failures).toBe(4)
    trouble.isAway = false
    say(alice, 4, 'bob')
    say(carol, 5, 'alice')
    bob.send({ type: 'history', id: 15, conv, order: 'asc', limit: 5 })
    alice.send({ type: 'join', id: 16, conv: 'g:new' })
    await server.settle()
    expect(bob.of('page')[0]?.items).toHaveLength(3)
    expect(alice.of('ok')[0]).toMatchObject({ id: 16 })
    expect([seqsOf(bob), seqsOf(alice)]).toEqual([upTo(4), [4]])
    expect([alice.closed, bob.closed, carol.closed]).toEqual([undefined, undefined, undefined])
  })

  it('is told from what is fine by its conversation', async () => {
    const { trouble, alice } = await world(3)
    trouble.damaged = (seq) => seq === 2
    alice.send({ type: 'history', id: 1, conv, order: 'asc', limit: 5 })
    alice.send({ type: 'history', id: 2, conv: other, order: 'asc', limit: 5 })
    expect(alice.of('error')).toMatchObject([{ id: 1, code: 108 }])
    expect(alice.of('page')).toMatchObject([{ id: 2 }])
  })

  it('ends a connection that waits for no answer with 4001, and no other', async () => {
    const { server, trouble, alice, bob } = await world(1)
    trouble.isAway = true
    bob.send({ type: 'ack', conv, epoch: server.log.epoch, seq: 1 })
    expect(bob.of('bye')).toMatchObject([{ code: 4001, reconnect: 'backoff' }])
    const late = server.open()
    late.send({ type: 'hello', id: 1, token: '{"sub":"alice"}', deviceId: 'laptop' })
    expect(late.closed?.code).toBe(4001)
    expect(alice.closed).toBeUndefined()
    expect(server.hub.users.get('alice')?.sessions).toHaveLength(1)
  })

  it('ends with 4001 a hello that had to wait for keys', async () => {
    const { server, trouble, alice } = await world(1)
    const verified = Promise.resolve({
      ok: true as const,
      claims: { userId: 'bob', expiresAt: 0, issuedAt: 0 },
    })
    vi.spyOn(server.hub.auth, 'verify').mockReturnValue(verified)
    trouble.isAway = true
    const late = await server.join('bob', { deviceId: 'laptop' })
    expect([late.closed?.code, alice.closed]).toEqual([4001, undefined])
  })

  it('leaves a line in the log that names ids only', async () => {
    const { server, trouble, alice } = await world(1)
    const error = vi.spyOn(server.hub.logger, 'error')
    trouble.isAway = true
    alice.send({ type: 'join', id: 1, conv: 'g:new' })
    expect(error.mock.calls).toEqual([
      [
        { err: new Error('MDB_PANIC: planted'), type: 'join', session: alice.session.sessionId },
        'a frame could not be handled',
      ],
    ])
  })
})

describe('a replay over damage', () => {
  it.each([
    ['at its beginning', (seq: Seq) => seq <= 70, { from: 0, to: 70 }, upTo(120, 71)],
    [
      'in its middle',
      (seq: Seq) => seq > 50 && seq <= 113,
      { from: 50, to: 113 },
      [...upTo(50), ...upTo(120, 114)],
    ],
    ['at its end', (seq: Seq) => seq > 119, { from: 119, to: 120 }, upTo(119)],
    ['of everything', () => true, { from: 0, to: 120 }, []],
  ])('%s brings what it can, says what it cannot, and goes live', async (_, damaged, gap, seqs) => {
    const { server, trouble, alice, bob } = await world(120)
    bob.drop()
    trouble.damaged = damaged
    const again = await server.join('bob')
    expect(seqsOf(again)).toEqual(seqs)
    expect(again.of('synced')).toMatchObject([
      {
        from: gap.to,
        to: 120,
        top: 120,
        complete: true,
        recovered: false,
        gap: { ...gap, reason: 'broker' },
      },
    ])
    say(alice, 121, 'bob')
    await server.settle()
    expect([again.of('live').length, seqsOf(again).at(-1)]).toEqual([1, 121])
  })

  it('does not stop the other conversations', async () => {
    const { server, trouble } = await world(5)
    trouble.damaged = () => true
    const phone = await server.join('alice', { deviceId: 'new' })
    expect(phone.of('synced').map(({ conv: id, recovered }) => [id, recovered])).toEqual([
      [conv, false],
      [other, true],
    ])
    expect(phone.of('msg').map((msg) => msg.conv)).toEqual(Array(5).fill(other))
  })

  it('by sync says so too', async () => {
    const { server, trouble, bob } = await world(5)
    trouble.damaged = (seq) => seq === 3
    bob.send({ type: 'sync', id: 9, cursors: [{ conv, epoch: server.log.epoch, seq: 2 }], limit: 1 })
    expect(bob.of('synced')).toMatchObject([
      { id: 9, from: 3, to: 4, complete: false, recovered: false, gap: { from: 2, to: 3, reason: 'broker' } },
    ])
  })

  it('of live messages that waited for the window is a gap, and waits for a sync', async () => {
    const { server, trouble, alice, bob } = await world(8, { window: 4 })
    const { epoch } = server.log
    trouble.damaged = (seq) => seq === 6
    bob.send({ type: 'ack', conv, epoch, seq: 4 })
    expect(bob.of('gap')).toEqual([{ type: 'gap', conv, epoch, from: 5, to: 6, reason: 'broker' }])
    say(alice, 9, 'bob')
    await server.settle()
    expect(seqsOf(bob)).toEqual(upTo(5))
    bob.send({ type: 'sync', id: 9, cursors: [{ conv, epoch, seq: 5 }], limit: 500 })
    expect(seqsOf(bob)).toEqual([...upTo(5), 7, 8, 9])
    expect(bob.of('synced')).toMatchObject([{ from: 6, recovered: false, gap: { from: 5, to: 6 } }])
  })

  it('leaves a conversation out whose end is damaged, and opens the others', async () => {
    const { server, trouble } = await world(2)
    trouble.isClosed = true
    const phone = await server.join('alice', { deviceId: 'new', ...resumeFrom(server, 1) })
    expect(phone.of('synced').map(({ conv: id }) => id)).toEqual([other])
    expect(phone.of('live')).toHaveLength(1)
    phone.send({ type: 'sync', id: 7, cursors: [{ conv, epoch: server.log.epoch, seq: 1 }], limit: 5 })
    phone.send({
      type: 'send',
      id: 8,
      msgId: '00000000-0000-4000-8000-00000000ffff',
      to: 'bob',
      content: 'x',
    })
    await server.settle()
    expect(phone.of('error').map(({ id }) => id)).toContain(7)
  })

  it('ends with 4001 where the log cannot be reached, so that nothing is left out', async () => {
    const { server, trouble, alice, bob } = await world(8, { window: 4 })
    trouble.isAwayToRead = true
    bob.send({ type: 'ack', id: 1, conv, epoch: server.log.epoch, seq: 4 })
    expect(bob.closed?.code).toBe(4001)
    trouble.isAwayToRead = false
    const again = await server.join('bob')
    expect([seqsOf(again), alice.closed]).toEqual([[5, 6, 7, 8], undefined])
  })
})
