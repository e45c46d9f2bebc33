// Peers that are gone without a word: found within the announced bound, and not before it.
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../conformance/testing/listen.ts'
import { encodeFrame, opcodes } from '../conformance/ws-frames.ts'
import { heartbeatToleranceMs, type Heartbeat } from '../protocol/index.ts'
import { encodings, sendTo } from './testing/endpoint.ts'
import type { Client } from './testing/socket.ts'
import { type StartedServer, start } from './testing/start.ts'

/** The shortest that the reference grants: dead after 2.5 s. */
const heartbeat = { intervalMs: 1_000, timeoutMs: 500, maxMissed: 2 }
const boundMs = 2_500 + heartbeatToleranceMs

describe('a peer that vanishes', () => {
  it.each(encodings)(
    'is closed with 4002 within the bound where it reads but says nothing, in %s',
    async (encoding) => {
      const server = await start()
      const peer = await server.join('alice', { encoding, heartbeat })
      peer.isMute = true
      const silentFromMs = performance.now()
      const end = await peer.over(boundMs)
      expectWithin(performance.now() - silentFromMs, announcedTo(peer))
      expect(end).toMatchObject({ code: 4002, bye: { code: 4002, reconnect: 'now' } })
      expect(peer.of('ping').length).toBeGreaterThanOrEqual(2)
    },
  )

  it('behind a proxy that swallows everything is offline for its peers within the bound, and leaves nothing behind', async () => {
    const server = await start()
    const watcher = await watch(server)
    const proxy = await silencableProxy(server.port)
    const peer = await throughProxy(server, proxy.port)
    await sayHi(peer, watcher)
    await peer.fence()
    const silentFromMs = performance.now()
    proxy.silence()
    const offline = await watcher.until('alice offline', () => presenceOf(watcher, 'offline'), boundMs)
    expectWithin(performance.now() - silentFromMs, announcedTo(peer))
    expect(offline).toMatchObject({ user: 'alice', devices: 0 })
    expect(peer.isOver).toBe(false)
    const metrics = await server.metrics()
    expect(metrics.get('chatspec_connections')).toBe(1)
    expect(metrics.get('chatspec_closes_total{code="4002"}')).toBe(1)
  })

  it('gets on its return what was accepted while it was taken for alive', async () => {
    const server = await start()
    const watcher = await watch(server)
    const proxy = await silencableProxy(server.port)
    const peer = await throughProxy(server, proxy.port)
    await sayHi(peer, watcher)
    proxy.silence()
    for (let n = 1; n <= 20; n++) await watcher.request(sendTo('alice', `lost ${n}`))
    await watcher.until('alice offline', () => presenceOf(watcher, 'offline'), boundMs)
    const again = await server.join('alice', { heartbeat })
    expect(again.of('msg').map(({ content }) => content)).toEqual(
      Array.from({ length: 20 }, (_, n) => `lost ${n + 1}`),
    )
  })

  it('is found before its hello too', async () => {
    const server = await start({ limits: { helloTimeoutMs: 1_000 } })
    const peer = await server.connect()
    peer.isMute = true
    const openFromMs = performance.now()
    expect((await peer.over(1_000 + heartbeatToleranceMs)).code).toBe(4501)
    expect(performance.now() - openFromMs).toBeGreaterThan(900)
  })
})

