// Tokens signed with a key of a JWK set: which key judges them, and every forgery refused alike.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Authenticator, createAuthenticator, type Verified } from './auth.ts'
import type { JwtOptions } from './options.ts'
import { forge, hmac, type Json, signature } from './testing/forge.ts'
import { alice, allKeys, ec, ed, edToken, jwkOf, rsa, startMs } from './testing/keys.ts'

const refused: Verified = { ok: false, reason: 'refused' }
const algorithms: [alg: 'RS256' | 'ES256' | 'EdDSA', kid: string, keys: { privateKey: KeyObject }][] = [
  ['RS256', 'rsa-1', rsa],
  ['ES256', 'ec-1', ec],
  ['EdDSA', 'ed-1', ed],
]

let clockMs = startMs
let folder = ''
beforeEach(() => {
  clockMs = startMs
  folder = mkdtempSync(join(tmpdir(), 'chatspec-jwks-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a token signed with a key of the set', () => {
  it.each(algorithms)('is accepted: %s', async (alg, kid, { privateKey }) => {
    const auth = await authenticator(allKeys)
    const token = await new SignJWT(alice).setProtectedHeader({ alg, kid }).sign(privateKey)
    expect(auth.verify(token)).toEqual({
      ok: true,
      claims: { userId: 'alice', expiresAt: alice.exp * 1000, issuedAt: 0 },
    })
  })

  it.each(algorithms)('may leave out kid where one key fits: %s', async (alg, _kid, { privateKey }) => {
    const auth = await authenticator(allKeys)
    expect(await auth.verify(forge({ alg }, alice, signature(alg, privateKey)))).toMatchObject({ ok: true })
  })

  it('is refused without kid where two keys fit, whichever signed it', async () => {
    const other = generateKeyPairSync('ed25519')
    const auth = await authenticator([jwkOf(ed.publicKey, 'ed-1'), jwkOf(other.publicKey, 'ed-2')])
    for (const { privateKey } of [ed, other]) {
      expect(await auth.verify(forge({ alg: 'EdDSA' }, alice, signature('EdDSA', privateKey)))).toEqual(
        refused,
      )
    }
  })

  it('is refused where two keys have the same kid', async () => {
    const other = generateKeyPairSync('ed25519')
    const auth = await authenticator([jwkOf(ed.publicKey, 'ed-1'), jwkOf(other.publicKey, 'ed-1')])
    expect(await auth.verify(edToken())).toEqual(refused)
  })

  it('says expired only if the signature is right', async () => {
    const auth = await authenticator(allKeys)
    clockMs += 3_600_000 + 5_000
    expect(await auth.verify(edToken())).toEqual({ ok: false, reason: 'expired' })
    const foreign = generateKeyPairSync('ed25519').privateKey
    expect(
      await auth.verify(forge({ alg: 'EdDSA', kid: 'ed-1' }, alice, signature('EdDSA', foreign))),
    ).toEqual(refused)
  })

  it('is refused if its algorithm is not one of those that were pinned', async () => {
    const auth = await authenticator(allKeys, { algorithms: ['ES256'] })
    expect(await auth.verify(edToken())).toEqual(refused)
    expect(
      await auth.verify(forge({ alg: 'ES256', kid: 'ec-1' }, alice, signature('ES256', ec.privateKey))),
    ).toMatchObject({
      ok: true,
    })
  })
})

describe('a forged token', () => {
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const forgeries: [what: string, token: string][] = [
    ['is HS256 with the public key as secret', forge({ alg: 'HS256', kid: 'rsa-1' }, alice, hmac(pem))],
    [
      'is HS256 with the public key without its last line break',
      forge({ alg: 'HS256', kid: 'rsa-1' }, alice, hmac(pem.trim())),
    ],
    [
      'is HS256 with the JWK as secret',
      forge({ alg: 'HS256', kid: 'rsa-1' }, alice, hmac(JSON.stringify(allKeys[0]))),
    ],
    ['is not signed', forge({ alg: 'none', kid: 'ed-1' }, alice, () => Buffer.alloc(0))],
    ['has an empty signature', forge({ alg: 'EdDSA', kid: 'ed-1' }, alice, () => Buffer.alloc(0))],
    ['has a signature of zeros (ES256)', forge({ alg: 'ES256', kid: 'ec-1' }, alice, () => Buffer.alloc(64))],
    ['has a signature of zeros (EdDSA)', forge({ alg: 'EdDSA', kid: 'ed-1' }, alice, () => Buffer.alloc(64))],
    [
      'has a DER signature (ES256)',
      forge({ alg: 'ES256', kid: 'ec-1' }, alice, signature('RS256', ec.privateKey)),
    ],
    [
      'names the key of another algorithm',
      forge({ alg: 'ES256', kid: 'ed-1' }, alice, signature('EdDSA', ed.privateKey)),
    ],
    ['says PS256', forge({ alg: 'PS256', kid: 'rsa-1' }, alice, signature('RS256', rsa.privateKey))],
    ['says ES384', forge({ alg: 'ES384', kid: 'ec-1' }, alice, signature('ES256', ec.privateKey))],
    ['brings its own key', forgedWith({ jwk: jwkOf(generateKeyPairSync('ed25519').publicKey) })],
    ['says where its key is', forgedWith({ jku: 'http://127.0.0.1:9/keys', x5u: 'http://127.0.0.1:9/keys' })],
    ['has a number as kid', forge({ alg: 'EdDSA', kid: 1 }, alice, signature('EdDSA', ed.privateKey))],
    ['has null as kid', forge({ alg: 'EdDSA', kid: null }, alice, signature('EdDSA', ed.privateKey))],
    [
      'has a path as kid',
      forge({ alg: 'EdDSA', kid: '../../dev/null' }, alice, signature('EdDSA', ed.privateKey)),
    ],
    [
      'has a kid that objects inherit',
      forge({ alg: 'EdDSA', kid: '__proto__' }, alice, signature('EdDSA', ed.privateKey)),
    ],
    [
      'has a critical header',
      forge(
        { alg: 'EdDSA', kid: 'ed-1', crit: ['b64'], b64: true },
        alice,
        signature('EdDSA', ed.privateKey),
      ),
    ],
  ]
  it.each(forgeries)('is refused like all others if it %s', async (_what, token) => {
    expect(await (await authenticator(allKeys)).verify(token)).toEqual(refused)
  })

  it.each(algorithms)('is refused whichever bit was changed: %s', async (alg, kid, { privateKey }) => {
    const auth = await authenticator(allKeys)
    const token = forge({ alg, kid }, alice, signature(alg, privateKey))
    expect(await auth.verify(token)).toMatchObject({ ok: true })
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.nat(6), async (index, bit) => {
        const code = token.charCodeAt(index) ^ (1 << bit)
        const changed = token.slice(0, index) + String.fromCharCode(code) + token.slice(index + 1)
        expect(await auth.verify(changed)).toEqual(refused)
      }),
      { numRuns: 500 },
    )
  })
})

describe('options', () => {
  it('refuse HS256 together with a JWK set', async () => {
    await expect(authenticator(allKeys, { algorithms: ['HS256'] })).rejects.toMatchObject({
      code: 'BAD_OPTION',
    })
  })
})

/** Signed with a key that only the token itself vouches for. */
function forgedWith(header: Json): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  return forge({ alg: 'EdDSA', kid: 'ed-1', ...header }, alice, signature('EdDSA', privateKey))
}

async function authenticator(keys: Json[], options: Partial<JwtOptions> = {}): Promise<Authenticator> {
  const jwks = join(folder, 'keys.json')
  writeFileSync(jwks, JSON.stringify({ keys }))
  return await createAuthenticator({ jwks, leewaySeconds: 5, ...options }, () => clockMs)
}
