// JSON Web Tokens made by hand, good and bad, and the sources that a target can name for good ones.
import { type ExecFileException, execFile } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ChatspecError } from '../protocol/index.ts'
import { requestHttp } from './http.ts'

export interface Claims {
  sub?: string
  /** Seconds since 1970, as in all times of a JWT. */
  exp?: number
  nbf?: number
  iat?: number
  aud?: string
  iss?: string
  jti?: string
  [name: string]: unknown
}

/** An HS256 token; what `header` names replaces the usual, also to its harm. */
export function mintToken(claims: Claims, secret: string, header: Record<string, unknown> = {}): string {
  const signed = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/** The same claims under algorithm "none" in any spelling, with an empty signature. */
export function unsignedToken(token: string, algorithm = 'none'): string {
  const [, claims = ''] = token.split('.')
  return `${part({ alg: algorithm, typ: 'JWT' })}.${claims}.`
}

/** The token with one bit of its bytes flipped, in its `header`, `claims` or `signature`. */
export function flippedToken(token: string, where: 'header' | 'claims' | 'signature', bit = 0): string {
  const parts = token.split('.')
  const index = { header: 0, claims: 1, signature: 2 }[where]
  const bytes = Buffer.from(parts[index] ?? '', 'base64url')
  const at = (bit >> 3) % Math.max(bytes.length, 1)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7))
  return parts.with(index, bytes.toString('base64url')).join('.')
}

/** Where tokens come from. */
export interface TokenSource {
  /** True: any claims can be signed, so expiry, audience and the like can be tested. */
  canMint: boolean
  /** Set: only these users exist, and they are reused from case to case. */
  users?: readonly string[]
  /** A valid token for `user`. @throws ChatspecError TOKEN_UNAVAILABLE */
  issue(user: string): Promise<string>
  /** A token with these claims instead of the usual; only if `canMint`. */
  mint(claims: Claims): string
}

export interface SecretTokens {
  secret: string
  audience?: string
  issuer?: string
  /** Default 3600 s. */
  lifetimeS?: number
}

/** HS256 with the server's own secret. */
export function secretTokens({ secret, audience, issuer, lifetimeS = 3_600 }: SecretTokens): TokenSource {
  const mint = (claims: Claims): string => {
    const nowS = Math.floor(Date.now() / 1000)
    const usual = { iat: nowS, exp: nowS + lifetimeS, jti: randomUUID() }
    return mintToken(
      { ...usual, ...(audience && { aud: audience }), ...(issuer && { iss: issuer }), ...claims },
      secret,
    )
  }
  return { canMint: true, mint, issue: async (user) => mint({ sub: user }) }
}

/** A command that prints a token; the user's name replaces `{user}` and is in `CHATSPEC_USER`. */
export function commandTokens(command: string, timeoutMs: number): TokenSource {
  return source(
    (user) =>
      new Promise((resolve, reject) => {
        const env = { ...process.env, CHATSPEC_USER: user }
        // Not the message of the error: it quotes the command, which may hold a secret.
        const done = (error: ExecFileException | null, stdout: string, stderr: string) => {
          if (!error) return resolve(stdout.trim())
          const how = error.killed
            ? `it still ran after ${timeoutMs} ms`
            : `exit ${error.code ?? error.signal}`
          reject(
            unavailable(user, `the command failed: ${[how, stderr.trim().split('\n')[0]].join(' ').trim()}`),
          )
        }
        execFile('/bin/sh', ['-c', command.replaceAll('{user}', user)], { env, timeout: timeoutMs }, done)
      }),
  )
}

/** A JSON file `{ "<user>": "<token>", … }`. @throws ChatspecError BAD_TARGET */
export function fileTokens(path: string): TokenSource {
  const tokens = readTokenFile(path)
  const issue = async (user: string): Promise<string> => {
    const token = tokens.get(user)
    if (token === undefined) throw unavailable(user, `${path} has no such user`)
    return token
  }
  return source(issue, [...tokens.keys()])
}

/** A URL that answers `POST {"user": …}` with `{"token": …}`. */
export function loginTokens(login: URL, options: { insecure: boolean; timeoutMs: number }): TokenSource {
  return source(async (user) => {
    const headers = { 'Content-Type': 'application/json' }
    const answer = await requestHttp(login, {
      ...options,
      method: 'POST',
      headers,
      body: JSON.stringify({ user }),
    })
    if (answer.status !== 200)
      throw unavailable(user, `${login.host} answered ${answer.status || answer.failure}`)
    const { token } = answer.json() as { token?: unknown }
    if (typeof token !== 'string') throw unavailable(user, `${login.host} answered without "token"`)
    return token
  })
}

function source(issue: TokenSource['issue'], users?: readonly string[]): TokenSource {
  const mint = (): never => {
    throw new ChatspecError(
      'TOKEN_UNAVAILABLE',
      'only a target with a secret can have tokens with claims of choice',
    )
  }
  const checked = async (user: string): Promise<string> => {
    const token = await issue(user)
    if (!/^[\x21-\x7e]{1,8192}$/.test(token))
      throw unavailable(user, 'what came is no token: 1 to 8192 printable characters')
    return token
  }
  return { canMint: false, mint, issue: checked, ...(users && { users }) }
}

function readTokenFile(path: string): Map<string, string> {
  const bad = (detail: string, cause?: unknown): ChatspecError =>
    new ChatspecError('BAD_TARGET', `token file ${path}: ${detail}; wanted {"<user>": "<token>", …}`, {
      cause,
    })
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw bad(cause instanceof Error ? cause.message : String(cause), cause)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw bad('it is not a JSON object')
  const entries = Object.entries(parsed)
  if (entries.length === 0) throw bad('it is empty')
  for (const [user, token] of entries)
    if (typeof token !== 'string') throw bad(`the token of ${user} is not a string`)
  return new Map(entries)
}

function unavailable(user: string, detail: string): ChatspecError {
  return new ChatspecError('TOKEN_UNAVAILABLE', `There is no token for user ${user}: ${detail}.`)
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
