// Where the signing secret comes from: a file, the environment, or a random one that is kept in a file of its own.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ChatspecError } from '../protocol/index.ts'

export const secretVariable = 'CHATSPEC_SECRET'
/** RFC 7518, 3.2: a key of HS256 has at least the size of the hash. */
export const minSecretLength = 32

export interface Secret {
  value: string
  /** Where it is from, for a person; never the secret. */
  origin: string
  file?: string
}

export interface SecretSources {
  /** `--secret-file`. */
  secretFile?: string | undefined
  /** The data directory of a server, where a random secret is kept. */
  dataDir?: string | undefined
  env: Readonly<Record<string, string | undefined>>
}

/** The first that is there of: the file, the environment, the file in the data directory. @throws ChatspecError */
export function findSecret({ secretFile, dataDir, env }: SecretSources): Secret | undefined {
  if (secretFile !== undefined) return readSecret(secretFile, '--secret-file')
  const given = env[secretVariable]
  if (given !== undefined) return { value: given, origin: secretVariable }
  const kept = dataDir === undefined ? undefined : secretPath(dataDir)
  return kept !== undefined && existsSync(kept) ? readSecret(kept, 'the file') : undefined
}

/** The same for our own server, which refuses what could be guessed; a stranger's may be as it is. @throws ChatspecError */
export function findStrongSecret(sources: SecretSources): Secret | undefined {
  const secret = findSecret(sources)
  if (secret === undefined || secret.value.length >= minSecretLength) return secret
  const allowed = `at least ${minSecretLength} characters (RFC 7518, 3.2)`
  throw new ChatspecError(
    'BAD_OPTION',
    `the secret of ${secret.origin} has ${secret.value.length}; allowed: ${allowed}`,
  )
}

/** A new random secret in `dataDir`, readable by its owner only. @throws if there is one already */
export function makeSecret(dataDir: string): Secret {
  const file = secretPath(dataDir)
  const value = randomBytes(32).toString('base64url')
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  writeFileSync(file, `${value}\n`, { mode: 0o600, flag: 'wx' })
  return { value, origin: `new and random, kept in ${file}`, file }
}

export function secretPath(dataDir: string): string {
  return join(dataDir, 'secret')
}

function readSecret(file: string, name: string): Secret {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ChatspecError('BAD_OPTION', `${name} ${file} cannot be read: ${String(cause)}`, { cause })
  }
  return { value: text.trimEnd(), origin: file, file }
}
