// What a session does in single situations, in virtual time: sends, answers, acks, holes, storage.
import { describe, expect, it } from 'vitest'
import type { ClientMessage } from '../protocol/index.ts'
import { World, type WorldOptions } from './testing/world.ts'

const conv = 'd:alice:bob'

describe('a send', () => {
  it('is repeated with its msgId after 1 s, 2 s and 4 s, and then the connection is given up with 4000', () => {
    const world = live()
    world.fate = () => 'lost'
    send(world, 1)
    world.settle()
    world.run(12_000)
    expect(times(world, 'send').slice(0, 4)).toEqual([0, 1_000, 3_000, 7_000])
    expect(world.closes).toEqual([{ atMs: 11_000, code: 4000 }])
    expect(new Set(frames(world, 'send').map(({ msgId }) => msgId)).size).toBe(1)
    expect(new Set(frames(world, 'send').map(({ id }) => id)).size).toBeGreaterThanOrEqual(4)
    expect(world.session.pending()).toHaveLength(1)
    world.fate = () => 'answered'
    world.run(30_000)
    expect(world.settled.get(idOf(1))).toMatchObject({ ok: true, sent: { seq: 1, duplicate: false } })
  })

  it('spreads its repeats by 20 % either way', () => {
    for (const [random, first] of [
      [0, 800],
      [0.999_999, 1_200],
    ] as const) {
      const world = live({ random: () => random })
      world.fate = () => 'lost'
      const atMs = world.nowMs
      send(world, 1)
      world.run(2_000)
      expect((times(world, 'send')[1] ?? 0) - atMs).toBeCloseTo(first, 0)
    }
  })

  it('goes out again after a reconnect before the new ones, oldest first', () => {
    const world = live()
    world.fate = () => 'lost'
    send(world, 1)
    send(world, 2)
    world.settle()
    world.cut(1006)
    world.fate = () => 'answered'
    send(world, 3)
    const before = world.writes.length
    world.run(2_000)
    const again = world.writes.slice(before).filter(({ frame }) => frame.type === 'send')
    expect(again.map(({ frame }) => 'msgId' in frame && frame.msgId)).toEqual([idOf(1), idOf(2), idOf(3)])
    const log = world.server.conversations.get(conv)?.messages.map(({ msgId }) => msgId)
    expect(log).toEqual([idOf(1), idOf(2), idOf(3)])
  })

  it('is settled by its own copy in the log when the answer was lost', () => {
    const world = live()
    world.fate = () => 'unanswered'
    send(world, 1)
    world.settle()
    world.cut(1006)
    const before = world.writes.length
    world.run(2_000)
    expect(world.settled.get(idOf(1))).toMatchObject({ ok: true, sent: { seq: 1, duplicate: true } })
    expect(world.writes.slice(before).filter(({ frame }) => frame.type === 'send')).toEqual([])
    expect(world.handled).toEqual([])
  })

  it('that is refused for good fails with that error, once this is stored', () => {
    const world = live()
    world.fate = () => 'MSGID_CONFLICT'
    send(world, 1)
    world.job('save')
    while (world.stepServer() || world.stepClient());
    expect(world.settled.size).toBe(0)
    world.settle()
    const error = { code: 106, name: 'MSGID_CONFLICT', definite: true }
    expect(world.settled.get(idOf(1))).toMatchObject({ ok: false, error })
    expect(world.stored).not.toContain(idOf(1))
  })

  it('that is refused while something older is being stored fails only with the next save', () => {
    const world = live()
    world.fate = () => 'MSGID_CONFLICT'
    send(world, 1)
    world.job('save')
    send(world, 2)
    while (world.stepServer() || world.stepClient());
    world.job('save')
    expect(world.stored).toContain(idOf(1))
    expect(world.settled.size).toBe(0)
    world.job('save')
    expect([...world.settled.keys()]).toEqual([idOf(1)])
  })

  it('that meets an error which this client does not know stays pending', () => {
    const world = live()
    world.fate = () => 'lost'
    send(world, 1)
    world.settle()
    const refusal = { code: 899, name: 'NEW_TROUBLE', message: '', retryable: false }
    world.do({ type: 'frame', frame: { type: 'error', msgId: idOf(1), ...refusal } })
    const [written] = frames(world, 'send')
    world.do({ type: 'frame', frame: { type: 'error', id: written?.id ?? 0, ...refusal } })
    expect(world.session.pending()).toHaveLength(1)
    world.fate = () => 'answered'
    world.run(2_000)
    expect(world.settled.get(idOf(1))?.ok).toBe(true)
  })

  it('that is refused after an earlier copy got no answer is not called certainly refused', () => {
    const world = live()
    world.fate = () => 'lost'
    send(world, 1)
    world.settle()
    world.cut(1006)
    world.fate = () => 'NOT_MEMBER'
    world.run(2_000)
    expect(world.settled.get(idOf(1))).toMatchObject({ ok: false, error: { code: 103, definite: false } })
  })

  it('that meets a limit or an unavailable store is tried again later with the same id', () => {
    for (const error of ['TOO_MANY_REQUESTS', 'UNAVAILABLE', 'INTERNAL'] as const) {
      const world = live()
      world.fate = () => error
      send(world, 1)
      world.settle()
      world.fate = () => 'answered'
      expect(world.session.pending()).toHaveLength(1)
      world.run(2_000)
      expect(times(world, 'send')).toEqual([0, 1_000])
      expect(world.settled.get(idOf(1))?.ok).toBe(true)
    }
  })

  it('waits for as long as the server asks, and the ones behind it do not overtake', () => {
    for (const [code, held] of [
      [104, 'every conversation'],
      [108, 'its conversation'],
    ] as const) {
      const world = live()
      world.peer('carol')
      send(world, 1)
      world.job('save')
      const [written] = frames(world, 'send')
      world.toServer.length = 0
      const refusal = { code, name: '', message: '', retryable: true, retryAfterMs: 7_000 }
      world.do({ type: 'frame', frame: { type: 'error', id: written?.id ?? 0, msgId: idOf(1), ...refusal } })
      send(world, 2)
      world.do({ type: 'send', send: { msgId: idOf(3), to: 'carol', content: '3' } })
      world.run(6_999)
      const early = frames(world, 'send').map(({ msgId }) => msgId)
      expect(early).toEqual(held === 'its conversation' ? [idOf(1), idOf(3)] : [idOf(1)])
      world.run(1)
      expect(
        frames(world, 'send')
          .filter(({ to }) => to === 'bob')
          .map(({ msgId }) => msgId),
      ).toEqual([1, 1, 2].map(idOf))
      expect(world.settled.size).toBe(3)
    }
  })

  it('keeps to the announced rate', () => {
    const world = live({ limits: { sendRatePerSecond: 10, sendBurst: 5 } })
    for (let n = 1; n <= 25; n++) send(world, n)
    world.settle()
    expect(times(world, 'send')).toHaveLength(5)
    world.run(1_000)
    expect(times(world, 'send')).toHaveLength(15)
    world.run(1_000)
    expect(times(world, 'send')).toHaveLength(25)
  })

  it('is refused at once when too many are pending, and content over the limit is never written', () => {
    const world = live({ maxPending: 2, limits: { maxContent: 10 } })
    world.cut(1006)
    for (let n = 1; n <= 3; n++) send(world, n, n === 1 ? 'x'.repeat(11) : 'x')
    expect(world.settled.get(idOf(3))).toMatchObject({ ok: false, error: { name: 'TOO_MANY_PENDING' } })
    world.run(2_000)
    expect(world.settled.get(idOf(1))).toMatchObject({ ok: false, error: { name: 'CONTENT_TOO_LARGE' } })
    expect(frames(world, 'send').map(({ msgId }) => msgId)).toEqual([idOf(2)])
  })

  it('that is asked for again is no further one, however many are pending', () => {
    const world = live({ maxPending: 2 })
    world.cut(1006)
    for (const n of [1, 2, 1]) send(world, n)
    expect(world.settled.size).toBe(0)
    world.run(2_000)
    expect([...world.settled.values()].map(({ ok }) => ok)).toEqual([true, true])
  })

  it('does not keep the session awake while it leaves and the storage is slow', () => {
    const world = live()
    world.fate = () => 'lost'
    send(world, 1)
    world.settle()
    send(world, 2)
    world.do({ type: 'close' })
    world.pass(5_000)
    expect(world.session.status().state).toBe('live')
    world.job('save')
    expect(world.session.status().state).toBe('idle')
  })

  it('is written only after it was stored, and a restart sends it with the same id', () => {
    const world = live()
    send(world, 1)
    world.job('save', { succeeds: false })
    expect(frames(world, 'send')).toEqual([])
    world.pass(999)
    expect(world.job('save')).toBe(false)
    world.run(1)
    expect(frames(world, 'send')).toHaveLength(1)
    world.cut(1006)
    world.fate = () => 'lost'
    send(world, 2)
    world.run(1_500)
    world.crash()
    world.fate = () => 'answered'
    world.run(1_000)
    expect(world.settled.get(idOf(2))?.ok).toBe(true)
  })
})

