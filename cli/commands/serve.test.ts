// `chatspec serve` as a process: starts, tells where it is, keeps its secret to itself, and stops.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { selfSignedCertificate } from '../../conformance/testing/certificate.ts'
import { chatspec, Running, temporaryFolder } from '../testing/command.ts'

async function serve(args: readonly string[], surroundings: ConstructorParameters<typeof Running>[1]) {
  const server = new Running(['serve', '--port', '0', ...args], surroundings)
  const [, url = ''] = await server.said(/listening on (\S+)/)
  return { server, url, http: url.replace(/^ws/, 'http').replace(/\/ws$/, '') }
}

/** The first frame that answers `hello` with this token; the connection stays until the end of the test. */
async function stay(url: string, token: string): Promise<object> {
  return await hello(token, new WebSocket(url))
}

/** The same, and leaves. */
async function visit(url: string, token: string): Promise<object> {
  const socket = new WebSocket(url)
  const answer = await hello(token, socket)
  socket.terminate()
  return answer
}

async function hello(token: string, socket: WebSocket): Promise<object> {
  onTestFinished(() => socket.terminate())
  socket.once('open', () => socket.send(JSON.stringify({ type: 'hello', id: 1, token, deviceId: 'laptop' })))
  return await new Promise((resolve, reject) => {
    socket.once('message', (data) => resolve(JSON.parse(String(data))))
    socket.once('error', reject)
  })
}

describe('chatspec serve', () => {
  it('serves until SIGTERM, with a random secret that chatspec token finds in the same folder', async () => {
    const cwd = temporaryFolder()
    const { server, url, http } = await serve([], { cwd })
    expect((await fetch(`${http}/healthz`)).status).toBe(200)
    const { stdout: token } = await chatspec(['token', '--sub', 'alice'], { cwd })
    expect(await visit(url, token.trim())).toMatchObject({ type: 'welcome', userId: 'alice' })
    server.child.kill('SIGTERM')
    expect((await server.finished()).code).toBe(0)
  })

  it('serves the chat page at /, and tells where', async () => {
    const { server } = await serve(['--memory'], {})
    const [, page = ''] = await server.said(/page: (\S+)/)
    const answer = await fetch(page)
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/)
    expect(await answer.text()).toContain('<script')
  })

  it('keeps the secret in a file of its owner, uses it again, and never prints it', async () => {
    const cwd = temporaryFolder()
    const file = join(cwd, 'data', 'secret')
    const first = await serve(['--data-dir', 'data'], { cwd })
    await first.server.said(/secret: new and random, kept in data\/secret/)
    const secret = readFileSync(file, 'utf8').trim()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    first.server.child.kill('SIGTERM')
    await first.server.finished()
    const second = await serve(['--data-dir', 'data'], { cwd })
    await second.server.said(/secret: data\/secret/)
    expect(readFileSync(file, 'utf8').trim()).toBe(secret)
    for (const { stdout, stderr } of [first.server, second.server])
      expect(stdout + stderr).not.toContain(secret)
  })

  it('leaves nothing behind with --memory', async () => {
    const cwd = temporaryFolder()
    const { server, url } = await serve(['--memory'], { cwd })
    const [, flags = '', file = ''] = await server.said(
      /a token: chatspec (token --sub alice --secret-file (\S+))/,
    )
    const { stdout: token } = await chatspec(flags.split(' '), { cwd })
    expect(await visit(url, token.trim())).toMatchObject({ type: 'welcome' })
    server.child.kill('SIGINT')
    await server.finished()
    expect(existsSync(file)).toBe(false)
    expect(existsSync(join(cwd, 'chatspec-data'))).toBe(false)
  })

  it('ends its grace at the second signal', async () => {
    const cwd = temporaryFolder()
    const { server, url } = await serve(['--drain-grace', '1h'], { cwd })
    const { stdout: token } = await chatspec(['token', '--sub', 'alice'], { cwd })
    await stay(url, token.trim())
    server.child.kill('SIGTERM')
    await server.said(/draining; once more to stop at once/)
    server.child.kill('SIGTERM')
    expect((await server.finished()).code).toBe(0)
  })

  it('logs JSON lines on stdout and nothing else', async () => {
    const { server } = await serve(['--memory'], {})
    server.child.kill('SIGTERM')
    const { stdout } = await server.finished()
    for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level')
  })

  it('takes the secret and the admin token from the environment', async () => {
    const env = { CHATSPEC_SECRET: 's'.repeat(40), CHATSPEC_ADMIN_TOKEN: 'a'.repeat(40) }
    const { url, http } = await serve(['--memory'], { env })
    const { stdout: token } = await chatspec(['token', '--sub', 'bob'], { env })
    expect(await visit(url, token.trim())).toMatchObject({ type: 'welcome', userId: 'bob' })
    const headers = {
      Authorization: `Bearer ${env.CHATSPEC_ADMIN_TOKEN}`,
      'Content-Type': 'application/json',
    }
    const revoke = { method: 'POST', headers, body: JSON.stringify({ sub: 'bob' }) }
    expect((await fetch(`${http}/admin/revoke`, revoke)).ok).toBe(true)
    expect(await visit(url, token.trim())).toMatchObject({ type: 'bye', code: 4506 })
  })

  it('announces the limits and capabilities that its flags ask for', async () => {
    const flags = [
      '--limit',
      'window=7',
      '--limit',
      'ackTimeoutMs=9s',
      '--group-join',
      'owner',
      '--no-presence',
    ]
    const { http } = await serve(['--memory', ...flags], {})
    const about: unknown = await (await fetch(`${http}/.well-known/chatspec`)).json()
    expect(about).toMatchObject({ limits: { window: 7, ackTimeoutMs: 9_000 } })
    expect(JSON.stringify(about)).toContain('join=owner')
    expect(JSON.stringify(about)).not.toContain('"presence"')
  })

  it('serves over TLS with --tls-cert and --tls-key', async () => {
    const cwd = temporaryFolder()
    const { key, cert } = selfSignedCertificate()
    writeFileSync(join(cwd, 'key.pem'), key)
    writeFileSync(join(cwd, 'cert.pem'), cert)
    const { url } = await serve(['--tls-cert', 'cert.pem', '--tls-key', 'key.pem'], { cwd })
    expect(url).toMatch(/^wss:/)
    const only = ['--only', 'direct', '--encoding', 'json', '--secret-file', 'chatspec-data/secret']
    expect((await chatspec(['conform', url, '--insecure', ...only], { cwd })).code).toBe(0)
    const distrustful = await chatspec(['conform', url, ...only], { cwd })
    expect(distrustful.stderr).toMatch(/error: The TLS certificate of .* --insecure accepts it/)
    expect(distrustful.code).toBe(3)
  })

  it('says which port is taken', async () => {
    const { url } = await serve(['--memory'], {})
    const { port } = new URL(url)
    const { code, stderr } = await chatspec(['serve', '--memory', '--port', port])
    expect(code).toBe(3)
    expect(stderr).toContain(port)
  })
})
