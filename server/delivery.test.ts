import { describe, expect, it } from 'vitest'
import type { Msg } from '../protocol/index.ts'
import { say } from './testing/say.ts'
import { createVirtualServer, testToken } from './testing/virtual.ts'

const conv = 'd:alice:bob'

const seqs = (messages: Msg[]): number[] => messages.map((message) => message.seq)
const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)

describe('direct messages', () => {
  it.each(['json', 'cbor'] as const)(
    'reach every device of both users but the origin, in %s',
    async (encoding) => {
      const server = createVirtualServer()
      const phone = await server.join('alice', { encoding })
      const laptop = await server.join('alice', { deviceId: 'laptop' })
      const bob = await server.join('bob', { encoding: encoding === 'json' ? 'cbor' : 'json' })
      const carol = await server.join('carol')
      await say(server, phone, 'bob')
      expect(phone.of('sent')).toMatchObject([{ conv, seq: 1, duplicate: false }])
      expect(phone.of('msg')).toEqual([])
      expect(laptop.of('msg')).toMatchObject([{ conv, seq: 1, from: 'alice' }])
      expect(bob.of('msg')[0]).toEqual(laptop.of('msg')[0])
      expect(bob.of('msg')[0]).not.toHaveProperty('replay')
      expect(carol.of('msg')).toEqual([])
    },
  )

  it('to an unknown user are refused and store nothing', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    await say(server, alice, 'nobody')
    expect(alice.of('error')[0]).toMatchObject({ code: 102 })
    expect([...server.log.listRecords(['conv'])]).toEqual([])
  })

  it('by the id of a foreign conversation are refused', async () => {
    const server = createVirtualServer()
    await server.join('bob')
    const mallory = await server.join('mallory')
    mallory.send({ type: 'send', id: 1, msgId: '00000000-0000-4000-8000-0000000000aa', conv, content: 'x' })
    expect(mallory.of('error')[0]).toMatchObject({ code: 103 })
  })

  it('answer a repeat with the first place, and another payload with a conflict', async () => {
    const server = createVirtualServer()
    const bob = await server.join('bob')
    const alice = await server.join('alice')
    const send = {
      type: 'send',
      id: 1,
      msgId: '00000000-0000-4000-8000-0000000000ab',
      to: 'bob',
      content: 'x',
    } as const
    alice.send(send)
    alice.send({ ...send, id: 2 })
    await server.settle()
    alice.send({ ...send, id: 3, conv, to: undefined } as never)
    alice.send({ ...send, id: 4, content: 'y' })
    await server.settle()
    expect(alice.of('sent').map(({ id, seq, duplicate }) => [id, seq, duplicate])).toEqual([
      [1, 1, false],
      [2, 1, true],
      [3, 1, true],
    ])
    expect(alice.of('error')[0]).toMatchObject({ id: 4, code: 106 })
    expect(bob.of('msg')).toHaveLength(1)
  })

  it('reach a user that comes in while they are being committed', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const gone = server.open()
    gone.send({ type: 'hello', id: 1, token: testToken('bob'), deviceId: 'phone' })
    gone.drop()
    // Neither bob's first session nor this message is committed when each next thing happens.
    alice.send({
      type: 'send',
      id: 1,
      msgId: '00000000-0000-4000-8000-0000000000ac',
      to: 'bob',
      content: 'x',
    })
    const bob = server.open()
    bob.send({ type: 'hello', id: 1, token: testToken('bob'), deviceId: 'phone' })
    await server.settle()
    expect(alice.of('sent')).toHaveLength(1)
    expect(seqs(bob.of('msg'))).toEqual([1])
  })

  it('to oneself are one message', async () => {
    const server = createVirtualServer()
    const phone = await server.join('alice')
    const laptop = await server.join('alice', { deviceId: 'laptop' })
    await say(server, phone, 'alice')
    expect(phone.of('sent')[0]).toMatchObject({ conv: 'd:alice:alice', seq: 1 })
    expect(laptop.of('msg')).toHaveLength(1)
  })
})

describe('the window', () => {
  it('holds messages back in order and continues as acks come', async () => {
    const server = createVirtualServer({ limits: { window: 4 } })
    const bob = await server.join('bob')
    const alice = await server.join('alice')
    await say(server, alice, 'bob', 10)
    const { epoch } = server.log
    expect(seqs(bob.of('msg'))).toEqual([1, 2, 3, 4])
    bob.send({ type: 'ack', conv, epoch, seq: 2 })
    expect(seqs(bob.of('msg'))).toEqual([1, 2, 3, 4, 5, 6])
    bob.send({ type: 'ack', conv, epoch, seq: 6 })
    bob.send({ type: 'ack', conv, epoch, seq: 10 })
    expect(seqs(bob.of('msg'))).toEqual(upTo(10))
    await say(server, alice, 'bob')
    expect(seqs(bob.of('msg'))).toEqual(upTo(11))
    expect(bob.of('msg').some((message) => message.replay)).toBe(false)
  })

  it('closes a peer that never acknowledges with 4003, and everything is there after its return', async () => {
    const server = createVirtualServer({ limits: { window: 4, ackTimeoutMs: 2_000 } })
    const bob = await server.join('bob')
    const alice = await server.join('alice')
    await say(server, alice, 'bob', 10)
    server.advance(2_250)
    expect(bob.closed?.code).toBe(4003)
    expect(alice.closed).toBeUndefined()
    const back = await server.join('bob')
    const { epoch } = server.log
    back.send({ type: 'ack', conv, epoch, seq: 4 })
    back.send({ type: 'ack', conv, epoch, seq: 8 })
    expect(seqs(back.of('msg'))).toEqual(upTo(10))
    expect(back.of('synced')).toMatchObject([
      { conv, from: 0, to: 10, top: 10, complete: true, recovered: true },
    ])
    expect(back.frames.at(-1)?.type).toBe('live')
  })

  it('is free again after a sync that gives up what was outstanding', async () => {
    const server = createVirtualServer({ limits: { window: 2, ackTimeoutMs: 1_000 } })
    const bob = await server.join('bob')
    const alice = await server.join('alice')
    await say(server, alice, 'bob', 3)
    bob.send({ type: 'sync', id: 5, cursors: [{ conv, epoch: server.log.epoch, seq: 3 }], limit: 10 })
    expect(bob.frames.at(-1)).toMatchObject({ type: 'live', id: 5 })
    server.advance(5_000)
    expect(bob.closed).toBeUndefined()
    await say(server, alice, 'bob', 2)
    expect(seqs(bob.of('msg'))).toEqual([1, 2, 4, 5])
  })

  it('never holds back by bytes what it allows by number, and a sync gives the bytes back too', async () => {
    const server = createVirtualServer({ limits: { window: 4 } })
    const bob = await server.join('bob')
    const alice = await server.join('alice')
    const { maxContent } = server.hub.options.limits
    await say(server, alice, 'bob', 4, 'x'.repeat(maxContent))
    expect(seqs(bob.of('msg'))).toEqual([1, 2, 3, 4])
    bob.send({ type: 'sync', id: 5, cursors: [{ conv, epoch: server.log.epoch, seq: 0 }], limit: 10 })
    expect(seqs(bob.of('msg'))).toEqual([1, 2, 3, 4, 1, 2, 3, 4])
  })

  it('closes a peer whose socket buffers too much', async () => {
    const server = createVirtualServer()
    const bob = await server.join('bob')
    bob.buffered = server.hub.options.maxBufferedBytes
    server.advance(250)
    expect(bob.closed).toBeUndefined()
    bob.buffered += 1
    server.advance(250)
    expect(bob.closed?.code).toBe(4003)
  })
})
