// The plain HTTP endpoints over real connections: health, metrics, capabilities, history, the page.
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { defaultLimits, type Page } from '../protocol/index.ts'
import { Hub } from './hub.ts'
import { sendTo, tokenFor } from './testing/endpoint.ts'
import { scratchDirectory } from './testing/scratch.ts'
import type { Client } from './testing/socket.ts'
import { type StartedServer, start } from './testing/start.ts'

const adminToken = 'the operator of this test'
const asAdmin = { Authorization: `Bearer ${adminToken}` }
const conv = 'd:alice:bob'

describe('a server', () => {
  it('that cannot listen gives its directory free again', async () => {
    const dataDir = scratchDirectory()
    const { port } = await start()
    await expect(start({ port, dataDir })).rejects.toThrow(/cannot listen/)
    await start({ dataDir })
  })
})

describe('health', () => {
  it('is 200 while the process works; ready becomes 503 with the drain', async () => {
    const server = await start({ drainGraceMs: 10_000 })
    const alice = await server.join('alice')
    expect((await server.fetch('/healthz')).status).toBe(200)
    expect(await (await server.fetch('/readyz')).json()).toEqual({ status: 'ready' })
    void server.server.drain()
    await alice.next('drain')
    expect((await server.fetch('/healthz')).status).toBe(200)
    const ready = await server.fetch('/readyz')
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'draining' }])
  })
})

describe('/.well-known/chatspec', () => {
  it('says what welcome will say', async () => {
    const server = await start({ limits: { window: 77 }, receipts: false })
    const response = await server.fetch('/.well-known/chatspec')
    const alice = await server.join('alice', { caps: ['presence', 'receipts'] })
    const [welcome] = alice.of('welcome')
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({
      protocol: 'chatspec/1',
      endpoint: '/ws',
      subprotocols: ['chatspec.v1.cbor', 'chatspec.v1.json'],
      caps: welcome?.caps,
      limits: { ...defaultLimits, window: 77 },
    })
    expect(welcome?.limits.window).toBe(77)
  })
})

describe('/metrics', () => {
  it('answers this machine, but not what a proxy on it passes on', async () => {
    const server = await start()
    const text = await (await server.fetch('/metrics')).text()
    expect(text).toMatch(/^chatspec_connections 0$/m)
    expect(text).toMatch(/^chatspec_build_info\{.*log="memory".*\} 1$/m)
    for (const name of ['X-Forwarded-For', 'Forwarded']) {
      const refused = await server.fetch('/metrics', { headers: { [name]: '192.0.2.1' } })
      expect([name, refused.status]).toEqual([name, 401])
      expect(await refused.text()).not.toContain('chatspec_connections')
    }
  })

  it('does not answer another address without the admin token', async () => {
    const [address] = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
    const host = address?.address
    // A machine without a network has no other address to ask from.
    if (host === undefined) return
    const { port } = await start({ host: '0.0.0.0' })
    expect((await fetch(`http://${host}:${port}/metrics`)).status).toBe(401)
    const secured = await start({ host: '0.0.0.0', adminToken })
    expect((await fetch(`http://${host}:${secured.port}/metrics`, { headers: asAdmin })).status).toBe(200)
  })

  it('needs the admin token where there is one, also from this machine', async () => {
    const server = await start({ adminToken })
    expect((await server.fetch('/metrics')).status).toBe(401)
    expect((await server.fetch('/metrics', { headers: { Authorization: 'Bearer guess' } })).status).toBe(401)
    expect((await server.fetch('/metrics', { headers: asAdmin })).status).toBe(200)
  })
})

