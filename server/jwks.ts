// The public keys of whoever issues tokens: a JWK set in a file or at a URL, kept fresh without a storm of fetches.
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createVerifier } from 'fast-jwt'
import { ChatspecError, type Milliseconds } from '../protocol/index.ts'
import type { JwtAlgorithm } from './options.ts'

/** Decodes a token if its signature is right; if it is not, gives undefined or throws. */
export type SignatureCheck = (
  token: string,
) => { header: Record<string, unknown>; payload: Record<string, unknown> } | undefined

interface Key {
  kid: string | undefined
  algorithm: JwtAlgorithm
  check: SignatureCheck
}

export interface KeySet {
  /** The keys that fit; a token is judged only where this is exactly one. Starts a refresh when keys are old. */
  find(algorithm: JwtAlgorithm, kid: string | undefined): SignatureCheck[]
  /**
   * For a key that is not there: resolves when the set was read again. Undefined if that was done a moment ago.
   * Rejects if the set cannot be read now, so that nobody is refused for our own trouble.
   */
  reload(): Promise<void> | undefined
}

interface Source {
  read: () => Promise<string>
  /** An unknown key makes us read again, but not more often than this. */
  coolDownMs: number
  /** Known keys are used at most so long without looking whether they were withdrawn. */
  refreshAfterMs: number
}

export interface KeySetOptions {
  /** A path, or an http(s) URL. */
  location: string
  algorithms: readonly JwtAlgorithm[]
  now: () => Milliseconds
  /** Told when refreshing begins to fail; the last good keys stay in use. */
  onFailure: (cause: Error) => void
  fetchTimeoutMs?: number
}

const maxBytes = 1_048_576
const maxKeys = 100

/** @throws ChatspecError `BAD_JWKS` if the set cannot be read, or holds no key that can be used. */
export async function openKeySet(options: KeySetOptions): Promise<KeySet> {
  const keys = new RefreshedKeySet(options)
  await keys.reload()
  if (keys.isEmpty()) throw badSet(options.location, `no key for ${options.algorithms.join(', ')}`)
  return keys
}

class RefreshedKeySet implements KeySet {
  readonly #options: KeySetOptions
  readonly #source: Source
  #text: string | undefined = undefined
  #keys: readonly Key[] = []
  #checkedAtMs = Number.NEGATIVE_INFINITY
  /** Of the last attempt, if it failed. */
  #failure: Error | undefined = undefined
  #loading: Promise<void> | undefined = undefined

  constructor(options: KeySetOptions) {
    this.#options = options
    this.#source = sourceAt(options.location, options.fetchTimeoutMs ?? 5_000)
  }

  isEmpty(): boolean {
    return this.#keys.length === 0
  }

  find(algorithm: JwtAlgorithm, kid: string | undefined): SignatureCheck[] {
    if (this.#isOlderThan(this.#source.refreshAfterMs)) this.reload()?.catch(() => undefined)
    const fitting = this.#keys.filter(
      (key) => key.algorithm === algorithm && (kid === undefined || key.kid === kid),
    )
    return fitting.map((key) => key.check)
  }

  reload(): Promise<void> | undefined {
    if (this.#loading === undefined && this.#isOlderThan(this.#source.coolDownMs))
      this.#loading = this.#load()
    if (this.#loading !== undefined) return this.#loading
    return this.#failure === undefined ? undefined : Promise.reject(this.#failure)
  }

  async #load(): Promise<void> {
    const { location, algorithms, now, onFailure } = this.#options
    try {
      const text = await this.#source.read()
      // A set that was emptied withdraws every key.
      if (text !== this.#text) this.#keys = parseKeys(text, algorithms)
      this.#text = text
      this.#failure = undefined
    } catch (cause) {
      const isNews = this.#failure === undefined && this.#text !== undefined
      this.#failure = badSet(location, describe(cause), cause)
      if (isNews) onFailure(this.#failure)
      throw this.#failure
    } finally {
      this.#checkedAtMs = now()
      this.#loading = undefined
    }
  }

  /** A clock that was set back must not keep old keys alive. */
  #isOlderThan(limitMs: number): boolean {
    const ageMs = this.#options.now() - this.#checkedAtMs
    return ageMs < 0 || ageMs >= limitMs
  }
}

function sourceAt(location: string, fetchTimeoutMs: number): Source {
  if (/^https?:/i.test(location)) {
    return { read: () => fetchText(location, fetchTimeoutMs), coolDownMs: 10_000, refreshAfterMs: 600_000 }
  }
  return { read: () => readFile(location, 'utf8'), coolDownMs: 1_000, refreshAfterMs: 1_000 }
}

/** `fetch failed` says nothing; its cause does. */
function describe(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure)
  return failure.cause instanceof Error ? `${failure.message}: ${failure.cause.message}` : failure.message
}

/** No redirect: the keys of another host would be trusted as those of this one. */
async function fetchText(url: string, timeoutMs: number): Promise<string> {
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const response = await fetch(url, {
    redirect: 'error',
    headers,
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (response.status !== 200 || response.body === null) throw new Error(`HTTP status ${response.status}`)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Keys that are not for us are passed over, as RFC 7517, 5 asks; a set that is no set is refused as a whole. */
function parseKeys(text: string, algorithms: readonly JwtAlgorithm[]): Key[] {
  const set: unknown = parseJson(text)
  if (typeof set !== 'object' || set === null || !('keys' in set) || !Array.isArray(set.keys)) {
    throw new Error('not a JWK set: {"keys":[…]} is allowed')
  }
  if (set.keys.length > maxKeys) throw new Error(`more than ${maxKeys} keys`)
  return set.keys.flatMap((jwk: unknown) => {
    const key = parseKey(jwk)
    return key !== undefined && algorithms.includes(key.algorithm) ? [key] : []
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the parser's words, which quote the text: it could be a secret that was given by mistake.
    throw new Error('not JSON')
  }
}

function parseKey(jwk: unknown): Key | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined
  const { kty, crv, kid, use, alg, key_ops: operations }: Record<string, unknown> = { ...jwk }
  const algorithm = algorithmOf(kty, crv)
  if (algorithm === undefined || (alg !== undefined && alg !== algorithm)) return undefined
  if (use !== undefined && use !== 'sig') return undefined
  if (Array.isArray(operations) && !operations.includes('verify')) return undefined
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    // RFC 7518, 3.3.
    if (kty === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) return undefined
    const pem = key.export({ type: 'spki', format: 'pem' }).toString()
    return { kid: typeof kid === 'string' ? kid : undefined, algorithm, check: createCheck(pem, algorithm) }
  } catch {
    return undefined
  }
}

/** The key decides the algorithm, never the token. */
function algorithmOf(kty: unknown, crv: unknown): JwtAlgorithm | undefined {
  if (kty === 'RSA') return 'RS256'
  if (kty === 'EC' && crv === 'P-256') return 'ES256'
  if (kty === 'OKP' && crv === 'Ed25519') return 'EdDSA'
  return undefined
}

/** Signature only: times and other claims are judged by us, against the clock that was handed in. */
function createCheck(key: string, algorithm: JwtAlgorithm): SignatureCheck {
  return createVerifier({
    key,
    algorithms: [algorithm],
    complete: true,
    cache: false,
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
}

function badSet(location: string, reason: string, cause?: unknown): ChatspecError {
  return new ChatspecError('BAD_JWKS', `the JWK set ${location}: ${reason}`, { cause })
}
