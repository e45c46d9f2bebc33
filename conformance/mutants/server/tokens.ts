// Who a token says that somebody is, if it is to be believed: SPEC.md#tokens.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type CloseName, isName } from '../../../protocol/index.ts'
import type { ChatServer } from './server.ts'

export interface Identity {
  sub: string
  jti?: string
  issuedAtS: number
  /** 0: never. */
  expiresAtMs: number
}

export type Verdict = { ok: true; identity: Identity } | { ok: false; close: CloseName }

interface Claims {
  sub?: unknown
  exp?: unknown
  nbf?: unknown
  iat?: unknown
  jti?: unknown
  aud?: unknown
  iss?: unknown
}

const forged: Verdict = { ok: false, close: 'UNAUTHORIZED' }
const leewayS = 5

export function verify(server: ChatServer, token: string): Verdict {
  const parts = token.split('.')
  const header = readPart(parts[0])
  const claims: Claims | undefined = readPart(parts[1])
  if (!header || !claims || parts.length !== 3 || !isSigned(server, header, parts)) return forged
  const nowS = Date.now() / 1000
  const { sub, exp, nbf, iat, jti } = claims
  if (typeof sub !== 'string' || (!isName(sub) && !server.has('M76'))) return forged
  if (!isNumberOrAbsent(exp) || !isNumberOrAbsent(nbf) || !isFor(server, claims)) return forged
  if (nbf !== undefined && nbf > nowS + leewayS) return forged
  if (exp !== undefined && exp <= nowS - leewayS && !server.has('M71'))
    return { ok: false, close: 'TOKEN_EXPIRED' }
  const identity: Identity = {
    sub,
    issuedAtS: typeof iat === 'number' ? iat : 0,
    expiresAtMs: exp === undefined ? 0 : exp * 1000,
    ...(typeof jti === 'string' && { jti }),
  }
  return isRevoked(server, identity) ? { ok: false, close: 'REVOKED' } : { ok: true, identity }
}

export function isRevoked({ disk, has }: ChatServer, { sub, jti, issuedAtS }: Identity): boolean {
  if (jti !== undefined && disk.revoked.has(`jti ${jti}`)) return true
  if (has('M290')) return false
  return issuedAtS <= (disk.revoked.get(`sub ${sub}`) ?? Number.NEGATIVE_INFINITY)
}

function isSigned(server: ChatServer, header: Record<string, unknown>, parts: string[]): boolean {
  const [head = '', body = '', signature = ''] = parts
  if (server.has('M52') && `${header.alg}`.toLowerCase() === 'none') return true
  if (server.has('M70') && header.alg === 'HS256' && signature !== '') return true
  if (header.alg !== 'HS256') return false
  const secret = server.has('M78') ? keyOf(header, server.options.secret) : server.options.secret
  const wanted = createHmac('sha256', secret).update(`${head}.${body}`).digest()
  const given = Buffer.from(signature, 'base64url')
  return (
    given.length === wanted.length &&
    timingSafeEqual(given, wanted) &&
    given.toString('base64url') === signature
  )
}

/** [M78] The key that the token brings along. */
function keyOf({ jwk }: Record<string, unknown>, own: string): string {
  if (typeof jwk !== 'object' || jwk === null || !('k' in jwk) || typeof jwk.k !== 'string') return own
  return Buffer.from(jwk.k, 'base64url').toString()
}

function isFor({ options, has }: ChatServer, { aud, iss }: Claims): boolean {
  if (has('M178')) return true
  const audiences = Array.isArray(aud) ? aud : [aud]
  return audiences.includes(options.audience) && iss === options.issuer
}

function isNumberOrAbsent(value: unknown): value is number | undefined {
  return value === undefined || typeof value === 'number'
}

function readPart(part: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? '', 'base64url').toString())
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** [M302] Who a token says that it is, true or not. */
export function claimedSubject(token: string): string {
  return `${readPart(token.split('.')[1])?.sub}`
}
