// The life of the connection in virtual time: greeting, silence, drains, tokens, and the ends that are final.
import { describe, expect, it } from 'vitest'
import type { Heartbeat } from '../protocol/index.ts'
import { World, type WorldOptions } from './testing/world.ts'

const heartbeat: Heartbeat = { intervalMs: 1_000, timeoutMs: 500, maxMissed: 2, deadAfterMs: 2_500 }

describe('a link', () => {
  it('goes through its states, waits in backoff and comes back', () => {
    const world = live()
    world.cut(1006)
    world.run(1_000)
    const onceMore = ['connecting', 'hello-sent', 'replaying', 'live']
    expect(world.states).toEqual([...onceMore, 'backoff', ...onceMore])
    expect(world.retries).toEqual([500])
  })

  it('pings after intervalMs of silence, and takes the server for dead after deadAfterMs', () => {
    const world = live({ heartbeat })
    const deaf = world.server.connections
    for (const connection of deaf) connection.take = () => {}
    world.run(2_600)
    expect(world.writes.filter(({ frame }) => frame.type === 'ping').map(({ atMs }) => atMs)).toEqual([
      1_000, 2_000,
    ])
    expect(world.closes).toEqual([{ atMs: 2_500, code: 4000 }])
    expect(world.states.at(-1)).toBe('backoff')
  })

  it('takes any frame for a sign of life and answers a ping at once', () => {
    const world = live({ heartbeat })
    for (let n = 1; n <= 20; n++) {
      world.toClient.push({ type: 'ping', n })
      world.run(500)
    }
    expect(world.closes).toEqual([])
    expect(world.writes.map(({ frame }) => frame)).toContainEqual({ type: 'pong', n: 20 })
    expect(world.writes.filter(({ frame }) => frame.type === 'ping')).toEqual([])
  })

  it('gives up an attempt that gets no welcome within 15 s', () => {
    const world = new World({ random: () => 0.5 })
    world.start()
    world.job('token')
    world.job('open')
    world.pass(15_000)
    expect(world.closes).toEqual([{ atMs: 15_000, code: 4000 }])
  })

  it('forgets its failures only after 60 s of being live', () => {
    const world = live()
    for (let n = 0; n < 4; n++) {
      world.cut(1006)
      world.run(30_000)
    }
    expect(world.retries).toEqual([500, 500, 1_000, 2_000])
    world.run(61_000)
    world.cut(1006)
    expect(world.retries.at(-1)).toBe(500)
  })

  it('leaves a draining server at a time of its own choice, and loses nothing', () => {
    const world = live({ random: () => 0.25 })
    world.toClient.push({
      type: 'drain',
      graceMs: 9_000,
      reconnectMinMs: 1_000,
      reconnectMaxMs: 5_000,
      resumable: true,
    })
    world.settle()
    expect(world.session.status()).toMatchObject({ state: 'draining', retryInMs: 2_000 })
    send(world, 1)
    world.run(1_999)
    expect(world.settled.size).toBe(1)
    world.fate = () => 'lost'
    send(world, 2)
    world.settle()
    world.fate = () => 'answered'
    world.run(1)
    expect(world.closes).toMatchObject([{ code: 1000 }])
    expect(world.states.at(-1)).toBe('live')
    expect(world.settled.size).toBe(2)
  })

  it('waits out its draw when the draining server closes earlier', () => {
    const world = live({ random: () => 1 })
    world.toClient.push({
      type: 'drain',
      graceMs: 100,
      reconnectMinMs: 1_000,
      reconnectMaxMs: 5_000,
      resumable: true,
    })
    world.settle()
    world.run(100)
    world.connection?.close(1012)
    world.settle()
    expect(world.session.status()).toMatchObject({ state: 'backoff', retryInMs: 4_900 })
  })

  it('stays away for as long as the draining server asks when it closes', () => {
    const world = live({ random: () => 0 })
    world.toClient.push({
      type: 'drain',
      graceMs: 100,
      reconnectMinMs: 1_000,
      reconnectMaxMs: 5_000,
      resumable: true,
    })
    world.toClient.push({ type: 'bye', code: 1012, reason: '', reconnect: 'backoff', retryAfterMs: 9_000 })
    world.settle()
    expect(world.session.status()).toMatchObject({ state: 'backoff', retryInMs: 9_000 })
  })

  it('forgets its failures also when it left a draining server after 60 s', () => {
    const world = live()
    for (let n = 0; n < 4; n++) {
      world.cut(1006)
      world.run(30_000)
    }
    world.run(61_000)
    const terms = { graceMs: 100, reconnectMinMs: 1, reconnectMaxMs: 1, resumable: true }
    world.toClient.push({ type: 'drain', ...terms })
    world.run(1_000)
    world.cut(1006)
    expect(world.retries.at(-1)).toBe(500)
  })

  it('stops at a close that is final, says why, and connects again when it is told to', () => {
    for (const code of [4504, 4506, 4507, 4509, 4999]) {
      const world = live()
      world.connection?.close(code)
      world.settle()
      world.run(600_000)
      expect(world.session.status()).toMatchObject({ state: 'stopped', reason: { code } })
      expect(world.opens).toHaveLength(1)
      world.do({ type: 'connect' })
      world.settle()
      expect(world.session.status().state).toBe('live')
    }
  })

  it('asks for a new token after 4005, and does not connect with the old one', () => {
    const world = live()
    world.connection?.close(4005)
    world.run(1_000)
    const tokens = world.writes.flatMap(({ frame }) => (frame.type === 'hello' ? [frame.token] : []))
    expect(tokens).toEqual(['token-alice.1', 'token-alice.2'])
  })

  it('tries again later when there is no token', () => {
    const world = new World({ random: () => 0.5 })
    world.start()
    world.job('token', { succeeds: false })
    expect(world.session.status()).toMatchObject({ state: 'backoff', reason: { name: 'NO_TOKEN' } })
    world.run(1_000)
    expect(world.session.status().state).toBe('live')
  })

  it('renews a token before it expires', () => {
    const tokens = ['token-alice-600000', 'token-alice-9000000']
    const world = live({ token: () => tokens.shift() ?? '' })
    world.run(900_000)
    const refreshes = world.writes.filter(({ frame }) => frame.type === 'refresh')
    expect(refreshes.map(({ atMs }) => atMs)).toEqual([540_000])
    expect(world.opens).toHaveLength(1)
  })

  it('asks again 5 s later when there is no new token yet', () => {
    const tokens = ['token-alice-600000', 'token-alice-9000000']
    const world = live({ token: () => tokens.shift() ?? '' })
    world.run(539_999)
    world.pass(1)
    world.job('token', { succeeds: false })
    world.pass(5_000)
    world.run(1)
    expect(world.writes.filter(({ frame }) => frame.type === 'refresh').map(({ atMs }) => atMs)).toEqual([
      545_000,
    ])
  })

  it('tells a change of network at once and again in the next hello', () => {
    const world = live()
    world.do({ type: 'network', network: 'mobile' })
    world.run(1_000)
    expect(world.writes.map(({ frame }) => frame.type)).toContain('network')
    world.run(30_000)
    expect(world.writes.at(-1)?.frame.type).toBe('ping')
    world.cut(1006)
    world.run(1_000)
    expect(world.writes.findLast(({ frame }) => frame.type === 'hello')?.frame).toMatchObject({
      network: 'mobile',
    })
  })

  it('tries without resume when the server refuses the cursors', () => {
    const world = live()
    send(world, 1)
    world.run(2_000)
    world.cut(1006)
    world.do({ type: 'retry' })
    world.job('token')
    world.job('open')
    const hello = world.writes.at(-1)?.frame
    expect(hello).toMatchObject({ type: 'hello', resume: { cursors: [{ seq: 1 }] } })
    world.toServer.length = 0
    const refusal = { code: 103, name: 'NOT_MEMBER', message: '', retryable: false, retryAfterMs: 1_500 }
    world.toClient.push({ type: 'error', id: hello?.type === 'hello' ? hello.id : 0, ...refusal })
    world.settle()
    expect(world.retries.at(-1)).toBeGreaterThanOrEqual(1_500)
    world.run(4_000)
    expect(world.writes.findLast(({ frame }) => frame.type === 'hello')?.frame).not.toHaveProperty('resume')
    expect(world.states.at(-1)).toBe('live')
  })
})

