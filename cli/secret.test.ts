// Where the secret comes from, and who may read it.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findSecret, findStrongSecret, makeSecret } from './secret.ts'
import { temporaryFolder } from './testing/command.ts'

const long = 'x'.repeat(32)

describe('findSecret', () => {
  it('prefers the file to the environment to the data directory', () => {
    const dataDir = temporaryFolder()
    const secretFile = join(dataDir, 'given')
    writeFileSync(secretFile, `${long}-file\n`)
    const kept = makeSecret(dataDir)
    const env = { CHATSPEC_SECRET: `${long}-env` }
    expect(findSecret({ secretFile, dataDir, env })?.value).toBe(`${long}-file`)
    expect(findSecret({ dataDir, env })?.value).toBe(`${long}-env`)
    expect(findSecret({ dataDir, env: {} })?.value).toBe(kept.value)
    expect(findSecret({ env: {} })).toBeUndefined()
  })

  it('refuses a short secret for our own server, without showing it', () => {
    const env = { CHATSPEC_SECRET: 'hunter2' }
    expect(findSecret({ env })?.value).toBe('hunter2')
    expect(() => findStrongSecret({ env })).toThrow(
      'the secret of CHATSPEC_SECRET has 7; allowed: at least 32 characters (RFC 7518, 3.2)',
    )
    expect(findStrongSecret({ env: { CHATSPEC_SECRET: long } })?.value).toBe(long)
  })

  it('names the flag and the file that cannot be read', () => {
    expect(() => findSecret({ secretFile: '/nowhere/secret', env: {} })).toThrow(
      /^--secret-file \/nowhere\/secret cannot be read: Error: ENOENT/,
    )
  })
})

describe('makeSecret', () => {
  it('makes a long random one that only its owner can read, and keeps it', () => {
    const dataDir = join(temporaryFolder(), 'data')
    const { value, file = '' } = makeSecret(dataDir)
    expect(value.length).toBeGreaterThanOrEqual(43)
    expect(readFileSync(file, 'utf8')).toBe(`${value}\n`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(makeSecret(join(dataDir, 'other')).value).not.toBe(value)
  })

  it('never replaces one', () => {
    const dataDir = temporaryFolder()
    const { value, file = '' } = makeSecret(dataDir)
    expect(() => makeSecret(dataDir)).toThrow('EEXIST')
    expect(existsSync(file) && readFileSync(file, 'utf8').trim()).toBe(value)
  })
})
