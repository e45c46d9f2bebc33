// Two clients write to each other while their connections are broken again and again: nothing lost, nothing twice.
import assert from 'node:assert/strict'
import type { Message, Msg } from '../../protocol/index.ts'
import { type Client, type Clock, createClient, memoryStorage, type SendHandle } from '../index.ts'
import { dice } from './dice.ts'
import { FaultProxy } from './fault-proxy.ts'
import { until } from './until.ts'

/** Any server that speaks chatspec/1. */
export interface Target {
  readonly port: number
  token: (user: string) => string
  /** Comes back with its log. */
  restart: () => Promise<void>
}

export interface EnduranceOptions {
  target: Target
  seed: number
  /** Connections to break, over both clients. */
  disconnects: number
  /** Restarts of the server besides. */
  restarts: number
  /** How much faster than the real one the clients' clock runs. */
  timeScale: number
}

export interface EnduranceReport {
  messages: number
  disconnects: number
  midFrame: number
  restarts: number
  /** Frames that came again and were not handed over again. */
  resumes: number
}

/** Unanswered messages of each side: enough to be always in the middle of something. */
const inFlight = 6

interface Side {
  user: string
  peer: string
  client: Client
  proxy: FaultProxy
  random: () => number
  sent: SendHandle[]
  received: Msg[]
  lives: number
}

export async function endure(options: EnduranceOptions): Promise<EnduranceReport> {
  const { target, seed, disconnects, restarts, timeScale } = options
  const sides = [
    await startSide(target, { user: 'alice', peer: 'bob', encoding: 'json', seed, timeScale }),
    await startSide(target, { user: 'bob', peer: 'alice', encoding: 'cbor', seed: seed + 1, timeScale }),
  ]
  let isOver = false
  let restarted = 0
  try {
    for (const side of sides) await until(`${side.user} is live`, () => side.lives > 0)
    for (const side of sides) keepSending(side, () => isOver)
    const share = Math.ceil(disconnects / sides.length)
    const breaking = sides.map((side) => breakOften(side, share))
    for (; restarted < restarts; restarted++) {
      const before = sides.map((side) => side.proxy.cuts)
      const due = (share * (restarted + 1)) / (restarts + 1)
      await until('more disconnects', () => sides.every((side) => side.proxy.cuts >= due), 120_000)
      assert(before.length > 0)
      await target.restart()
    }
    await Promise.all(breaking)
    isOver = true
    await until(
      'every message is settled',
      () => sides.every((side) => side.client.pending.length === 0),
      30_000,
    )
    const [alice, bob] = sides
    assert(alice && bob)
    await until('both have everything', () => hasAll(alice, bob) && hasAll(bob, alice), 30_000)
    const log = await readLog(alice.client)
    for (const [side, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      await checkSide(side, other, log)
    }
    return {
      messages: log.length,
      disconnects: alice.proxy.cuts + bob.proxy.cuts,
      midFrame: alice.proxy.midFrameCuts + bob.proxy.midFrameCuts,
      restarts: restarted,
      resumes: alice.lives + bob.lives,
    }
  } finally {
    for (const side of sides) {
      await side.client.close()
      await side.proxy.stop()
    }
  }
}

interface SideOptions {
  user: string
  peer: string
  encoding: 'json' | 'cbor'
  seed: number
  timeScale: number
}

async function startSide(
  target: Target,
  { user, peer, encoding, seed, timeScale }: SideOptions,
): Promise<Side> {
  const random = dice(seed)
  const proxy = new FaultProxy({ port: target.port }, random)
  const port = await proxy.start()
  const client = createClient({
    url: `ws://127.0.0.1:${port}/ws`,
    token: () => target.token(user),
    deviceId: 'device',
    encoding,
    storage: memoryStorage(),
    clock: fastClock(timeScale),
    // Short jitter: the failures never stop, and most of the run would be spent in backoff.
    random: () => random() * 0.1,
  })
  const side: Side = { user, peer, client, proxy, random, sent: [], received: [], lives: 0 }
  client.on('message', (message) => void side.received.push(message))
  client.on('state', ({ state }) => {
    if (state === 'live') side.lives += 1
    assert.notEqual(state, 'stopped')
  })
  client.connect()
  return side
}

function fastClock(scale: number): Clock {
  return {
    now: () => performance.now() * scale,
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs / scale)
      return () => clearTimeout(timer)
    },
  }
}

function keepSending(side: Side, isOver: () => boolean): void {
  const next = () => {
    while (!isOver() && side.client.pending.length < inFlight) {
      const handle = side.client.send({ to: side.peer, content: `${side.user} ${side.sent.length}` })
      side.sent.push(handle)
      void handle.result.then(() => setTimeout(next, 2))
    }
  }
  next()
}

/** Breaks the connection now and then while it works, and sometimes while it is only coming about. */
async function breakOften(side: Side, times: number): Promise<void> {
  while (side.proxy.cuts < times) {
    const before = { cuts: side.proxy.cuts, lives: side.lives }
    const isEarly = side.random() < 0.2
    await until(`${side.user} comes back`, () =>
      isEarly
        ? side.proxy.connections > 0
        : side.client.status.state === 'live' && side.proxy.connections > 0,
    )
    const pauseMs = side.random() * (isEarly ? 5 : 25)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    const kind = side.random()
    if (kind < 0.5) side.proxy.cut()
    else side.proxy.cutMidFrame(kind < 0.75 ? 'in' : 'out')
    await until(`${side.user} is cut`, () => side.proxy.cuts > before.cuts || side.proxy.connections === 0)
  }
}

function hasAll(side: Side, other: Side): boolean {
  return side.received.length >= other.sent.length
}

async function readLog(client: Client): Promise<Message[]> {
  const log: Message[] = []
  for await (const page of client.history({ conv: 'd:alice:bob', order: 'asc', limit: 500 }))
    log.push(...page.items)
  return log
}

async function checkSide(side: Side, other: Side, log: readonly Message[]): Promise<void> {
  const ids = log.filter(({ from }) => from === side.user).map(({ msgId }) => msgId)
  const sent = side.sent.map(({ msgId }) => msgId)
  assert.deepEqual(ids, sent, `${side.user}: the log holds what was sent, once, in the order of sending`)
  const results = await Promise.all(side.sent.map((handle) => handle.result))
  for (const [index, result] of results.entries()) {
    assert(result.ok, `${sent[index]} was refused`)
    assert.equal(log[result.sent.seq - 1]?.msgId, sent[index], 'sent names the place in the log')
  }
  const expected = log
    .filter(({ from }) => from === other.user)
    .map(({ seq, msgId, content }) => [seq, msgId, content])
  const received = side.received.map(({ seq, msgId, content }) => [seq, msgId, content])
  assert.deepEqual(received, expected, `${side.user}: received what the other sent, once, in order`)
}
