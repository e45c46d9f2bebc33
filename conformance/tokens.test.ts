// Tokens against an independent JWT library, and every source of them.
import { createServer } from 'node:http'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, expect, test } from 'vitest'
import { type Listening, listen } from './testing/listen.ts'
import {
  commandTokens,
  fileTokens,
  flippedToken,
  loginTokens,
  mintToken,
  secretTokens,
  unsignedToken,
} from './tokens.ts'

const secret = 'a secret of the server under test'
const key = new TextEncoder().encode(secret)
const open: Listening[] = []
afterAll(async () => {
  for (const one of open) await one.close()
})

async function listening(server: Parameters<typeof listen>[0]): Promise<Listening> {
  const started = await listen(server)
  open.push(started)
  return started
}

test('a token of a secret verifies, with audience and issuer', async () => {
  const source = secretTokens({ secret, audience: 'chat', issuer: 'judge', lifetimeS: 60 })
  const { payload } = await jwtVerify(await source.issue('alice'), key, { audience: 'chat', issuer: 'judge' })
  expect(payload).toMatchObject({ sub: 'alice', exp: (payload.iat ?? 0) + 60 })
})

test('claims of choice replace the usual ones', async () => {
  const { mint } = secretTokens({ secret, audience: 'chat' })
  const { payload } = await jwtVerify(mint({ sub: 'bob', aud: 'other', jti: '7' }), key)
  expect(payload).toMatchObject({ sub: 'bob', aud: 'other', jti: '7' })
})

test('two tokens of one user differ', async () => {
  const source = secretTokens({ secret })
  expect(await source.issue('alice')).not.toBe(await source.issue('alice'))
})

test('an unsigned token says so in any spelling, and keeps the claims', () => {
  const token = mintToken({ sub: 'alice' }, secret)
  const forged = unsignedToken(token, 'nOnE')
  expect(decodeProtectedHeader(forged)).toMatchObject({ alg: 'nOnE' })
  expect(forged.split('.').slice(1)).toEqual([token.split('.')[1], ''])
})

test.each(['header', 'claims', 'signature'] as const)(
  'one flipped bit in the %s spoils a token',
  async (where) => {
    const token = mintToken({ sub: 'alice', exp: 4_000_000_000 }, secret)
    await jwtVerify(token, key)
    for (const bit of [0, 9, 100, 5_000]) {
      const flipped = flippedToken(token, where, bit)
      expect(flipped).not.toBe(token)
      await expect(jwtVerify(flipped, key)).rejects.toThrow()
    }
  },
)

test('a command prints the token of the user that it is asked for', async () => {
  expect(await commandTokens('echo token-of-{user}-$CHATSPEC_USER', 5_000).issue('bob')).toBe(
    'token-of-bob-bob',
  )
})

test('a command that fails is quoted by what it said, not by what it is', async () => {
  const issue = commandTokens('echo no such user >&2; exit 4 # password', 5_000).issue('bob')
  await expect(issue).rejects.toThrow(
    'There is no token for user bob: the command failed: exit 4 no such user.',
  )
})

test('a command that never ends is ended', async () => {
  await expect(commandTokens('exec tail -f /dev/null', 50).issue('bob')).rejects.toThrow(
    'it still ran after 50 ms',
  )
})

test('what is no token is refused', async () => {
  await expect(commandTokens('echo two words', 5_000).issue('bob')).rejects.toThrow('what came is no token')
})

test('a file gives the tokens of its users and no others', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'chatspec-')), 'tokens.json')
  writeFileSync(path, '{"alice":"token-a","bob":"token-b"}')
  const source = fileTokens(path)
  expect([source.users, source.canMint, await source.issue('bob')]).toEqual([
    ['alice', 'bob'],
    false,
    'token-b',
  ])
  await expect(source.issue('carol')).rejects.toThrow('no such user')
})

test.each(['[]', '{}', '{"alice":7}', 'alice', 'null'])('a token file with %s is refused', (content) => {
  const path = join(mkdtempSync(join(tmpdir(), 'chatspec-')), 'tokens.json')
  writeFileSync(path, content)
  expect(() => fileTokens(path)).toThrow(/^token file .*; wanted \{"<user>": "<token>", …\}$/)
})

test('a login URL is asked for the token of each user', async () => {
  const server = createServer((request, response) => {
    request.on('data', (body: Buffer) =>
      response.end(JSON.stringify({ token: `t-${JSON.parse(body.toString()).user}` })),
    )
  })
  const { host } = await listening(server)
  const login = new URL(`http://${host}/login`)
  expect(await loginTokens(login, { insecure: false, timeoutMs: 5_000 }).issue('alice')).toBe('t-alice')
})

test('a login URL that refuses is named with its status', async () => {
  const server = createServer((_request, response) => response.writeHead(401).end())
  const { host } = await listening(server)
  const source = loginTokens(new URL(`http://${host}/login`), { insecure: false, timeoutMs: 5_000 })
  await expect(source.issue('alice')).rejects.toThrow(`no token for user alice: ${host} answered 401.`)
})
