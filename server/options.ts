// Everything that can be set about a server: one defaults object, one place that refuses bad values.
import { ChatspecError, defaultLimits, type Limits } from '../protocol/index.ts'

export interface JwtOptions {
  /** HS256. */
  secret?: string
  /** RS256, ES256, EdDSA: a file path or an http(s) URL of a JWK set. */
  jwks?: string
  /** Pinned; by default HS256 with a secret, and RS256, ES256, EdDSA with a JWKS. */
  algorithms?: readonly JwtAlgorithm[]
  audience?: string
  issuer?: string
  leewaySeconds: number
}

export const jwtAlgorithms = ['HS256', 'RS256', 'ES256', 'EdDSA'] as const
export type JwtAlgorithm = (typeof jwtAlgorithms)[number]

export interface ServerOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  tls?: { certFile: string; keyFile: string }
  /** Directory of the lmdb log; without it messages live in memory only. */
  dataDir?: string
  jwt: JwtOptions
  /** Exact origins (`https://chat.example`) that browsers may connect from; `*` allows every one. */
  origins: readonly string[]
  limits: Limits
  heartbeat: { minIntervalMs: number; maxIntervalMs: number }
  /** Who may join an existing group: anybody who knows its name, or whom the owner adds. */
  groupJoin: 'open' | 'owner'
  presence: boolean
  receipts: boolean
  /** Time between `drain` and close 1012. */
  drainGraceMs: number
  /** Switches `POST /admin/revoke` on. */
  adminToken?: string
  /** Directory of the chat page served at `/`. */
  pageDir?: string
  /**
   * Bytes that one connection may have buffered in user space before it is closed with 4003.
   * At least, and by default, a full window of the largest plain messages: that much was promised.
   */
  maxBufferedBytes: number
}

export type ServerOptionsInput = Partial<Omit<ServerOptions, 'limits' | 'jwt' | 'heartbeat'>> & {
  jwt: Partial<JwtOptions>
  limits?: Partial<Limits>
  heartbeat?: Partial<ServerOptions['heartbeat']>
}

const defaults = {
  host: '127.0.0.1',
  port: 8080,
  origins: [],
  heartbeat: { minIntervalMs: 1_000, maxIntervalMs: 300_000 },
  groupJoin: 'open',
  presence: true,
  receipts: true,
  drainGraceMs: 5_000,
} as const

const minBufferBytes = 65_536
const maxBufferBytes = 1_073_741_824

/** @throws ChatspecError `BAD_OPTION` that names the option, its value and what is allowed. */
export function resolveOptions(input: ServerOptionsInput): Readonly<ServerOptions> {
  const jwt = { leewaySeconds: 5, ...input.jwt }
  const limits = { ...defaultLimits, ...input.limits }
  const fullWindowBytes = Math.min(maxBufferBytes, limits.window * (limits.maxContent + 1_024))
  const options: ServerOptions = {
    ...defaults,
    maxBufferedBytes: Math.max(fullWindowBytes, minBufferBytes),
    ...input,
    jwt,
    limits,
    heartbeat: { ...defaults.heartbeat, ...input.heartbeat },
  }
  checkInteger('port', options.port, 0, 65_535)
  checkInteger('drainGraceMs', options.drainGraceMs, 0, 3_600_000)
  checkInteger('jwt.leewaySeconds', jwt.leewaySeconds, 0, 30)
  checkInteger('heartbeat.minIntervalMs', options.heartbeat.minIntervalMs, 100, 3_600_000)
  checkInteger(
    'heartbeat.maxIntervalMs',
    options.heartbeat.maxIntervalMs,
    options.heartbeat.minIntervalMs,
    3_600_000,
  )
  checkChoice('groupJoin', options.groupJoin, ['open', 'owner'])
  for (const [name, value] of Object.entries(options.limits)) {
    checkInteger(`limits.${name}`, value, name === 'maxFrame' ? 1_024 : 1, Number.MAX_SAFE_INTEGER)
  }
  checkInteger(
    'maxBufferedBytes',
    options.maxBufferedBytes,
    Math.max(fullWindowBytes, minBufferBytes),
    maxBufferBytes,
  )
  if (options.limits.maxContent * 6 + 2_048 > options.limits.maxFrame) {
    // Every byte of content may become \u00XX in JSON; a message that was accepted must fit a frame.
    throw refuse('limits.maxContent', options.limits.maxContent, `at most (maxFrame - 2048) / 6`)
  }
  if ((jwt.secret === undefined) === (jwt.jwks === undefined)) {
    throw refuse('jwt', jwt.secret === undefined ? 'neither' : 'both', 'exactly one of secret and jwks')
  }
  if (jwt.secret !== undefined && jwt.secret.length < 32) {
    throw refuse('jwt.secret', `${jwt.secret.length} characters`, 'at least 32 characters (RFC 7518, 3.2)')
  }
  for (const algorithm of jwt.algorithms ?? []) checkChoice('jwt.algorithms', algorithm, jwtAlgorithms)
  return Object.freeze(options)
}

function checkInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw refuse(name, value, `an integer from ${min} to ${max}`)
  }
}

function checkChoice(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw refuse(name, value, `one of ${allowed.join(', ')}`)
}

function refuse(name: string, value: unknown, allowed: string): ChatspecError {
  return new ChatspecError('BAD_OPTION', `${name} is ${String(value)}; allowed: ${allowed}`)
}
