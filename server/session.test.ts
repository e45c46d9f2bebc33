import { describe, expect, it } from 'vitest'
import { closes, defaultLimits, errors } from '../protocol/index.ts'
import { maxErrors } from './session.ts'
import { createVirtualServer, testToken, welcomeOf } from './testing/virtual.ts'

const msgId = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`

describe('before welcome', () => {
  it('answers a ping and nothing else', async () => {
    const server = createVirtualServer()
    const peer = server.open()
    peer.send({ type: 'ping', n: 7 })
    expect(peer.frames).toEqual([{ type: 'pong', n: 7 }])
    peer.send({ type: 'send', id: 1, msgId: msgId(1), to: 'bob', content: 'x' })
    expect(peer.closed?.code).toBe(closes.UNAUTHORIZED.code)
    expect(peer.of('bye')[0]).toMatchObject({ code: 4504, reconnect: 'never' })
    await server.settle()
    expect(server.log.head('d:alice:bob')).toBe(0)
  })

  it('closes a silent connection with 4501 when helloTimeoutMs is over, and not before', () => {
    const server = createVirtualServer()
    const peer = server.open()
    server.advance(defaultLimits.helloTimeoutMs - 250)
    expect(peer.closed).toBeUndefined()
    server.advance(250)
    expect(peer.closed?.code).toBe(4501)
  })

  it.each([
    ['a forged token', 'forged', 4504],
    ['an expired token', testToken('alice', { exp: 1 }), 4005],
  ])('refuses %s', async (_, token, code) => {
    const server = createVirtualServer()
    const peer = server.open()
    peer.send({ type: 'hello', id: 1, token, deviceId: 'phone' })
    expect(peer.closed?.code).toBe(code)
    expect(server.hub.users.size).toBe(0)
  })
})

describe('a welcomed session', () => {
  it('is told every limit, the heartbeat that was granted, and what is promised', async () => {
    const server = createVirtualServer()
    const peer = await server.join('alice', {
      heartbeat: { intervalMs: 50, maxMissed: 99 },
      caps: ['receipts'],
    })
    const welcome = welcomeOf(peer)
    expect(welcome.limits).toEqual(defaultLimits)
    expect(welcome.heartbeat).toEqual({
      intervalMs: 1_000,
      timeoutMs: 10_000,
      maxMissed: 10,
      deadAfterMs: 20_000,
    })
    expect(welcome.caps).toContain('receipts')
    expect(welcome.caps).not.toContain('presence')
    expect(welcome.caps).toContain('durability=memory')
    expect(peer.of('live')).toHaveLength(1)
  })

  it('refuses a second hello, and closes if it is for somebody else', async () => {
    const server = createVirtualServer()
    const peer = await server.join('alice')
    peer.send({ type: 'hello', id: 2, token: testToken('alice'), deviceId: 'phone' })
    expect(peer.of('error')[0]).toMatchObject({ id: 2, code: errors.BAD_REQUEST.code })
    peer.send({ type: 'hello', id: 3, token: testToken('mallory'), deviceId: 'phone' })
    expect(peer.closed?.code).toBe(4504)
  })

  it('survives refused frames up to the maximum, then is closed with 4509', async () => {
    const server = createVirtualServer()
    const peer = await server.join('alice')
    for (let n = 0; n < maxErrors; n++) peer.sendText('{"type":"nonsense"}')
    expect(peer.of('error')).toHaveLength(maxErrors)
    expect(peer.closed).toBeUndefined()
    peer.sendText('{"type":"nonsense"}')
    expect(peer.closed?.code).toBe(4509)
  })

  it('forgets refused frames after the window', async () => {
    const server = createVirtualServer()
    const peer = await server.join('alice', { network: 'lan' })
    for (let n = 0; n < maxErrors; n++) peer.sendText('{"type":"nonsense"}')
    server.advance(60_250)
    peer.sendText('{"type":"nonsense"}')
    expect(peer.closed).toBeUndefined()
  })

  it('counts refused frames over any 60 s, wherever they begin', async () => {
    const server = createVirtualServer()
    const peer = await server.join('alice', { network: 'lan' })
    const refuse = (count: number): void => {
      for (let n = 0; n < count; n++) peer.sendText('{"type":"nonsense"}')
    }
    refuse(1)
    server.advance(59_000)
    refuse(maxErrors - 1)
    server.advance(2_000)
    refuse(1)
    expect(peer.closed).toBeUndefined()
    refuse(1)
    expect(peer.closed?.code).toBe(4509)
  })

  it('is closed with 4502 by text that is no frame, and with 4503 by one that is too long', async () => {
    const server = createVirtualServer()
    const first = await server.join('alice')
    first.sendText('null')
    expect(first.closed?.code).toBe(4502)
    const second = await server.join('bob')
    second.sendText(`{"type":"ping","n":1,"pad":"${'x'.repeat(defaultLimits.maxFrame)}"}`)
    expect(second.closed?.code).toBe(4503)
  })

  it('is replaced by the same device, and presence does not flap', async () => {
    const server = createVirtualServer()
    const watcher = await server.join('bob', { caps: ['presence'] })
    const old = await server.join('alice')
    old.send({ type: 'send', id: 2, msgId: msgId(1), to: 'bob', content: 'x' })
    await server.settle()
    const before = watcher.of('presence').length
    const fresh = await server.join('alice')
    expect(old.closed?.code).toBe(4507)
    expect(fresh.closed).toBeUndefined()
    expect(watcher.of('presence').slice(before)).toEqual([])
    old.drop()
    expect(server.hub.users.get('alice')?.sessions).toHaveLength(1)
  })

  it('is refused with 4007 beyond connectionsPerUser', async () => {
    const server = createVirtualServer({ limits: { connectionsPerUser: 2 } })
    await server.join('alice', { deviceId: 'a' })
    await server.join('alice', { deviceId: 'b' })
    const third = await server.join('alice', { deviceId: 'c' })
    expect(third.closed?.code).toBe(4007)
  })
})

describe('heartbeats', () => {
  const heartbeat = { intervalMs: 1_000, timeoutMs: 1_000, maxMissed: 2 }

  it('closes a silent peer with 4002 at deadAfterMs', async () => {
    const server = createVirtualServer()
    const peer = await server.join('alice', { heartbeat })
    server.advance(2_750)
    expect(peer.closed).toBeUndefined()
    expect(peer.of('ping').length).toBeGreaterThanOrEqual(2)
    server.advance(250)
    expect(peer.closed?.code).toBe(4002)
    expect(server.hub.users.size).toBe(0)
  })

  it('keeps a peer that sends anything at all, also when the server itself writes all the time', async () => {
    const server = createVirtualServer()
    const peer = await server.join('alice', { heartbeat })
    for (let n = 0; n < 10; n++) {
      server.advance(2_500)
      peer.send({ type: 'pong', n })
    }
    expect(peer.closed).toBeUndefined()
  })

  it('does not take its own writes for life of the peer', async () => {
    const server = createVirtualServer()
    const peer = await server.join('bob', { heartbeat })
    const writer = await server.join('alice', { network: 'lan' })
    for (let n = 0; n < 12; n++) {
      writer.send({ type: 'send', id: n + 1, msgId: msgId(n), to: 'bob', content: 'x' })
      await server.settle()
      server.advance(250)
    }
    expect(peer.of('msg')).toHaveLength(12)
    expect(peer.closed?.code).toBe(4002)
  })

  it('changes with the network for both sides at once', async () => {
    const server = createVirtualServer()
    const peer = await server.join('alice', { heartbeat })
    peer.send({ type: 'network', id: 5, network: 'mobile' })
    expect(peer.of('ok')[0]?.heartbeat).toEqual({
      intervalMs: 30_000,
      timeoutMs: 10_000,
      maxMissed: 3,
      deadAfterMs: 100_000,
    })
    server.advance(99_750)
    expect(peer.closed).toBeUndefined()
    server.advance(250)
    expect(peer.closed?.code).toBe(4002)
  })
})

describe('tokens in a session', () => {
  it('end it with 4005 at expiry plus leeway, unless refreshed', async () => {
    const server = createVirtualServer()
    const exp = server.nowMs() + 2_000
    const late = await server.join('alice', { token: testToken('alice', { exp }) })
    const kept = await server.join('bob', { token: testToken('bob', { exp }) })
    kept.send({ type: 'refresh', id: 9, token: testToken('bob', { exp: exp + 60_000 }) })
    expect(kept.of('ok')[0]).toMatchObject({ id: 9, expiresAt: exp + 60_000 })
    server.advance(6_750)
    expect(late.closed).toBeUndefined()
    server.advance(250)
    expect(late.closed?.code).toBe(4005)
    expect(kept.closed).toBeUndefined()
  })

  it('may not change the subject', async () => {
    const server = createVirtualServer()
    const peer = await server.join('alice')
    peer.send({ type: 'refresh', id: 2, token: testToken('bob') })
    expect(peer.closed?.code).toBe(4504)
  })

  it('reach open sockets when they are revoked', async () => {
    const server = createVirtualServer()
    const peer = await server.join('alice', { token: testToken('alice', { jti: 'one' }) })
    const other = await server.join('alice', {
      token: testToken('alice', { jti: 'two' }),
      deviceId: 'laptop',
    })
    server.hub.revoke({ jti: 'one' })
    expect(peer.closed?.code).toBe(4506)
    expect(other.closed).toBeUndefined()
    server.hub.revoke({ sub: 'alice' })
    expect(other.closed?.code).toBe(4506)
  })
})

describe('rates', () => {
  it('are one budget over all connections of a user, named in the refusal, and a refused send leaves no key', async () => {
    const server = createVirtualServer({ limits: { sendBurst: 3, sendRatePerSecond: 1 } })
    await server.join('bob')
    const phone = await server.join('alice')
    const laptop = await server.join('alice', { deviceId: 'laptop' })
    for (let n = 0; n < 2; n++)
      phone.send({ type: 'send', id: n + 1, msgId: msgId(n), to: 'bob', content: 'x' })
    for (let n = 2; n < 4; n++)
      laptop.send({ type: 'send', id: n + 1, msgId: msgId(n), to: 'bob', content: 'x' })
    await server.settle()
    expect(phone.of('sent').length + laptop.of('sent').length).toBe(3)
    expect(laptop.of('error')[0]).toMatchObject({
      id: 4,
      code: 104,
      retryable: true,
      msgId: msgId(3),
      retryAfterMs: 1_000,
    })
    server.advance(1_000)
    laptop.send({ type: 'send', id: 9, msgId: msgId(3), to: 'bob', content: 'x' })
    await server.settle()
    expect(laptop.of('sent').at(-1)).toMatchObject({ id: 9, duplicate: false })
  })

  it('count every frame kind', async () => {
    const server = createVirtualServer({ limits: { frameBurst: 5, frameRatePerSecond: 1 } })
    const peer = await server.join('alice')
    for (let n = 0; n < 6; n++) peer.send({ type: 'ping', n })
    expect(peer.of('pong')).toHaveLength(5)
    expect(peer.of('error')[0]?.code).toBe(104)
    // What is wrong in itself comes first [FRM-30], and counts all the same.
    peer.sendText('{"type":"nonsense","id":7}')
    expect(peer.of('error').at(-1)).toMatchObject({ id: 7, code: 202 })
    peer.sendText('nonsense')
    expect(peer.closed?.code).toBe(4502)
  })

  it('bound the sends that await their answer', async () => {
    const server = createVirtualServer({ limits: { sendWindow: 2 } })
    await server.join('bob')
    const peer = await server.join('alice')
    for (let n = 0; n < 3; n++)
      peer.send({ type: 'send', id: n + 1, msgId: msgId(n), to: 'bob', content: 'x' })
    expect(peer.of('error')[0]).toMatchObject({ id: 3, code: 104 })
    await server.settle()
    expect(peer.of('sent')).toHaveLength(2)
  })
})
