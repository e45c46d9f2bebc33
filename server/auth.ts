// Who somebody is: verifies tokens against pinned algorithms and keys.
import { ChatspecError, type Milliseconds, maxSafe, namePattern } from '../protocol/index.ts'
import { createHs256Check } from './hs256.ts'
import { openKeySet, type SignatureCheck } from './jwks.ts'
import { type JwtAlgorithm, type JwtOptions, jwtAlgorithms } from './options.ts'

export interface Claims {
  userId: string
  /** Milliseconds since 1970; 0 if the token does not run out. */
  expiresAt: number
  /** Milliseconds since 1970; 0 if not said. */
  issuedAt: number
  tokenId?: string
}

/** Every forged token looks alike to its sender: `refused`, without a reason. */
export type Verified = { ok: true; claims: Claims } | { ok: false; reason: 'expired' | 'refused' }

export interface Authenticator {
  /**
   * Answers at once where the key is known (always with a secret); a promise only while keys are being fetched.
   * It rejects if they cannot be fetched: then nothing is known about the token.
   */
  verify(token: string): Verified | Promise<Verified>
}

const maxTokenBytes = 8_192
const refused: Verified = { ok: false, reason: 'refused' }
const expired: Verified = { ok: false, reason: 'expired' }

/**
 * @param onFailure Told when keys could not be refreshed; the last good ones stay in use.
 * @throws ChatspecError `BAD_OPTION`, or `BAD_JWKS` if the keys cannot be read.
 */
export async function createAuthenticator(
  jwt: JwtOptions,
  now: () => Milliseconds,
  onFailure: (cause: Error) => void = () => undefined,
): Promise<Authenticator> {
  const algorithms = pinned(jwt)
  if (jwt.secret !== undefined) {
    const check = createHs256Check(jwt.secret)
    return { verify: (token) => (isPlausible(token) ? judge(token, check, jwt, now()) : refused) }
  }
  const keys = await openKeySet({ location: jwt.jwks ?? '', algorithms, now, onFailure })
  return {
    verify(token) {
      const wanted = isPlausible(token) ? keyOf(token) : undefined
      const algorithm = algorithms.find((name) => name === wanted?.alg)
      if (wanted === undefined || algorithm === undefined) return refused
      const judgeBy = (fitting: SignatureCheck[]): Verified => {
        const [check, ...others] = fitting
        // Trying one key after the other would let a token choose its key.
        return check !== undefined && others.length === 0 ? judge(token, check, jwt, now()) : refused
      }
      const fitting = keys.find(algorithm, wanted.kid)
      const loading = fitting.length === 0 ? keys.reload() : undefined
      return loading === undefined
        ? judgeBy(fitting)
        : loading.then(() => judgeBy(keys.find(algorithm, wanted.kid)))
    },
  }
}

function pinned({ secret, algorithms }: JwtOptions): readonly JwtAlgorithm[] {
  const possible = jwtAlgorithms.filter((name) => (name === 'HS256') === (secret !== undefined))
  for (const name of algorithms ?? []) {
    if (possible.includes(name)) continue
    const kind = secret === undefined ? 'a JWK set' : 'a secret'
    throw new ChatspecError(
      'BAD_OPTION',
      `jwt.algorithms is ${name}; allowed with ${kind}: ${possible.join(', ')}`,
    )
  }
  return algorithms ?? possible
}

/** Cheap refusals before anything is parsed. */
function isPlausible(token: string): boolean {
  return token.length <= maxTokenBytes && isCanonicalBase64Url(token)
}

/**
 * The last character of base64 can hold bits that no byte uses: without this check they could be changed and the
 * signature would still be right. The other parts are signed as text.
 */
function isCanonicalBase64Url(token: string): boolean {
  const signatureLength = token.length - token.lastIndexOf('.') - 1
  const unusedBits = [0, -1, 4, 2][signatureLength % 4] ?? 0
  if (unusedBits <= 0) return unusedBits === 0
  const value = alphabet.indexOf(token.charAt(token.length - 1))
  return value % (1 << unusedBits) === 0
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** What a token says about its key; only used to choose among pinned ones. */
function keyOf(token: string): { alg: unknown; kid: string | undefined } | undefined {
  try {
    const header: unknown = JSON.parse(
      Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString('utf8'),
    )
    if (typeof header !== 'object' || header === null || !('alg' in header)) return undefined
    if (!('kid' in header)) return { alg: header.alg, kid: undefined }
    return typeof header.kid === 'string' ? { alg: header.alg, kid: header.kid } : undefined
  } catch {
    return undefined
  }
}

function judge(token: string, check: SignatureCheck, jwt: JwtOptions, nowMs: Milliseconds): Verified {
  try {
    const signed = check(token)
    // No extension is understood here, so a critical one refuses the token (RFC 7515, 4.1.11).
    return signed === undefined || 'crit' in signed.header ? refused : judgeClaims(signed.payload, jwt, nowMs)
  } catch {
    return refused
  }
}

/**
 * With leeway l, in milliseconds: accepted while nbf - l <= now < exp + l. RFC 7519 forbids a token "on or after" exp,
 * and accepts one "after or equal to" nbf. `expired` is said only of a token that is good in every other way.
 */
function judgeClaims(payload: Record<string, unknown>, jwt: JwtOptions, nowMs: Milliseconds): Verified {
  const { sub, exp, nbf, iat, jti, aud, iss } = payload
  const leewayMs = jwt.leewaySeconds * 1000
  if (typeof sub !== 'string' || !namePattern.test(sub)) return refused
  if (!isDateOrAbsent(exp) || !isDateOrAbsent(nbf) || !isDateOrAbsent(iat)) return refused
  if (jti !== undefined && typeof jti !== 'string') return refused
  if (jwt.audience !== undefined && !(Array.isArray(aud) ? aud : [aud]).includes(jwt.audience)) return refused
  if (jwt.issuer !== undefined && iss !== jwt.issuer) return refused
  if (typeof nbf === 'number' && nowMs < toMs(nbf) - leewayMs) return refused
  if (typeof exp === 'number' && nowMs >= toMs(exp) + leewayMs) return expired
  const issuedAtMs = typeof iat === 'number' ? toMs(iat) : 0
  const claims: Claims = {
    userId: sub,
    // 0 would mean that the token never runs out.
    expiresAt: typeof exp === 'number' ? Math.max(1, toMs(exp)) : 0,
    // Issued in the future is not said: it would outlast a revocation of everything issued until now.
    issuedAt: issuedAtMs > 0 && issuedAtMs <= nowMs + leewayMs ? Math.min(issuedAtMs, nowMs) : 0,
  }
  if (jti !== undefined) claims.tokenId = jti
  return { ok: true, claims }
}

function isDateOrAbsent(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value))
}

/** NumericDate may have a fraction and any size; milliseconds here are safe integers. */
function toMs(seconds: number): Milliseconds {
  return Math.max(-maxSafe, Math.min(maxSafe, Math.round(seconds * 1000)))
}
