// Minted tokens: what they say, and which wishes are refused.
import { describe, expect, it } from 'vitest'
import { createAuthenticator, type Verified } from './auth.ts'
import type { JwtOptions } from './options.ts'
import { mintToken } from './token.ts'

const secret = 'a secret of enough characters, 32+'
const nowMs = 1_790_000_000_000

describe('mintToken', () => {
  it('names audience, issuer and a fresh id', async () => {
    const options = { secret, sub: 'alice', expiresInSeconds: 60, audience: 'chat', issuer: 'me' }
    const [one, two] = [mintToken(options, nowMs), mintToken(options, nowMs)]
    expect((await verify(one, { audience: 'chat', issuer: 'me' })).ok).toBe(true)
    expect(one).not.toBe(two)
  })

  it('makes a token that has run out', async () => {
    expect(await verify(mintToken({ secret, sub: 'alice', expiresInSeconds: -60 }, nowMs))).toEqual({
      ok: false,
      reason: 'expired',
    })
  })

  it.each([
    [{ sub: 'no user' }, 'sub is no user'],
    [{ secret: 'short' }, 'secret is 5 characters'],
    [{ expiresInSeconds: 1.5 }, 'expiresInSeconds is 1.5'],
  ])('refuses %j', (option, message) => {
    expect(() => mintToken({ secret, sub: 'alice', expiresInSeconds: 60, ...option }, nowMs)).toThrow(message)
  })
})

async function verify(token: string, options: Partial<JwtOptions> = {}): Promise<Verified> {
  const auth = await createAuthenticator({ secret, leewaySeconds: 0, ...options }, () => nowMs)
  return await auth.verify(token)
}