describe('what is received', () => {
  it('is acknowledged 50 ms after it was handled and stored, in one frame', () => {
    const world = live()
    peerSends(world, 5)
    world.settle()
    expect(frames(world, 'ack')).toEqual([])
    world.run(50)
    expect(times(world, 'ack')).toEqual([50])
    expect(frames(world, 'ack')).toEqual([{ type: 'ack', conv, epoch: 'e0001', seq: 5 }])
  })

  it('is acknowledged at once every 32 messages, or at half of a smaller window', () => {
    for (const [window, batch] of [
      [256, 32],
      [10, 5],
    ] as const) {
      const world = live({ limits: { window } })
      peerSends(world, batch)
      world.settle()
      expect(frames(world, 'ack').map(({ seq }) => seq)).toEqual([batch])
    }
  })

  it('is not acknowledged while the application handles it, or the storage fails', () => {
    const world = live()
    peerSends(world, 1)
    while (world.stepClient());
    world.pass(500)
    expect(frames(world, 'ack')).toEqual([])
    world.job('handle')
    world.pass(50)
    world.job('save', { succeeds: false })
    expect(frames(world, 'ack')).toEqual([])
    world.run(1_000)
    expect(frames(world, 'ack')).toHaveLength(1)
  })

  it('is handed over once although it comes again, because it was not stored when the connection broke', () => {
    const world = live()
    peerSends(world, 3)
    world.settle()
    world.cut(1006)
    world.do({ type: 'retry' })
    world.run(100)
    expect(frames(world, 'hello').at(-1)?.resume).toBeUndefined()
    expect(world.session.status()).toMatchObject({ state: 'live', caughtUp: 0 })
    expect(world.handled.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(frames(world, 'ack').at(-1)?.seq).toBe(3)
  })

  it('beyond a hole is fetched by sync and comes in order', () => {
    const world = live()
    peerSends(world, 1)
    world.settle()
    peerSends(world, 2)
    world.toClient.shift()
    world.run(100)
    expect(frames(world, 'sync')).toMatchObject([{ cursors: [{ conv, epoch: 'e0001', seq: 1 }] }])
    expect(world.handled.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(world.discontinuities).toEqual([])
  })

  it('after a gap is fetched by sync', () => {
    const world = live()
    peerSends(world, 1)
    world.settle()
    world.connection?.deliveries.breakOff(conv)
    peerSends(world, 2)
    world.run(100)
    expect(world.handled.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(world.discontinuities).toEqual([])
  })

  it('beyond a hole comes by a new connection when the server refuses the sync', () => {
    const world = live()
    peerSends(world, 1)
    world.run(100)
    peerSends(world, 2)
    world.toClient.shift()
    world.stepClient()
    world.pass(100)
    const [sync] = frames(world, 'sync')
    world.toServer.length = 0
    const refusal = { code: 109, name: 'UNRECOVERABLE_POSITION', message: '', retryable: false }
    world.toClient.push({ type: 'error', id: sync?.id ?? 0, ...refusal })
    world.run(2_000)
    expect(world.closes).toMatchObject([{ code: 4000 }])
    expect(world.handled.map(({ seq }) => seq)).toEqual([1, 2, 3])
  })

  it('tells of what the server could not keep, and goes on behind it', () => {
    const world = live({ limits: { offlineMax: 3 } })
    peerSends(world, 1)
    world.run(100)
    world.cut(1006)
    peerSends(world, 6)
    world.run(2_000)
    expect(world.discontinuities).toEqual([{ conv, epoch: 'e0001', from: 1, to: 4, reason: 'overflow' }])
    expect(world.handled.map(({ seq }) => seq)).toEqual([1, 5, 6, 7])
  })

  it('begins anew when the server has lost its log', () => {
    const world = live()
    peerSends(world, 3)
    world.run(100)
    world.server.restart({ keepsLog: false })
    world.cut(1006)
    peerSends(world, 2)
    world.run(2_000)
    expect(world.discontinuities).toMatchObject([{ conv, epoch: 'e0002', reason: 'epoch' }])
    expect(world.handled.map(({ epoch, seq }) => `${epoch} ${seq}`)).toEqual([
      ...['e0001 1', 'e0001 2', 'e0001 3'],
      ...['e0002 1', 'e0002 2'],
    ])
  })
})

describe('a group', () => {
  it('begins where the answer to the join says, and goes on where a membership does', () => {
    const world = live()
    const bob = [...world.server.connections].find(({ user }) => user === 'bob') ?? world.peer('bob')
    const say = (n: number) => bob.take({ type: 'send', id: 1, msgId: idOf(n), conv: 'g:t', content: '' })
    bob.take({ type: 'join', id: 1, conv: 'g:t' })
    say(2_001)
    world.do({ type: 'request', key: 1, frame: { type: 'join', conv: 'g:t' } })
    world.settle()
    say(2_002)
    say(2_003)
    world.toClient.shift()
    world.run(2_000)
    expect(world.handled.map(({ seq }) => seq)).toEqual([2, 3])
    bob.take({ type: 'leave', id: 1, conv: 'g:t', user: 'alice' })
    say(2_004)
    bob.take({ type: 'join', id: 1, conv: 'g:t', user: 'alice' })
    say(2_005)
    world.run(100)
    expect(world.handled.map(({ seq }) => seq)).toEqual([2, 3, 5])
    expect(frames(world, 'sync')).toHaveLength(1)
  })
})

describe('a storage', () => {
  it('that belongs to another user stops the session before anything is sent', () => {
    const world = live()
    send(world, 1)
    world.settle()
    world.stored = world.stored?.replace('"alice"', '"carol"')
    world.crash()
    world.settle()
    expect(world.session.status()).toMatchObject({ state: 'stopped', reason: { name: 'OTHER_USER' } })
  })
})

function live(options: Partial<WorldOptions> = {}): World {
  const world = new World({ random: () => 0.5, ...options })
  world.peer('bob')
  world.start()
  world.settle()
  world.run(1_000)
  expect(world.session.status().state).toBe('live')
  world.nowMs = 0
  return world
}

function send(world: World, n: number, content = `${n}`): void {
  world.do({ type: 'send', send: { msgId: idOf(n), to: 'bob', content } })
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

function times(world: World, type: ClientMessage['type']): number[] {
  return world.writes.filter(({ frame }) => frame.type === type).map(({ atMs }) => atMs)
}

function idOf(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
}