describe('a peer lives', () => {
  it('on nothing but WebSocket pings, pongs, or chatspec pings, while a silent one beside it dies', async () => {
    const server = await start()
    const signs: [sign: string, (peer: Client) => void][] = [
      ['a WebSocket ping', (peer) => peer.write(encodeFrame({ opcode: opcodes.ping }))],
      ['an unasked WebSocket pong', (peer) => peer.write(encodeFrame({ opcode: opcodes.pong }))],
      ['a ping', (peer) => peer.send({ type: 'ping', n: 0 })],
    ]
    const peers: Client[] = []
    for (const [index, [, sign]] of signs.entries()) {
      const peer = await server.join(`u${index}`, { heartbeat })
      peer.isMute = true
      const timer = setInterval(() => sign(peer), heartbeat.intervalMs)
      onTestFinished(() => clearInterval(timer))
      peers.push(peer)
    }
    // Two lives of the silent one, one after the other: longer than any bound.
    for (let life = 0; life < 2; life++) {
      const silent = await server.join('silent', { heartbeat })
      silent.isMute = true
      expect((await silent.over(boundMs)).code).toBe(4002)
    }
    for (const [index, [sign]] of signs.entries()) expect([sign, peers[index]?.isOver]).toEqual([sign, false])
  })

  it('not on what the server sends to it', async () => {
    const server = await start()
    const peer = await server.join('alice', { heartbeat })
    const writer = await server.join('bob')
    peer.isMute = true
    const silentFromMs = performance.now()
    const writing = setInterval(() => writer.send(sendTo('alice', 'are you there?', 2)), 50)
    onTestFinished(() => clearInterval(writing))
    await peer.over(boundMs)
    expect(peer.closeCode).toBe(4002)
    expectWithin(performance.now() - silentFromMs, announcedTo(peer))
    expect(peer.of('msg').length).toBeGreaterThan(20)
  })
})

function announcedTo(peer: Client): Heartbeat {
  const heartbeatOfWelcome = peer.of('welcome')[0]?.heartbeat
  if (heartbeatOfWelcome === undefined) throw new Error('no welcome')
  expect(heartbeatOfWelcome).toEqual({ ...heartbeat, deadAfterMs: 2_500 })
  return heartbeatOfWelcome
}

/** [HB-02] */
function expectWithin(elapsedMs: number, { deadAfterMs, intervalMs }: Heartbeat): void {
  expect(elapsedMs).toBeGreaterThanOrEqual(deadAfterMs - intervalMs)
  expect(elapsedMs).toBeLessThanOrEqual(deadAfterMs + heartbeatToleranceMs)
}

function watch(server: StartedServer): Promise<Client> {
  return server.join('bob', { caps: ['presence'], network: 'lan' })
}

function presenceOf(watcher: Client, state: 'online' | 'offline'): unknown {
  return watcher.of('presence').find((frame) => frame.user === 'alice' && frame.state === state)
}

/** Makes peers of the two, so that they see each other come and go; acknowledged, so that it is not repeated. */
async function sayHi(peer: Client, watcher: Client): Promise<void> {
  const sent = await peer.request(sendTo('bob', 'hi'))
  if (sent.type !== 'sent') throw new Error(`not sent but ${JSON.stringify(sent)}`)
  await peer.request({ type: 'ack', id: 0, conv: sent.conv, epoch: sent.epoch, seq: sent.seq })
  await watcher.request({ type: 'ack', id: 0, conv: sent.conv, epoch: sent.epoch, seq: sent.seq })
}

async function throughProxy(server: StartedServer, port: number): Promise<Client> {
  const behind = Object.assign(Object.create(server) as StartedServer, { port })
  return await behind.join('alice', { heartbeat })
}

/** Passes bytes on until it is told to swallow them, without closing anything: a path that died. */
async function silencableProxy(targetPort: number): Promise<{ port: number; silence(): void }> {
  let isSilent = false
  const far: Socket[] = []
  const proxy = createServer((near) => {
    const server = connectTcp(targetPort, '127.0.0.1')
    far.push(server)
    for (const [from, to] of [
      [near, server],
      [server, near],
    ] as const) {
      from.on('error', () => undefined)
      from.on('data', (chunk) => {
        if (!isSilent) to.write(chunk)
      })
    }
  })
  const { host, close } = await listen(proxy)
  onTestFinished(async () => {
    for (const socket of far) socket.destroy()
    await close()
  })
  return {
    port: Number(host.split(':')[1]),
    silence: () => {
      isSilent = true
    },
  }
}
