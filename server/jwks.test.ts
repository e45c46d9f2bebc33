// Where the keys come from: a file or a URL, rotation, withdrawal, and a key server that misbehaves.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Authenticator, createAuthenticator, type Verified } from './auth.ts'
import { openKeySet } from './jwks.ts'
import type { JwtOptions } from './options.ts'
import { forge, type Json, signature } from './testing/forge.ts'
import { alice, allKeys, ed, edToken, jwkOf, startMs } from './testing/keys.ts'

const refused: Verified = { ok: false, reason: 'refused' }

let clockMs = startMs
let folder = ''
beforeEach(() => {
  clockMs = startMs
  folder = mkdtempSync(join(tmpdir(), 'chatspec-jwks-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the set', () => {
  it('passes over keys that are not for us', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const auth = await fromFile([
      { kty: 'oct', k: Buffer.from('secret').toString('base64url'), kid: 'ed-1' },
      { kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA', kid: 'ed-1' },
      { kty: 'OKP', crv: 'Ed25519', x: 'AA', kid: 'ed-1' },
      { ...jwkOf(ed.publicKey, 'ed-1'), use: 'enc' },
      { ...jwkOf(ed.publicKey, 'ed-1'), alg: 'ES256' },
      { ...jwkOf(ed.publicKey, 'ed-1'), key_ops: ['sign'] },
      jwkOf(small.publicKey, 'small'),
      jwkOf(generateKeyPairSync('ed448').publicKey, 'ed-1'),
      null,
      'text',
      { ...jwkOf(ed.publicKey, 'ed-1'), use: 'sig', alg: 'EdDSA', key_ops: ['verify'] },
    ])
    expect(await auth.verify(edToken())).toMatchObject({ ok: true })
    const weak = forge({ alg: 'RS256', kid: 'small' }, alice, signature('RS256', small.privateKey))
    expect(await auth.verify(weak)).toEqual(refused)
  })

  const unusable: [what: string, text: string, reason: RegExp][] = [
    ['not JSON', 'a secret by mistake', /not JSON$/],
    ['no object', '[]', /not a JWK set/],
    ['without keys', '{"key":[]}', /not a JWK set/],
    ['without a list of keys', '{"keys":{}}', /not a JWK set/],
    ['without a key that we can use', '{"keys":[{"kty":"oct","k":"AA"}]}', /no key for RS256, ES256, EdDSA/],
    ['too long', JSON.stringify({ keys: Array.from({ length: 101 }, () => ({})) }), /more than 100 keys/],
  ]
  it.each(unusable)('is refused at the start if it is %s', async (_what, text, reason) => {
    writeFileSync(join(folder, 'keys.json'), text)
    await expect(open(join(folder, 'keys.json'))).rejects.toMatchObject({
      code: 'BAD_JWKS',
      message: expect.stringMatching(reason),
    })
  })

  it('is refused at the start if the file is not there, which is thrown and not reported', async () => {
    const failures: Error[] = []
    const opening = open(join(folder, 'absent.json'), {}, (cause) => failures.push(cause))
    await expect(opening).rejects.toThrow(/absent\.json: ENOENT/)
    expect(failures).toEqual([])
  })

  it('is refused at the start if it has no key for the algorithms that were pinned', async () => {
    await expect(fromFile([jwkOf(ed.publicKey, 'ed-1')], { algorithms: ['ES256'] })).rejects.toThrow(
      /no key for ES256/,
    )
  })
})

describe('a file', () => {
  it('is read again when a token names a key that is not there', async () => {
    const auth = await fromFile(allKeys)
    const next = generateKeyPairSync('ed25519')
    const token = forge({ alg: 'EdDSA', kid: 'ed-2' }, alice, signature('EdDSA', next.privateKey))
    write([...allKeys, jwkOf(next.publicKey, 'ed-2')])
    expect(await auth.verify(token)).toEqual(refused)
    clockMs += 1_000
    expect(await auth.verify(token)).toMatchObject({ ok: true })
  })

  it('that lost a key withdraws it', async () => {
    const auth = await fromFile(allKeys)
    write(allKeys.filter((jwk) => jwk.kid !== 'ed-1'))
    clockMs += 1_000
    // The first token finds the keys too old and is still judged by them; the next one after the read is not.
    await auth.verify(edToken())
    await eventually(async () => expect(await auth.verify(edToken())).toEqual(refused))
  })

  it('that was emptied withdraws all keys', async () => {
    const auth = await fromFile(allKeys)
    write([])
    clockMs += 1_000
    await eventually(async () => expect(await auth.verify(edToken())).toEqual(refused))
  })

  it('that became unreadable leaves the last good keys in use, and that is reported once', async () => {
    const failures: Error[] = []
    const auth = await fromFile(allKeys, {}, (cause) => failures.push(cause))
    writeFileSync(join(folder, 'keys.json'), '{"keys":[')
    for (let round = 0; round < 3; round++) {
      clockMs += 1_000
      await expect(auth.verify(unknownKey())).rejects.toThrow(/not JSON/)
      expect(await auth.verify(edToken())).toMatchObject({ ok: true })
    }
    expect(failures).toHaveLength(1)
  })

  it('is looked at again after the clock was set back', async () => {
    const auth = await fromFile(allKeys)
    write([])
    clockMs -= 3_600_000
    await eventually(async () => expect(await auth.verify(edToken())).toEqual(refused))
  })
})

describe('a URL', () => {
  const servers: Server[] = []
  afterAll(() => {
    for (const server of servers) server.closeAllConnections()
    for (const server of servers) server.close()
  })

  it('is fetched once for any number of tokens that name unknown keys, then again after the cool-down', async () => {
    const host = await serve(allKeys)
    const auth = await open(host.url)
    expect(host.fetches).toBe(1)
    clockMs += 10_000
    await Promise.all(Array.from({ length: 100 }, () => auth.verify(unknownKey())))
    expect(host.fetches).toBe(2)
    for (let i = 0; i < 100; i++) expect(auth.verify(unknownKey())).toEqual(refused)
    clockMs += 9_999
    expect(auth.verify(unknownKey())).toEqual(refused)
    expect(host.fetches).toBe(2)
    clockMs += 1
    expect(await auth.verify(unknownKey())).toEqual(refused)
    expect(host.fetches).toBe(3)
  })

  it('is not fetched for tokens that no key could save', async () => {
    const host = await serve(allKeys)
    const auth = await open(host.url)
    clockMs += 60_000
    for (const token of [
      '',
      'a.b.c',
      forge({ alg: 'none', kid: 'x' }, alice, () => Buffer.alloc(0)),
      unknownKey('HS256'),
      edToken({ kid: 1 }),
    ]) {
      expect(auth.verify(token)).toEqual(refused)
    }
    expect(host.fetches).toBe(1)
  })

  it('follows a rotation: the new key at once, the withdrawn one within ten minutes', async () => {
    const host = await serve(allKeys)
    const auth = await open(host.url)
    const next = generateKeyPairSync('ed25519')
    const token = forge({ alg: 'EdDSA', kid: 'ed-2' }, alice, signature('EdDSA', next.privateKey))
    clockMs += 10_000
    host.respond = sendJson({ keys: [jwkOf(next.publicKey, 'ed-2')] })
    expect(await auth.verify(token)).toMatchObject({ ok: true })
    host.respond = sendJson({ keys: [] })
    clockMs += 599_999
    expect(auth.verify(token)).toMatchObject({ ok: true })
    expect(host.fetches).toBe(2)
    clockMs += 1
    await eventually(async () => expect(await auth.verify(token)).toEqual(refused))
  })

  const troubles: [what: string, respond: RequestListener, reason: RegExp][] = [
    ['answers 500', (_request, response) => response.writeHead(500).end(), /HTTP status 500/],
    ['answers 204', (_request, response) => response.writeHead(204).end(), /HTTP status 204/],
    [
      'redirects',
      (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
      /redirect/,
    ],
    [
      'sends too much',
      (_request, response) => response.end(Buffer.alloc(1_048_577, 32)),
      /more than 1048576 bytes/,
    ],
    ['sends no JSON', (_request, response) => response.end('<html>'), /not JSON/],
    ['sends no set', (_request, response) => response.end('{"error":"nope"}'), /not a JWK set/],
    ['cuts the connection', (request) => request.socket.destroy(), /fetch failed/],
    ['stops in the middle', (_request, response) => void response.write('{"keys":['), /timeout/],
    ['says nothing', () => undefined, /timeout/],
  ]
  it.each(troubles)(
    'that %s is no key set; known keys stay good, unknown ones are not judged',
    async (_what, respond, reason) => {
      const host = await serve(allKeys)
      const keys = await openKeySet({
        location: host.url,
        algorithms: ['EdDSA'],
        now: () => clockMs,
        onFailure: () => undefined,
        fetchTimeoutMs: 200,
      })
      host.respond = respond
      clockMs += 10_000
      await expect(keys.reload()).rejects.toThrow(reason)
      await expect(keys.reload()).rejects.toThrow(reason)
      expect(host.fetches).toBe(2)
      expect(keys.find('EdDSA', 'ed-1')).toHaveLength(1)
      host.respond = sendJson({ keys: allKeys })
      clockMs += 10_000
      await keys.reload()
      expect(keys.reload()).toBeUndefined()
    },
  )

  it('with nobody behind it is refused at the start', async () => {
    await expect(open('http://127.0.0.1:9/keys')).rejects.toThrow(/fetch failed/)
  })

  async function serve(keys: Json[]) {
    const host = { url: '', fetches: 0, respond: sendJson({ keys }) }
    const server = createServer((request, response) => {
      host.fetches += 1
      host.respond(request, response)
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    host.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
    return host
  }
})

function sendJson(body: Json): RequestListener {
  return (_request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
}

function unknownKey(alg = 'EdDSA'): string {
  return forge({ alg, kid: `unknown-${Math.random()}` }, alice, signature('EdDSA', ed.privateKey))
}

/** Replaced at once, as an operator should. */
function write(keys: unknown[]): void {
  writeFileSync(join(folder, 'next.json'), JSON.stringify({ keys }))
  renameSync(join(folder, 'next.json'), join(folder, 'keys.json'))
}

async function fromFile(
  keys: unknown[],
  options: Partial<JwtOptions> = {},
  onFailure?: (cause: Error) => void,
): Promise<Authenticator> {
  write(keys)
  return await open(join(folder, 'keys.json'), options, onFailure)
}

async function open(
  jwks: string,
  options: Partial<JwtOptions> = {},
  onFailure?: (cause: Error) => void,
): Promise<Authenticator> {
  return await createAuthenticator({ jwks, leewaySeconds: 5, ...options }, () => clockMs, onFailure)
}

/** Waits for what happens in the background, by asking until it is so. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const deadlineMs = performance.now() + 5_000
  for (;;) {
    try {
      return await check()
    } catch (cause) {
      if (performance.now() > deadlineMs) throw cause
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