describe('GET /api/history', () => {
  it('gives the pages of the frame, one after the other', async () => {
    const { server, alice } = await talk(7)
    for (const order of ['asc', 'desc'] as const) {
      let cursor: string | undefined
      for (const expected of [3, 3, 1]) {
        const query = { conv, order, limit: 3, ...(cursor !== undefined && { cursor }) }
        const frame = await alice.request({ type: 'history', id: 0, ...query })
        if (frame.type !== 'page') throw new Error(`no page but ${JSON.stringify(frame)}`)
        const { type: _type, id: _id, ...page } = frame
        const response = await history(server, 'alice', { ...query, limit: '3' })
        expect([response.status, response.body]).toEqual([200, page])
        expect(page.items).toHaveLength(expected)
        cursor = page.nextCursor
      }
      expect(cursor).toBeUndefined()
    }
  })

  it('takes every parameter of the frame, and opaque content as base64', async () => {
    const { server, alice } = await talk(5)
    await alice.request({ ...sendTo('bob', ''), content: new Uint8Array([0, 255]) })
    const range = await history(server, 'bob', { conv, afterSeq: '1', beforeSeq: '4', fromTime: '0' })
    expect(seqsOf(range.body)).toEqual([2, 3])
    expect(seqsOf((await history(server, 'bob', { conv, toTime: '1' })).body)).toEqual([])
    const last = await history(server, 'bob', { conv, order: 'desc', limit: '1' })
    expect(last.body).toMatchObject({ complete: false, items: [{ content: 'AP8=', encoding: 'base64' }] })
  })

  it.each([
    ['no conv', {}, 400, 101],
    ['a limit of 0', { conv, limit: '0' }, 400, 101],
    ['a limit over the maximum', { conv, limit: '501' }, 400, 101],
    ['a number that is none', { conv, limit: '1e2' }, 400, 101],
    ['an unknown parameter', { conv, offset: '3' }, 400, 101],
    ['a conversation that is none', { conv: 'alice' }, 400, 101],
    ['an order that is none', { conv, order: 'random' }, 400, 101],
    ['a cursor of nobody', { conv, cursor: 'x' }, 400, 110],
    ['somebody else’s conversation', { conv: 'd:bob:carol' }, 403, 103],
    ['a group that does not exist', { conv: 'g:nowhere' }, 403, 103],
  ] as const)('refuses %s', async (_what, query, status, code) => {
    const { server } = await talk(1)
    const answer = await history(server, 'alice', query)
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({
      error: { code, name: expect.any(String), message: expect.any(String) },
    })
  })

  it('refuses whoever has no good token, without a word about why', async () => {
    const { server } = await talk(1)
    const tokens = ['', 'x', `${tokenFor('alice')}x`, tokenFor('alice', { expiresInSeconds: -60 })]
    for (const token of tokens) {
      const response = await server.fetch(`/api/history?conv=${conv}`, {
        headers: { Authorization: `Bearer ${token}` },
      })
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: { code: 401, name: 'UNAUTHORIZED' } })
    }
    expect((await server.fetch(`/api/history?conv=${conv}`)).status).toBe(401)
    // Neither the URL nor a cookie proves who somebody is.
    const inUrl = await server.fetch(`/api/history?conv=${conv}&token=${tokenFor('alice')}`)
    expect(inUrl.status).toBe(401)
  })

  it('counts against the rate of the user, and says 429 over it', async () => {
    const server = await start({ limits: { frameBurst: 3, frameRatePerSecond: 1 } })
    await server.join('alice')
    const query = { conv: 'd:alice:alice' }
    for (let n = 0; n < 3; n++) expect((await history(server, 'alice', query)).status).toBe(200)
    const refused = await history(server, 'alice', query)
    expect([refused.status, refused.body]).toMatchObject([429, { error: { code: 104 } }])
    expect((await history(server, 'bob', { conv: 'd:alice:bob' })).status).toBe(200)
  })

  it('asks for no more than the server allows where no limit is named', async () => {
    const { server } = await talk(3, { limits: { historyMaxLimit: 2 } })
    const { status, body } = await history(server, 'alice', { conv })
    expect([status, seqsOf(body)]).toEqual([200, [1, 2]])
  })

  it('says 503 while the server drains', async () => {
    const { server, alice } = await talk(1, { drainGraceMs: 10_000 })
    void server.server.drain()
    await alice.next('drain')
    const answer = await history(server, 'alice', { conv })
    expect([answer.status, answer.body]).toMatchObject([503, { error: { code: 108 } }])
  })

  it('says 503 when the log cannot be read, as the frame says 108, and the connections stay', async () => {
    const { server, alice, bob } = await talk(1)
    const broken = vi.spyOn(Hub.prototype, 'conversation').mockImplementation(() => {
      throw new Error('planted')
    })
    onTestFinished(() => broken.mockRestore())
    const answer = await history(server, 'alice', { conv })
    expect([answer.status, answer.body]).toMatchObject([503, { error: { code: 108 } }])
    alice.send({ type: 'history', id: 9, conv, order: 'asc', limit: 1 })
    expect(await alice.next('error')).toMatchObject({ id: 9, code: 108, retryable: true })
    await alice.fence()
    await bob.fence()
    expect(await server.metric('chatspec_failures_total')).toBe(2)
  })
})

describe('the page', () => {
  const files = { 'index.html': '<!doctype html><p>hi', 'page.js': 'start()', 'page.css': 'p{}' }
  const types = { '/': 'text/html', '/page.js': 'text/javascript', '/page.css': 'text/css' }

  it('comes with a policy that lets only its own script run, and nobody frame it', async () => {
    const pageDir = scratchDirectory()
    for (const [name, content] of Object.entries(files)) writeFileSync(join(pageDir, name), content)
    const server = await start({ pageDir })
    for (const [index, [path, type]] of Object.entries(types).entries()) {
      const response = await server.fetch(path)
      expect([path, response.status, await response.text()]).toEqual([path, 200, Object.values(files)[index]])
      expect(response.headers.get('content-type')).toContain(type)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      const policy = response.headers.get('content-security-policy') ?? ''
      expect(policy).toMatch(/default-src 'none'; script-src 'self';/)
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
    }
  })

  it('gives nothing else away', async () => {
    const pageDir = scratchDirectory()
    writeFileSync(join(pageDir, 'index.html'), 'hi')
    writeFileSync(join(pageDir, 'secret'), 'hidden')
    const server = await start({ pageDir })
    for (const path of ['/secret', '/index.html', '/../secret', '/%2e%2e/secret', '/page.js', '//secret']) {
      expect([path, await statusOf(server.port, path)]).toEqual([path, 404])
    }
    const bare = await start()
    expect((await bare.fetch('/')).status).toBe(404)
  })
})

/** Alice has said so many words to Bob. */
async function talk(
  count: number,
  options: Parameters<typeof start>[0] = {},
): Promise<{ server: StartedServer; alice: Client; bob: Client }> {
  const server = await start(options)
  const bob = await server.join('bob')
  const alice = await server.join('alice')
  for (let n = 1; n <= count; n++) await alice.request(sendTo('bob', `m${n}`))
  return { server, alice, bob }
}

async function history(
  server: StartedServer,
  user: string,
  query: Record<string, string>,
): Promise<{ status: number; body: unknown }> {
  const path = `/api/history?${new URLSearchParams(query)}`
  const response = await server.fetch(path, { headers: { Authorization: `Bearer ${tokenFor(user)}` } })
  return { status: response.status, body: await response.json() }
}

function seqsOf(page: unknown): number[] {
  return (page as Page).items.map(({ seq }) => seq)
}

/** Without the tidying of paths that `fetch` does. */
function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, path, host: '127.0.0.1', agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.on('error', reject).end()
  })
}
