// The client as an application uses it, over real sockets with the fake server.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Msg } from '../protocol/index.ts'
import {
  type Client,
  type ClientOptions,
  createClient,
  memoryStorage,
  type Reason,
  type WebSocketLike,
} from './index.ts'
import { FakeServer } from './testing/fake-server.ts'
import { until } from './testing/until.ts'

let server: FakeServer
const clients: Client[] = []

beforeEach(async () => {
  server = new FakeServer({ limits: { maxContent: 100, maxFrame: 1_000 } })
  await server.start()
})

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await server.stop()
})

describe.each(['json', 'cbor'] as const)('two clients in %s', (encoding) => {
  it('exchange text and bytes, with receipts and presence', async () => {
    const alice = await open('alice', { encoding })
    const heard: string[] = []
    alice.on('presence', ({ user, state }) => void heard.push(`${user} ${state}`))
    alice.on('receipt', ({ user, kind, seq }) => void heard.push(`${user} ${kind} ${seq}`))
    const bob = await open('bob', { encoding })
    const received: Msg[] = []
    bob.on('message', (message) => void received.push(message))
    const bytes = new Uint8Array([0, 255, 128])
    const text = alice.send({ to: 'bob', content: 'grüße 🙂', meta: { mood: 'good' } })
    const opaque = alice.send({ to: 'bob', content: bytes, contentType: 'application/octet-stream' })
    expect(await text.result).toMatchObject({
      ok: true,
      sent: { msgId: text.msgId, conv: 'd:alice:bob', seq: 1 },
    })
    expect(await opaque.result).toMatchObject({ ok: true, sent: { seq: 2 } })
    await until('both arrive', () => received.length === 2)
    expect(received[0]).toMatchObject({ from: 'alice', content: 'grüße 🙂', meta: { mood: 'good' } })
    expect(received[1]).toMatchObject({
      content: new Uint8Array([0, 255, 128]),
      contentType: 'application/octet-stream',
    })
    bob.read('d:alice:bob', 2)
    await until('receipts', () => heard.includes('bob read 2') && heard.includes('bob delivered 2'))
    expect(heard[0]).toBe('bob online')
    await bob.close()
    await until('bob is gone', () => heard.at(-1) === 'bob offline')
  })

  it('page through the history of a group that they joined', async () => {
    const alice = await open('alice', { encoding })
    const bob = await open('bob', { encoding })
    const changes: string[] = []
    bob.on('membership', ({ change, seq }) => void changes.push(`${change} ${seq}`))
    expect(await alice.join('g:team')).toMatchObject({ ok: true, reply: { top: 0 } })
    expect(await alice.join('g:team', 'bob')).toMatchObject({ ok: true })
    const sends = Array.from({ length: 7 }, (_, n) => alice.send({ conv: 'g:team', content: `${n}` }))
    await Promise.all(sends.map((send) => send.result))
    const pages: number[][] = []
    for await (const page of bob.history({ conv: 'g:team', order: 'asc', limit: 3 })) {
      pages.push(page.items.map((item) => item.seq))
    }
    expect(pages).toEqual([[1, 2, 3], [4, 5, 6], [7]])
    await alice.leave('g:team', 'bob')
    await until('bob hears of it', () => changes.length === 2)
    expect(changes).toEqual(['joined 0', 'removed 7'])
    await expect(bob.history({ conv: 'g:nothing' }).next()).rejects.toThrow(
      expect.objectContaining({ code: 'NOT_MEMBER' }),
    )
  })
})