describe('a request', () => {
  it('is asked again on the next connection, and a join that finds itself done has succeeded', () => {
    const world = live()
    world.do({ type: 'request', key: 1, frame: { type: 'join', conv: 'g:team' } })
    world.stepServer()
    world.cut(1006)
    world.run(2_000)
    expect(world.replies.get(1)).toMatchObject({ ok: true })
    world.do({ type: 'request', key: 2, frame: { type: 'join', conv: 'g:team' } })
    world.settle()
    expect(world.replies.get(2)).toMatchObject({ ok: false, error: { code: 201, definite: true } })
  })

  it('that is refused after an earlier copy got no answer is not called certainly refused', () => {
    const world = live()
    const history = { type: 'history', conv: 'g:nothing', order: 'desc', limit: 1 } as const
    world.do({ type: 'request', key: 1, frame: history })
    world.toServer.length = 0
    world.cut(1006)
    world.run(2_000)
    expect(world.replies.get(1)).toMatchObject({ ok: false, error: { definite: false } })
  })

  it('without an answer for 15 s ends the connection, and after five of them its outcome is unknown', () => {
    const world = live()
    world.do({ type: 'request', key: 1, frame: { type: 'leave', conv: 'g:team' } })
    for (let n = 0; n < 200 && !world.replies.has(1); n++) {
      for (const frame of world.toServer.splice(0)) if (frame.type !== 'leave') world.connection?.take(frame)
      while (world.stepClient());
      for (const kind of ['token', 'open', 'save', 'handle'] as const) world.job(kind)
      world.pass(1_000)
    }
    expect(world.replies.get(1)).toMatchObject({ ok: false, error: { name: 'NO_ANSWER', definite: false } })
    expect(world.closes.map(({ code }) => code)).toEqual([4000, 4000, 4000, 4000, 4000])
  })

  it('for history asks for no more than the server gives at once', () => {
    const world = live({ limits: { historyMaxLimit: 20 } })
    send(world, 1)
    const history = { type: 'history', conv: 'd:alice:bob', order: 'desc' } as const
    world.do({ type: 'request', key: 1, frame: { ...history, limit: 50 } })
    world.do({ type: 'request', key: 2, frame: { ...history, limit: 10 } })
    world.settle()
    const asked = world.writes.flatMap(({ frame }) => (frame.type === 'history' ? [frame.limit] : []))
    expect(asked).toEqual([20, 10])
  })

  it('that tells a read position outlives a stop', () => {
    const world = live()
    const [bob] = [...world.server.connections].filter(({ user }) => user === 'bob')
    bob?.take({
      type: 'send',
      id: 1,
      msgId: '00000000-0000-4000-8000-00000000000b',
      to: 'alice',
      content: '',
    })
    world.run(100)
    world.do({ type: 'read', conv: 'd:alice:bob', seq: 1 })
    world.toServer.length = 0
    world.cut(4504)
    world.do({ type: 'connect' })
    world.settle()
    const reads = world.writes.filter(({ frame }) => frame.type === 'read')
    expect(reads).toHaveLength(2)
    expect(reads.at(-1)?.frame).toMatchObject({ seq: 1 })
  })

  it('is refused when the session has stopped', () => {
    const world = live()
    world.connection?.close(4504)
    world.do({ type: 'request', key: 1, frame: { type: 'join', conv: 'g:team' } })
    world.toServer.length = 0
    world.settle()
    world.do({ type: 'request', key: 2, frame: { type: 'join', conv: 'g:team' } })
    for (const key of [1, 2])
      expect(world.replies.get(key)).toMatchObject({ ok: false, error: { name: 'STOPPED' } })
  })
})

function live(options: Partial<WorldOptions> = {}): World {
  const world = new World({ random: () => 0.5, ...options })
  world.peer('bob')
  world.start()
  world.settle()
  expect(world.session.status().state).toBe('live')
  return world
}

function send(world: World, n: number): void {
  const msgId = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
  world.do({ type: 'send', send: { msgId, to: 'bob', content: `${n}` } })
}
