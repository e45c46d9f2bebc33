// Going offline on purpose and coming back, in virtual time: nothing is lost, nothing comes twice.
import { describe, expect, it } from 'vitest'
import type { ClientMessage } from '../protocol/index.ts'
import { World, type WorldOptions } from './testing/world.ts'

const conv = 'd:alice:bob'

describe('disconnect', () => {
  it('acknowledges what was handled, closes with 1000, and stays away', () => {
    const world = live()
    peerSends(world, 1)
    world.settle()
    expect(frames(world, 'ack')).toEqual([])
    world.do({ type: 'disconnect' })
    world.settle()
    expect(world.session.status()).toEqual({ state: 'idle' })
    expect(frames(world, 'ack')).toMatchObject([{ seq: 1 }])
    expect(world.closes).toEqual([{ atMs: world.nowMs, code: 1000 }])
    world.do({ type: 'retry' })
    world.run(600_000)
    expect(world.opens).toHaveLength(1)
    expect(world.retries).toEqual([])
  })

  it('keeps what is pending, what is written meanwhile, and the place in each conversation', () => {
    const world = live()
    peerSends(world, 1)
    world.run(100)
    world.fate = () => 'lost'
    send(world, 1)
    world.settle()
    world.do({ type: 'disconnect' })
    world.settle()
    world.fate = () => 'answered'
    send(world, 2)
    peerSends(world, 2)
    world.run(10_000)
    const written = world.writes.length
    expect(world.stored).toContain(idOf(2))
    world.do({ type: 'connect' })
    world.run(1_000)
    const again = world.writes.slice(written).map(({ frame }) => frame)
    expect(again[0]).toMatchObject({ type: 'hello', resume: { cursors: [{ conv, seq: 1 }] } })
    const sends = again.filter((frame) => frame.type === 'send')
    expect(sends.map(({ msgId }) => msgId)).toEqual([idOf(1), idOf(2)])
    expect(world.settled.size).toBe(2)
    expect(world.handled.map(({ seq }) => seq)).toEqual([1, 2, 3])
  })

  it('leaves to the next connection what arrives on the way out', () => {
    const world = live()
    peerSends(world, 1)
    while (world.stepClient());
    world.job('handle')
    peerSends(world, 1)
    world.do({ type: 'disconnect' })
    while (world.stepClient());
    world.settle()
    expect(world.session.status().state).toBe('idle')
    expect(world.handled.map(({ seq }) => seq)).toEqual([1])
    world.do({ type: 'connect' })
    world.run(1_000)
    expect(world.handled.map(({ seq }) => seq)).toEqual([1, 2])
  })

  it('ends an attempt at once, whatever of it comes late', () => {
    for (const done of [[], ['token'], ['token', 'open']] as const) {
      const world = new World({ random: () => 0.5 })
      world.start()
      for (const kind of done) world.job(kind)
      // Not stored yet, which is nothing to wait for without a connection.
      send(world, 1)
      world.do({ type: 'disconnect' })
      expect(world.session.status().state).toBe('idle')
      world.run(60_000)
      expect(world.states.at(-1)).toBe('idle')
      expect(world.connection).toBeUndefined()
    }
  })

  it('ends waiting in backoff, and being stopped', () => {
    for (const code of [1006, 4504]) {
      const world = live()
      world.cut(code)
      world.do({ type: 'disconnect' })
      expect(world.session.status()).toEqual({ state: 'idle' })
      world.run(60_000)
      expect(world.opens).toHaveLength(1)
      world.do({ type: 'connect' })
      world.settle()
      expect(world.session.status().state).toBe('live')
    }
  })

  it('leaves first and then comes back when connect follows at once', () => {
    const world = live()
    peerSends(world, 1)
    world.settle()
    world.do({ type: 'disconnect' })
    world.do({ type: 'connect' })
    world.settle()
    expect(world.states.slice(-5)).toEqual(['idle', 'connecting', 'hello-sent', 'replaying', 'live'])
    world.do({ type: 'disconnect' })
    world.do({ type: 'connect' })
    world.do({ type: 'disconnect' })
    world.run(60_000)
    expect(world.states.at(-1)).toBe('idle')
  })

  it('is not held up by a storage that fails', () => {
    const world = live()
    peerSends(world, 1)
    world.settle()
    world.do({ type: 'disconnect' })
    world.job('save', { succeeds: false })
    expect(world.session.status().state).toBe('idle')
    world.run(2_000)
    expect(world.stored).toContain('"seq":1')
  })

  it('keeps requests and read positions for the next connection', () => {
    const world = live()
    peerSends(world, 1)
    world.run(100)
    world.do({ type: 'request', key: 1, frame: { type: 'join', conv: 'g:team' } })
    world.toServer.length = 0
    world.do({ type: 'disconnect' })
    world.settle()
    world.do({ type: 'read', conv, seq: 1 })
    world.do({ type: 'request', key: 2, frame: { type: 'join', conv: 'g:other' } })
    world.run(1_000)
    expect(world.replies.size).toBe(0)
    world.do({ type: 'connect' })
    world.settle()
    expect(frames(world, 'read')).toMatchObject([{ conv, seq: 1 }])
    for (const key of [1, 2]) expect(world.replies.get(key)).toMatchObject({ ok: true })
  })

  it('for good does not wait for what is stored lazily', () => {
    const world = live()
    peerSends(world, 1)
    world.settle()
    world.do({ type: 'close' })
    world.settle()
    expect(world.session.status().state).toBe('idle')
    expect(world.stored).toContain('"seq":1')
  })

  it('is followed by close, which ends what still waits', () => {
    const world = live()
    world.do({ type: 'disconnect' })
    world.settle()
    world.do({ type: 'request', key: 1, frame: { type: 'join', conv: 'g:team' } })
    world.do({ type: 'close' })
    world.settle()
    expect(world.replies.get(1)).toMatchObject({ ok: false, error: { name: 'STOPPED' } })
    world.do({ type: 'connect' })
    expect(world.session.status().state).toBe('idle')
  })
})

function live(options: Partial<WorldOptions> = {}): World {
  const world = new World({ random: () => 0.5, ...options })
  world.peer('bob')
  world.start()
  world.settle()
  world.run(1_000)
  expect(world.session.status().state).toBe('live')
  return world
}

function send(world: World, n: number): void {
  world.do({ type: 'send', send: { msgId: idOf(n), to: 'bob', content: `${n}` } })
}

let peerMessages = 0

function peerSends(world: World, times: number): void {
  const bob = [...world.server.connections].find(({ user }) => user === 'bob') ?? world.peer('bob')
  for (let time = 0; time < times; time++) {
    peerMessages += 1
    bob.take({ type: 'send', id: 1, msgId: idOf(1_000 + peerMessages), to: 'alice', content: 'hi' })
  }
}

function frames<Type extends ClientMessage['type']>(
  world: World,
  type: Type,
): Extract<ClientMessage, { type: Type }>[] {
  const isOne = (frame: ClientMessage): frame is Extract<ClientMessage, { type: Type }> => frame.type === type
  return world.writes.map(({ frame }) => frame).filter(isOne)
}

function idOf(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
}
