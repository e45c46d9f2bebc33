// A server process that is told to stop: says so, answers for its grace, closes everybody, loses nothing, ends.
import { describe, expect, it, onTestFinished } from 'vitest'
import { encodings, generousLimits, sendTo, tokenFor } from './testing/endpoint.ts'
import { type Exit, limitFlags, type ServerProcess, serve } from './testing/process.ts'
import { scratchDirectory } from './testing/scratch.ts'
import type { Client } from './testing/socket.ts'
import { until } from './testing/until.ts'

const good: Exit = { code: 0, signal: null }

describe('SIGTERM', () => {
  it('is announced to all, who are answered until the grace is over and then closed with 1012', async () => {
    const server = await serve(['--memory', '--drain-grace', '1s'])
    const clients: Client[] = []
    for (const encoding of encodings) clients.push(await server.join(encoding, { encoding }))
    const [json, cbor] = clients as [Client, Client]
    const toldAtMs = performance.now()
    server.child.kill('SIGTERM')
    for (const client of clients) {
      expect(await client.until('drain', () => client.of('drain')[0])).toMatchObject({
        graceMs: 1_000,
        resumable: true,
      })
    }
    expect(await json.request(sendTo('cbor', 'still'))).toMatchObject({ type: 'sent', seq: 1 })
    expect(await cbor.request({ type: 'join', id: 0, conv: 'g:late' })).toMatchObject({ type: 'ok' })
    await cbor.fence()
    expect(cbor.of('msg')).toMatchObject([{ content: 'still' }])
    for (const client of clients) {
      expect(await client.over()).toMatchObject({ code: 1012, bye: { code: 1012, reconnect: 'backoff' } })
      expect(client.frames.at(-1)?.type).toBe('bye')
    }
    expect(performance.now() - toldAtMs).toBeGreaterThanOrEqual(1_000)
    expect(await server.exit).toEqual(good)
  })

  it('closes with 4006 a hello that comes after it, and refuses new connections with 503', async () => {
    const server = await serve(['--memory', '--drain-grace', '10s'])
    const early = await server.connect()
    const alice = await server.join('alice')
    server.child.kill('SIGTERM')
    await alice.until('drain', () => alice.of('drain')[0])
    expect(early.frames).toEqual([])
    early.send({ type: 'hello', id: 1, token: tokenFor('bob'), deviceId: 'phone' })
    expect(await early.over()).toMatchObject({ code: 4006, bye: { code: 4006, reconnect: 'backoff' } })
    await expect(server.connect()).rejects.toThrow(/503/)
    expect((await server.fetch('/readyz')).status).toBe(503)
    await alice.fence()
  })

  it('loses nothing that was accepted, up to the last moment under load', async () => {
    const dataDir = scratchDirectory()
    const flags = ['--data-dir', dataDir, '--drain-grace', '300ms']
    const first = await serve(flags)
    await first.join('bob')
    const accepted = new Map<string, number>()
    const alice = await first.join('alice')
    alice.onMessage = (message) => {
      if (message.type === 'sent') accepted.set(message.msgId, message.seq)
      if (message.type === 'sent') alice.send(sendTo('bob', 'again', 3))
    }
    for (let n = 0; n < 32; n++) alice.send(sendTo('bob', 'first', 3))
    await alice.until('the first answers', () => accepted.size > 100 || undefined)
    expect(await first.kill('SIGTERM')).toEqual(good)
    const second = await serve(flags)
    // More may be there: what was stored and no longer answered.
    const found = await allOf(second, 'bob', 'd:alice:bob')
    const lost = [...accepted].filter(([msgId, seq]) => found.get(msgId) !== seq)
    expect(lost).toEqual([])
    expect(accepted.size).toBeGreaterThan(100)
  })

  it('lets those read the end who are still writing', async () => {
    const server = await serve(['--memory', '--drain-grace', '200ms'])
    const writers: Client[] = []
    for (let n = 0; n < 4; n++) writers.push(await server.join(`writer${n}`))
    const timer = setInterval(() => {
      for (const writer of writers) writer.send(sendTo('nobody', 'x'.repeat(16_000), 2))
    }, 1)
    onTestFinished(() => clearInterval(timer))
    server.child.kill('SIGTERM')
    for (const writer of writers)
      expect(await writer.over()).toMatchObject({ code: 1012, bye: { code: 1012 } })
    expect(await server.exit).toEqual(good)
  })

  it('brings a slow reader what still waits for it in the process', async () => {
    const server = await serve(['--memory', '--drain-grace', '0ms', ...limitFlags(generousLimits)])
    const slow = await server.join('alice')
    for (let n = 0; n < 7; n++) await slow.request(sendTo('alice', 'x'.repeat(16_000)))
    slow.socket.pause()
    const conv = 'd:alice:alice'
    const waits = async (): Promise<true | undefined> => {
      for (let n = 0; n < 4; n++) slow.send({ type: 'history', id: 9, conv, order: 'asc', limit: 7 })
      return (await server.metric('chatspec_buffered_bytes')) > 0 || undefined
    }
    await until('a backlog', waits)
    server.child.kill('SIGTERM')
    await until('the end of all sessions', async () => !(await isServing(server)) || undefined)
    slow.socket.resume()
    expect(await slow.over()).toMatchObject({ code: 1012, bye: { code: 1012 } })
    expect(await server.exit).toEqual(good)
  })

  it('ends at once where nobody is connected, whatever the grace', async () => {
    const server = await serve(['--memory', '--drain-grace', '1h'])
    await server.metrics()
    expect(await withinMs(5_000, server.kill('SIGTERM'))).toEqual(good)
  })

  it('ends when the last connection has gone, before the grace is over', async () => {
    const server = await serve(['--memory', '--drain-grace', '1h'])
    const alice = await server.join('alice')
    server.child.kill('SIGTERM')
    await alice.until('drain', () => alice.of('drain')[0])
    alice.close()
    expect(await withinMs(5_000, server.exit)).toEqual(good)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('a second time, as %s, ends the grace', async (signal) => {
    const server = await serve(['--memory', '--drain-grace', '1h'])
    const alice = await server.join('alice')
    server.child.kill('SIGTERM')
    await alice.until('drain', () => alice.of('drain')[0])
    server.child.kill(signal)
    expect(await alice.over()).toMatchObject({ code: 1012, bye: { code: 1012 } })
    expect(await withinMs(5_000, server.exit)).toEqual(good)
  })

  it('is not held up by a peer that reads nothing, nor by an idle HTTP connection', async () => {
    const server = await serve(['--memory', '--drain-grace', '0ms'])
    const frozen = await server.join('alice')
    frozen.socket.pause()
    const kept = await fetch(`http://127.0.0.1:${server.port}/healthz`)
    expect(await kept.json()).toEqual({ status: 'ok' })
    expect(await withinMs(10_000, server.kill('SIGTERM'))).toEqual(good)
  })
})

/** Its port no longer answers. */
async function isServing(server: ServerProcess): Promise<boolean> {
  return await server.fetch('/healthz').then(
    () => true,
    () => false,
  )
}

function withinMs(limitMs: number, exit: Promise<Exit>): Promise<Exit> {
  let ended: Exit | undefined
  void exit.then((value) => {
    ended = value
  })
  return until('the end of the process', () => ended, limitMs)
}

/** The seqs of a whole conversation by msgId, from history. */
async function allOf(server: ServerProcess, user: string, conv: string): Promise<Map<string, number>> {
  const client = await server.join(user, { deviceId: 'reader', acksAll: true })
  const seqs = new Map<string, number>()
  let afterSeq = 0
  for (;;) {
    const page = await client.request({ type: 'history', id: 0, conv, order: 'asc', limit: 500, afterSeq })
    if (page.type !== 'page') throw new Error(`no page but ${JSON.stringify(page)}`)
    for (const { msgId, seq } of page.items) {
      expect([seq, seqs.has(msgId)]).toEqual([afterSeq + 1, false])
      seqs.set(msgId, seq)
      afterSeq = seq
    }
    if (page.complete) return seqs
  }
}