describe('a client', () => {
  it('hands over the next message only when the one before was handled', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')]
    const log: string[] = []
    bob.on('message', async ({ content }) => {
      log.push(`begin ${content}`)
      await new Promise((resolve) => setTimeout(resolve, 1))
      log.push(`end ${content}`)
    })
    for (const content of ['1', '2', '3']) alice.send({ to: 'bob', content })
    await until('all are handled', () => log.length === 6)
    expect(log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
  })

  it('keeps messages until there is a listener for them', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')]
    await alice.send({ to: 'bob', content: 'early' }).result
    const fence: unknown[] = []
    bob
      .history({ conv: 'd:alice:bob' })
      .next()
      .then((page) => fence.push(page))
    await until('bob has it', () => fence.length > 0)
    const received: unknown[] = []
    bob.on('message', ({ content }) => void received.push(content))
    await until('it is handed over', () => received.length === 1)
  })

  it('stops when its listener fails, and a new one gets the same message again', async () => {
    const storage = memoryStorage()
    const alice = await open('alice')
    const bob = await open('bob', { storage })
    const reasons: Reason[] = []
    bob.on('stopped', (reason) => void reasons.push(reason))
    bob.on('message', ({ content }) => {
      if (content === 'bad') throw new Error('no room')
    })
    await alice.send({ to: 'bob', content: 'good' }).result
    await alice.send({ to: 'bob', content: 'bad' }).result
    await until('bob stops', () => reasons.length > 0)
    expect(reasons).toEqual([{ name: 'LISTENER_FAILED', message: 'no room' }])
    await bob.close()
    const received: unknown[] = []
    const again = await open('bob', { storage })
    again.on('message', ({ content }) => void received.push(content))
    await until('it comes again', () => received.length > 0)
    expect(received).toEqual(['bad'])
  })

  it('stores what it has when it is closed, and its successor sends what was pending', async () => {
    const storage = memoryStorage()
    const alice = await open('alice', { storage })
    const bob = await open('bob')
    const received: unknown[] = []
    bob.on('message', ({ content }) => void received.push(content))
    await server.stop()
    const { msgId } = alice.send({ to: 'bob', content: 'later' })
    await alice.close()
    await server.restart()
    const successor = client('alice', { storage })
    const sent: string[] = []
    successor.on('sent', (one) => void sent.push(one.msgId))
    successor.connect()
    await until('it is sent', () => sent.length > 0)
    expect(sent).toEqual([msgId])
    bob.retry()
    await until('it is received', () => received.length > 0)
    expect(received).toEqual(['later'])
  })

  it('goes offline and comes back with what was pending, and is handed nothing in between', async () => {
    const alice = await open('alice')
    const bob = await open('bob')
    const log: string[] = []
    let end = () => {}
    bob.on('message', async ({ content }) => {
      log.push(`begin ${content}`)
      await new Promise<void>((resolve) => (end = resolve))
      log.push(`end ${content}`)
    })
    for (const content of ['1', '2']) await alice.send({ to: 'bob', content }).result
    await until('the first is in hand', () => log.length === 1)
    await bob.disconnect()
    expect(bob.status).toEqual({ state: 'idle' })
    const reply = bob.send({ to: 'alice', content: 'offline' })
    end()
    await until('the first is done', () => log.length === 2)
    await alice.send({ to: 'bob', content: '3' }).result
    expect(log).toEqual(['begin 1', 'end 1'])
    bob.connect()
    expect(await reply.result).toMatchObject({ ok: true })
    for (const number of [2, 3]) {
      await until(`${number} is in hand`, () => log.includes(`begin ${number}`))
      end()
    }
    await until('all are done', () => log.length === 6)
    expect(log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
  })

  it('waits for the message in hand when it is closed, and hands over no other', async () => {
    const storage = memoryStorage()
    const [alice, bob] = [await open('alice'), await open('bob', { storage })]
    const log: string[] = []
    let end = () => {}
    bob.on('message', async ({ content }) => {
      log.push(`begin ${content}`)
      await new Promise<void>((resolve) => (end = resolve))
      log.push(`end ${content}`)
    })
    for (const content of ['1', '2']) await alice.send({ to: 'bob', content }).result
    await until('the first is in hand', () => log.length === 1)
    const closed = bob.close().then(() => log.push('closed'))
    await alice.history({ conv: 'd:alice:bob' }).next()
    end()
    await closed
    expect(log).toEqual(['begin 1', 'end 1', 'closed'])
    expect((await storage.load())?.positions).toMatchObject([{ seq: 1 }])
  })

  it('hands nothing over when it goes offline again before it is live', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')]
    await alice.send({ to: 'bob', content: 'waits' }).result
    await bob.history({ conv: 'd:alice:bob' }).next()
    await bob.disconnect()
    const log: unknown[] = []
    bob.on('message', ({ content }) => void log.push(content))
    const off = bob.on('state', ({ state }) => {
      log.push(state)
      if (state === 'replaying') void bob.disconnect()
    })
    bob.connect()
    await until('bob is back and gone', () => log.at(-1) === 'idle')
    expect(log).toEqual(['connecting', 'hello-sent', 'replaying', 'idle'])
    off()
    bob.connect()
    await until('it is handed over', () => log.includes('waits'))
  })

  it('stays offline when it was told so before its storage was read', async () => {
    const alice = client('alice')
    const states: string[] = []
    alice.on('state', ({ state }) => void states.push(state))
    alice.connect()
    await alice.disconnect()
    const bob = await open('bob')
    expect(states).toEqual(['idle'])
    alice.connect()
    await until('alice is live', () => alice.status.state === 'live')
    await Promise.all([alice.close(), alice.disconnect(), bob.disconnect(), bob.disconnect()])
    expect([alice, bob].map(({ status }) => status.state)).toEqual(['idle', 'idle'])
  })

  it('stores what it was given before it ever connected, beside what the storage held', async () => {
    const storage = memoryStorage()
    for (const content of ['first', 'second']) {
      const offline = client('alice', { storage })
      offline.send({ to: 'bob', content })
      await offline.close()
    }
    const stored = await storage.load()
    expect(stored?.pending.map(({ content }) => content)).toEqual(['first', 'second'])
  })

  it('can be closed although its storage fails, and is quiet afterwards', async () => {
    let saves = 0
    const fails = () => Promise.reject(new Error('no disk'))
    const unreadable = client('alice', { storage: { load: fails, save: fails } })
    unreadable.send({ to: 'bob', content: '' })
    await unreadable.close()
    let answer = (_token: string) => {}
    const token = () => new Promise<string>((resolve) => (answer = resolve))
    const save = () => {
      saves += 1
      throw new Error('no disk')
    }
    const timers: (() => void)[] = []
    const clock = {
      now: () => saves * 100_000,
      after: (_delayMs: number, callback: () => void) => {
        timers.push(callback)
        return () => {}
      },
    }
    const unwritable = client('alice', { token, clock, storage: { load: () => undefined, save } })
    unwritable.connect()
    unwritable.send({ to: 'bob', content: '' })
    await until('it asks for a token', () => unwritable.status.state === 'connecting')
    await unwritable.close()
    const before = { saves, timers: timers.length }
    answer('token-alice')
    for (const ring of timers) ring()
    await open('bob')
    expect({ saves, timers: timers.length }).toEqual(before)
  })

  it('says that its storage holds nonsense, and can be closed', async () => {
    const nonsense = JSON.parse('{"version":1,"positions":[null],"pending":[]}')
    const alice = client('alice', { storage: { load: () => nonsense, save: () => {} } })
    alice.connect()
    await until('alice stops', () => alice.status.state === 'stopped')
    expect(alice.status.reason).toMatchObject({ name: 'STORAGE' })
    await alice.close()
  })

  it('sends bytes as they were when it got them', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')]
    const received: unknown[] = []
    bob.on('message', ({ content }) => void received.push(content))
    await server.stop()
    await until('alice notices', () => alice.status.state !== 'live')
    const bytes = new Uint8Array([1, 2, 3])
    alice.send({ to: 'bob', content: bytes })
    bytes.fill(0)
    await server.restart()
    await until('it is received', () => received.length > 0)
    expect(received).toEqual([new Uint8Array([1, 2, 3])])
  })

  it('never writes what the server would close the connection for', async () => {
    const [alice] = [await open('alice'), await open('bob')]
    const long = alice.send({ to: 'bob', content: 'x'.repeat(101) })
    const escaped = alice.send({
      to: 'bob',
      content: '\u0000'.repeat(100),
      meta: { a: '\u0000'.repeat(100) },
    })
    for (const { result } of [long, escaped]) {
      expect(await result).toMatchObject({ ok: false, error: { name: 'CONTENT_TOO_LARGE', definite: true } })
    }
    expect(alice.status.state).toBe('live')
  })

  it('asks the token provider for each connection, and tells it when a token was refused', async () => {
    const asked: boolean[] = []
    const token = ({ refused }: { refused: boolean }) => {
      asked.push(refused)
      return asked.length === 1 ? 'expired-alice' : 'token-alice'
    }
    const alice = client('alice', { token })
    alice.connect()
    await until('alice is live', () => alice.status.state === 'live')
    expect(asked).toEqual([false, true])
  })

  it('stops when a constant token has expired', async () => {
    const alice = client('alice', { token: 'expired-alice' })
    alice.connect()
    await until('alice stops', () => alice.status.state === 'stopped')
    expect(alice.status.reason).toMatchObject({ code: 4005, name: 'TOKEN_EXPIRED' })
  })

  it('stays alive without a server, and speaks no JSON when CBOR was agreed on', async () => {
    const nowhere = createClient({ url: 'ws://127.0.0.1:1/ws', token: 'token-alice', deviceId: 'd' })
    clients.push(nowhere)
    nowhere.connect()
    await until('it waits', () => nowhere.status.state === 'backoff')
    expect(nowhere.status.reason).toMatchObject({ code: 1006, name: 'CONNECTION_LOST' })
    const confused = client('alice', { encoding: 'cbor', webSocket: await jsonOnly() })
    confused.connect()
    await until('it waits as well', () => confused.status.state === 'backoff')
    const message = 'the server speaks chatspec.v1.json, not chatspec.v1.cbor'
    expect(confused.status.reason).toEqual({ code: 4502, name: 'BAD_FRAME', message })
  })

  it('says at once what is wrong with its options and with a message', async () => {
    const good = { url: 'ws://localhost/ws', token: 't', deviceId: 'd' }
    for (const [name, options] of [
      ['url', { ...good, url: 'http://localhost' }],
      ['deviceId', { ...good, deviceId: 'a b' }],
      ['maxPending', { ...good, maxPending: 0 }],
    ] as const) {
      expect(() => createClient(options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
      expect(() => createClient(options)).toThrow(new RegExp(`^${name} is`))
    }
    const alice = client('alice')
    for (const message of [
      { content: 'to nobody' },
      { to: 'bob', conv: 'd:alice:bob', content: 'to both' },
      { to: 'b o b', content: '' },
      { conv: 'd:bob:alice', content: 'the wrong way round' },
      { to: 'bob', content: 'half of a pair: \ud83d' },
      { to: 'bob', content: '', msgId: 'not a UUID' },
      { to: 'bob', content: '', meta: { Key: '' } },
      { to: 'bob', content: '', clientTime: Number.NaN },
    ]) {
      expect(() => alice.send(message)).toThrow(expect.objectContaining({ code: 'BAD_SEND' }))
    }
    const badRequest = expect.objectContaining({ code: 'BAD_REQUEST' })
    for (const query of [{ limit: 0 }, { limit: 1.5 }, { afterSeq: -1 }, { fromTime: Number.NaN }]) {
      await expect(alice.history({ conv: 'd:alice:bob', ...query }).next()).rejects.toThrow(badRequest)
    }
    expect(() => alice.read('d:alice:bob', Number.NaN)).toThrow(badRequest)
    await alice.close()
    expect(() => alice.send({ to: 'bob', content: '' })).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect(() => alice.connect()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })
})

function client(user: string, options: Partial<ClientOptions> = {}): Client {
  const url = `ws://127.0.0.1:${server.port}/ws`
  const created = createClient({ url, token: () => `token-${user}`, deviceId: 'device', ...options })
  clients.push(created)
  return created
}

async function open(user: string, options: Partial<ClientOptions> = {}): Promise<Client> {
  const created = client(user, options)
  created.connect()
  await until(`${user} is live`, () => created.status.state === 'live')
  return created
}

/** A WebSocket that asks for another subprotocol than it was told to. */
async function jsonOnly(): Promise<new (url: string) => WebSocketLike> {
  const { WebSocket } = await import('ws')
  return class extends WebSocket {
    constructor(url: string) {
      super(url, ['chatspec.v1.json'])
    }
  }
}
