// Tokens signed with a secret: what is accepted, every forgery refused alike, times exact to the millisecond.
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { type Authenticator, createAuthenticator, type Verified } from './auth.ts'
import type { JwtOptions } from './options.ts'
import { encode, forge, hmac, type Json, none } from './testing/forge.ts'
import { mintToken } from './token.ts'

const secret = 'a secret of enough characters, 32+'
const nowMs = 1_790_000_000_000
const nowSeconds = nowMs / 1000
const header = { alg: 'HS256', typ: 'JWT' }
const refused: Verified = { ok: false, reason: 'refused' }
const expired: Verified = { ok: false, reason: 'expired' }

describe('a good token', () => {
  it('names the user, its times and its id', async () => {
    const token = mintToken({ secret, sub: 'alice', expiresInSeconds: 60, jti: 'token-1' }, nowMs)
    expect(await verify(token)).toEqual({
      ok: true,
      claims: { userId: 'alice', issuedAt: nowMs, expiresAt: nowMs + 60_000, tokenId: 'token-1' },
    })
  })

  it('of another library is understood', async () => {
    const token = await new SignJWT({ sub: 'bob' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(secret))
    expect(await verify(token)).toEqual({ ok: true, claims: { userId: 'bob', issuedAt: 0, expiresAt: 0 } })
  })

  it('is judged at once, without a promise', async () => {
    const auth = await authenticator()
    expect(auth.verify(signed({ sub: 'alice' }))).not.toBeInstanceOf(Promise)
  })

  it('may be as long as 8192 bytes and no longer', async () => {
    const [longest, tooLong] = [tokenOfAtLeast(8_192), tokenOfAtLeast(8_193)]
    expect(longest).toHaveLength(8_192)
    expect((await verify(longest)).ok).toBe(true)
    expect(await verify(tooLong)).toEqual(refused)
  })
})

describe('a forged token', () => {
  const good = { sub: 'alice', exp: nowSeconds + 60 }
  const forgeries: [what: string, token: string][] = [
    ['is not signed (alg none)', forge({ alg: 'none' }, good, none)],
    ['says None', forge({ alg: 'None' }, good, none)],
    ['says NONE with a signature', forge({ alg: 'NONE' }, good, hmac(secret))],
    ['says nOnE with a signature of nothing', forge({ alg: 'nOnE' }, good, hmac(''))],
    ['has an empty alg', forge({ alg: '' }, good, hmac(secret))],
    ['has no alg', forge({ typ: 'JWT' }, good, hmac(secret))],
    ['has a list of algs', forge({ alg: ['HS256'] }, good, hmac(secret))],
    ['says hs256', forge({ alg: 'hs256' }, good, hmac(secret))],
    ['is HS512 with the right secret', forge({ alg: 'HS512' }, good, hmac(secret, 'sha512'))],
    ['says HS512 but is signed as HS256', forge({ alg: 'HS512' }, good, hmac(secret))],
    ['says RS256 but is signed as HS256', forge({ alg: 'RS256' }, good, hmac(secret))],
    ['has an empty signature', forge(header, good, none)],
    ['has no signature part', forge(header, good, none).slice(0, -1)],
    ['is signed with another secret', forge(header, good, hmac(`${secret}x`))],
    ['is signed with an empty secret', forge(header, good, hmac(''))],
    ['has the signature of another payload', spliced(signed(good), signed({ ...good, sub: 'bob' }))],
    ['has half a signature', signed(good).slice(0, -22)],
    ['has a signature with more behind it', `${signed(good)}AAAA`],
    ['has a critical header', forge({ ...header, crit: ['exp'], exp: 1 }, good, hmac(secret))],
    ['has an empty list of critical headers', forge({ ...header, crit: [] }, good, hmac(secret))],
    ['has a false critical header', forge({ ...header, crit: false }, good, hmac(secret))],
    ['has a header that is not JSON', forge('{', good, hmac(secret))],
    ['has a header that is a list', forge('[]', good, hmac(secret))],
    ['has a header that is null', forge('null', good, hmac(secret))],
    ['has a payload that is not JSON', forge(header, '{"sub":"alice"', hmac(secret))],
    ['has a payload that is text', forge(header, '"alice"', hmac(secret))],
    ['has a payload that is null', forge(header, 'null', hmac(secret))],
    ['has four parts', `${signed(good)}.x`],
    ['has a fifth part, as encrypted tokens have', `${signed(good)}.x.y`],
    ['is padded', `${signed(good)}=`],
    ['has a space before it', ` ${signed(good)}`],
    ['has a line break behind it', `${signed(good)}\n`],
    [
      'is written in base64 with + and /',
      signed({ sub: 'alice', x: '???>>>' }).replaceAll('_', '/').replaceAll('-', '+'),
    ],
    ['is one part', 'alice'],
    ['is empty', ''],
    ['is two dots', '..'],
    ['is not ASCII', signed(good).replace('.', '．')],
  ]
  it.each(forgeries)('is refused like all others if it %s', async (_what, token) => {
    expect(await verify(token)).toEqual(refused)
  })

  it('is refused whichever bit was changed', async () => {
    const auth = await authenticator()
    const token = signed({ sub: 'alice', exp: nowSeconds + 60, jti: 'token-1' })
    expect((await auth.verify(token)).ok).toBe(true)
    // Exhaustive over the text; a character outside of base64url is a change like any other.
    for (let index = 0; index < token.length; index++) {
      for (let bit = 1; bit < 128; bit <<= 1) {
        const changed = withCode(token, index, token.charCodeAt(index) ^ bit)
        expect(await auth.verify(changed), `bit ${bit} of character ${index}`).toEqual(refused)
      }
    }
  })

  it('is refused whichever bit of the decoded header, payload or signature was changed', async () => {
    const auth = await authenticator()
    const parts = signed({ sub: 'alice', exp: nowSeconds + 60 }).split('.')
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.nat(), fc.nat(7), async (part, at, bit) => {
        const bytes = Buffer.from(parts[part] ?? '', 'base64url')
        const index = at % bytes.length
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit)
        const token = parts.map((text, i) => (i === part ? bytes.toString('base64url') : text)).join('.')
        expect(await auth.verify(token)).toEqual(refused)
      }),
      { numRuns: 1_000 },
    )
  })

  it('never throws, whatever arrives', async () => {
    const auth = await authenticator()
    const part = fc.oneof(fc.string(), fc.object().map(encode), fc.base64String())
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.tuple(part, part, part).map((p) => p.join('.')),
        ),
        async (token) => {
          expect(await auth.verify(token)).toEqual(refused)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

describe('claims', () => {
  const bad: [what: string, payload: Json | string][] = [
    ['without sub', {}],
    ['with an empty sub', { sub: '' }],
    ['with a sub that is no user name', { sub: 'alice:bob' }],
    ['with a sub of 65 characters', { sub: 'a'.repeat(65) }],
    ['with a sub with a line break', { sub: 'alice\n' }],
    ['with a number as sub', { sub: 7 }],
    ['with a list as sub', { sub: ['alice'] }],
    ['with a sub hidden in __proto__', '{"__proto__":{"sub":"alice"}}'],
    ['with text as exp', { sub: 'alice', exp: `${nowSeconds + 60}` }],
    ['with null as exp', { sub: 'alice', exp: null }],
    ['with an infinite exp', '{"sub":"alice","exp":1e999}'],
    ['with text as nbf', { sub: 'alice', nbf: '1' }],
    ['with text as iat', { sub: 'alice', iat: 'now' }],
    ['with a number as jti', { sub: 'alice', jti: 1 }],
  ]
  it.each(bad)('are refused %s', async (_what, payload) => {
    expect(await verify(signed(payload))).toEqual(refused)
  })

  const audiences: [aud: unknown, isGood: boolean][] = [
    ['chat', true],
    [['shop', 'chat'], true],
    [undefined, false],
    ['Chat', false],
    ['chat ', false],
    [['shop'], false],
    [[], false],
    [[['chat']], false],
    [{ chat: 'chat' }, false],
  ]
  it.each(audiences)('with the audience %j are accepted: %s', async (aud, isGood) => {
    expect((await verify(signed({ sub: 'alice', aud }), { audience: 'chat' })).ok).toBe(isGood)
  })

  it.each([
    ['https://login', true],
    ['https://login/', false],
    [undefined, false],
    [['https://login'], false],
  ])('with the issuer %j are accepted: %s', async (iss, isGood) => {
    expect((await verify(signed({ sub: 'alice', iss }), { issuer: 'https://login' })).ok).toBe(isGood)
  })

  it('may have any audience and issuer where none is asked for', async () => {
    expect((await verify(signed({ sub: 'alice', aud: 'shop', iss: 'anybody' }))).ok).toBe(true)
  })

  it('ignore when a token was issued if that lies in the future', async () => {
    const issued = async (iat: number) => {
      const verified = await verify(signed({ sub: 'alice', iat }), { leewaySeconds: 5 })
      return verified.ok ? verified.claims.issuedAt : undefined
    }
    expect(await issued(nowSeconds - 10)).toBe(nowMs - 10_000)
    expect(await issued(nowSeconds + 5)).toBe(nowMs)
    expect(await issued(nowSeconds + 6)).toBe(0)
    expect(await issued(nowSeconds + 1e9)).toBe(0)
    expect(await issued(-1)).toBe(0)
  })
})

describe('times', () => {
  const boundaries: [leewaySeconds: number, atMs: number, result: string][] = [
    [0, 99_999, 'refused'],
    [0, 100_000, 'ok'],
    [0, 199_999, 'ok'],
    [0, 200_000, 'expired'],
    [5, 94_999, 'refused'],
    [5, 95_000, 'ok'],
    [5, 204_999, 'ok'],
    [5, 205_000, 'expired'],
  ]
  it.each(boundaries)(
    'are exact: with a leeway of %i s, nbf 100 s and exp 200 s, at %i ms: %s',
    async (leewaySeconds, atMs, result) => {
      const auth = await authenticator({ leewaySeconds }, () => atMs)
      const verified = await auth.verify(signed({ sub: 'alice', nbf: 100, exp: 200 }))
      expect(verified.ok ? 'ok' : verified.reason).toBe(result)
    },
  )

  it('of a token change while the clock runs: nothing is remembered', async () => {
    let clockMs = nowMs
    const auth = await authenticator({}, () => clockMs)
    const token = signed({ sub: 'alice', exp: nowSeconds + 1 })
    expect((await auth.verify(token)).ok).toBe(true)
    clockMs += 1_000
    expect(await auth.verify(token)).toEqual(expired)
  })

  it('may have fractions of a second', async () => {
    const verified = await verify(signed({ sub: 'alice', exp: nowSeconds + 1.5 }))
    expect(verified).toMatchObject({ claims: { expiresAt: nowMs + 1_500 } })
    const finer = await verify(signed({ sub: 'alice', exp: nowSeconds + 1.0004 }))
    expect(finer).toMatchObject({ claims: { expiresAt: nowMs + 1_000 } })
    expect(await verify(signed({ sub: 'alice', exp: nowSeconds - 0.001 }))).toEqual(expired)
  })

  it('that are absurd stay integers that the protocol can carry', async () => {
    const late = await verify(signed({ sub: 'alice', exp: 1e300 }))
    expect(late).toMatchObject({ claims: { expiresAt: Number.MAX_SAFE_INTEGER } })
    expect(await verify(signed({ sub: 'alice', exp: 0 }))).toEqual(expired)
    expect(await verify(signed({ sub: 'alice', exp: -1e300 }))).toEqual(expired)
  })

  it('never make a token that runs out look like one that does not', async () => {
    const auth = await authenticator({ leewaySeconds: 5 }, () => 1_000)
    expect(await auth.verify(signed({ sub: 'alice', exp: 0 }))).toMatchObject({ claims: { expiresAt: 1 } })
  })

  it('count only if the token is good in every other way', async () => {
    const old = { sub: 'alice', exp: nowSeconds - 60 }
    expect(await verify(signed(old))).toEqual(expired)
    expect(await verify(forge(header, old, hmac('another secret')))).toEqual(refused)
    expect(await verify(forge({ alg: 'none' }, old, none))).toEqual(refused)
    expect(await verify(signed({ ...old, sub: '' }))).toEqual(refused)
    expect(await verify(signed(old), { audience: 'chat' })).toEqual(refused)
    expect(await verify(forge({ ...header, crit: ['b64'] }, old, hmac(secret)))).toEqual(refused)
  })
})

describe('options', () => {
  it.each(['RS256', 'ES256', 'EdDSA'] as const)('refuse %s together with a secret', async (algorithm) => {
    await expect(authenticator({ algorithms: ['HS256', algorithm] })).rejects.toThrow(
      `jwt.algorithms is ${algorithm}`,
    )
  })
})

function signed(payload: Json | string): string {
  return forge(header, payload, hmac(secret))
}

async function authenticator(options: Partial<JwtOptions> = {}, now = () => nowMs): Promise<Authenticator> {
  return await createAuthenticator({ secret, leewaySeconds: 0, ...options }, now)
}

async function verify(token: string, options: Partial<JwtOptions> = {}): Promise<Verified> {
  return await (await authenticator(options)).verify(token)
}

/** The first token with the signature of the second. */
function spliced(token: string, other: string): string {
  return token.slice(0, token.lastIndexOf('.')) + other.slice(other.lastIndexOf('.'))
}

function withCode(text: string, index: number, code: number): string {
  return text.slice(0, index) + String.fromCharCode(code) + text.slice(index + 1)
}

function tokenOfAtLeast(characters: number): string {
  for (let pad = 6_000; ; pad++) {
    const token = signed({ sub: 'alice', pad: 'x'.repeat(pad) })
    if (token.length >= characters) return token
  }
}
