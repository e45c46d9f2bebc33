import { describe, expect, it } from 'vitest'
import type { Msg } from '../protocol/index.ts'
import { say } from './testing/say.ts'
import { createVirtualServer, welcomeOf } from './testing/virtual.ts'

const conv = 'd:alice:bob'

const seqs = (messages: Msg[]): number[] => messages.map((message) => message.seq)
const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)

describe('a device that returns', () => {
  it('gets what it did not acknowledge, flagged, then one synced and live', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    await say(server, alice, 'bob', 3)
    bob.send({ type: 'ack', conv, epoch: server.log.epoch, seq: 2 })
    bob.drop()
    await say(server, alice, 'bob', 2)
    const back = await server.join('bob')
    expect(back.frames.map((frame) => frame.type)).toEqual(['welcome', 'msg', 'msg', 'msg', 'synced', 'live'])
    expect(seqs(back.of('msg'))).toEqual([3, 4, 5])
    expect(back.of('msg').every((message) => message.replay)).toBe(true)
    expect(welcomeOf(back).resumed).toBe(false)
  })

  it('sees an ack of a moment ago honoured', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    await say(server, alice, 'bob', 3)
    bob.send({ type: 'ack', conv, epoch: server.log.epoch, seq: 3 })
    const back = await server.join('bob')
    expect(bob.closed?.code).toBe(4507)
    expect(back.of('msg')).toEqual([])
  })

  it('has a cursor of its own', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const phone = await server.join('bob', { deviceId: 'phone' })
    await say(server, alice, 'bob', 2)
    phone.send({ type: 'ack', conv, epoch: server.log.epoch, seq: 2 })
    const tablet = await server.join('bob', { deviceId: 'tablet' })
    expect(seqs(tablet.of('msg'))).toEqual([1, 2])
  })

  it('resumes from the cursor it names, also from 0, and with nothing new', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    await server.join('bob')
    await say(server, alice, 'bob', 3)
    const { epoch } = server.log
    const resume = (seq: number) => server.join('bob', { resume: { cursors: [{ conv, epoch, seq }] } })
    const zero = await resume(0)
    expect(welcomeOf(zero).resumed).toBe(true)
    expect(seqs(zero.of('msg'))).toEqual([1, 2, 3])
    const two = await resume(2)
    expect(seqs(two.of('msg'))).toEqual([3])
    const three = await resume(3)
    expect(three.of('msg')).toEqual([])
    expect(three.of('synced')).toMatchObject([{ from: 3, to: 3, top: 3, recovered: true, complete: true }])
  })

  it('gets one answer for an empty conversation that it names twice', async () => {
    const server = createVirtualServer()
    const cursors = [0, 0].map((seq) => ({ conv, epoch: server.log.epoch, seq }))
    const alice = await server.join('alice', { resume: { sessionId: 'old', cursors } })
    expect(alice.of('synced')).toHaveLength(1)
  })

  it('is told the truth about a cursor that cannot be continued', async () => {
    const server = createVirtualServer({ limits: { offlineMax: 2 } })
    const alice = await server.join('alice')
    await server.join('bob')
    await say(server, alice, 'bob', 5)
    const { epoch } = server.log
    const other = await server.join('bob', { resume: { cursors: [{ conv, epoch: 'other', seq: 4 }] } })
    expect(welcomeOf(other).resumed).toBe(false)
    expect(other.of('synced')[0]).toMatchObject({
      recovered: false,
      gap: { from: 0, to: 3, reason: 'epoch' },
    })
    const future = await server.join('bob', { resume: { cursors: [{ conv, epoch, seq: 99 }] } })
    expect(future.of('synced')[0]).toMatchObject({
      recovered: false,
      gap: { from: 5, to: 99, reason: 'future' },
    })
    expect(future.of('msg')).toEqual([])
    const old = await server.join('bob', { resume: { cursors: [{ conv, epoch, seq: 1 }] } })
    expect(old.of('synced')[0]).toMatchObject({
      recovered: false,
      gap: { from: 1, to: 3, reason: 'overflow' },
    })
    expect(seqs(old.of('msg'))).toEqual([4, 5])
    const foreign = await server.join('bob', { resume: { cursors: [{ conv: 'd:x:y', epoch, seq: 1 }] } })
    expect(welcomeOf(foreign).resumed).toBe(false)
    expect(foreign.of('synced')).toMatchObject([{ conv }])
    const empty = await server.join('bob', { resume: { cursors: [{ conv: 'd:bob:zoe', epoch, seq: 0 }] } })
    expect(welcomeOf(empty).resumed).toBe(true)
    expect(empty.of('synced')).toMatchObject([{ conv: 'd:bob:zoe', recovered: true, top: 0 }, { conv }])
  })

  it('gets live messages that arrive during the replay after it, once, in order', async () => {
    const server = createVirtualServer({ limits: { window: 3 } })
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    bob.drop()
    await say(server, alice, 'bob', 5)
    const back = await server.join('bob')
    await say(server, alice, 'bob', 3)
    const { epoch } = server.log
    for (let seq = 1; seq <= 8; seq++) back.send({ type: 'ack', conv, epoch, seq })
    expect(seqs(back.of('msg'))).toEqual(upTo(8))
    expect(back.of('synced')).toHaveLength(1)
    await say(server, alice, 'bob')
    expect(seqs(back.of('msg'))).toEqual(upTo(9))
  })
})

describe('sync', () => {
  it('pages by limit, and the conversation waits until it is complete', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    await say(server, alice, 'bob', 5)
    const { epoch } = server.log
    bob.frames.length = 0
    bob.send({ type: 'sync', id: 7, cursors: [{ conv, epoch, seq: 1 }], limit: 2 })
    expect(seqs(bob.of('msg'))).toEqual([2, 3])
    expect(bob.of('synced')).toMatchObject([{ id: 7, to: 3, top: 5, complete: false, recovered: true }])
    expect(bob.of('live')).toMatchObject([{ id: 7 }])
    await say(server, alice, 'bob')
    expect(seqs(bob.of('msg'))).toEqual([2, 3])
    bob.send({ type: 'sync', id: 8, cursors: [{ conv, epoch, seq: 3 }], limit: 100 })
    expect(seqs(bob.of('msg'))).toEqual([2, 3, 4, 5, 6])
    await say(server, alice, 'bob')
    expect(seqs(bob.of('msg'))).toEqual([2, 3, 4, 5, 6, 7])
  })

  it('refuses a foreign conversation as a whole', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    await say(server, alice, 'bob')
    bob.frames.length = 0
    const { epoch } = server.log
    const cursors = [
      { conv, epoch, seq: 0 },
      { conv: 'd:alice:carol', epoch, seq: 0 },
    ]
    bob.send({ type: 'sync', id: 7, cursors, limit: 10 })
    expect(bob.frames).toMatchObject([{ type: 'error', id: 7, code: 103 }])
  })
})
