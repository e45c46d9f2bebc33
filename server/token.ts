// Mints tokens, for trying things out and for tests.
import { randomUUID } from 'node:crypto'
import { createSigner } from 'fast-jwt'
import { ChatspecError, type Milliseconds, namePattern } from '../protocol/index.ts'

export interface TokenOptions {
  /** HS256; at least 32 characters (RFC 7518, 3.2). */
  secret: string
  /** The user that the holder becomes. */
  sub: string
  /** From now, whole seconds; a negative number makes a token that has run out. */
  expiresInSeconds: number
  audience?: string
  issuer?: string
  /** The token's name for a revocation; a random one by default. */
  jti?: string
}

/** @throws ChatspecError `BAD_OPTION` that names the option, its value and what is allowed. */
export function mintToken(options: TokenOptions, nowMs: Milliseconds): string {
  const { secret, sub, expiresInSeconds, audience, issuer, jti = randomUUID() } = options
  if (secret.length < 32) throw refuse('secret', `${secret.length} characters`, 'at least 32 characters')
  if (!namePattern.test(sub)) throw refuse('sub', sub, 'a user name: 1 to 64 of A-Z a-z 0-9 . _ ~ @ -')
  if (!Number.isSafeInteger(expiresInSeconds))
    throw refuse('expiresInSeconds', expiresInSeconds, 'whole seconds')
  const iat = Math.floor(nowMs / 1000)
  const claims = { sub, iat, exp: iat + expiresInSeconds, jti }
  const sign = createSigner({ key: secret, algorithm: 'HS256' })
  return sign({
    ...claims,
    ...(audience !== undefined && { aud: audience }),
    ...(issuer !== undefined && { iss: issuer }),
  })
}

function refuse(name: string, value: unknown, allowed: string): ChatspecError {
  return new ChatspecError('BAD_OPTION', `${name} is ${String(value)}; allowed: ${allowed}`)
}
