// The server of the demo and what its hooks do to it: same place after a restart, gone in the end whatever happened.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { DemoServer as Demo } from './demo-server.ts'
import { temporaryFolder } from './testing/command.ts'

// As built: the process that it starts is the built command.
const { DemoServer } = (await import(
  new URL('../dist/cli/demo-server.js', import.meta.url).href
)) as typeof import('./demo-server.ts')

function demoServer(): { server: Demo; dataDir: string } {
  const dataDir = temporaryFolder()
  const server = new DemoServer(dataDir)
  onTestFinished(() => server.kill())
  return { server, dataDir }
}

type Run = (values?: Record<string, string>) => Promise<void>

function hook(
  server: Demo,
  name: 'kill' | 'start' | 'term' | 'restart' | 'pause' | 'resume' | 'revoke',
): Run {
  const run = server.hooks()[name]
  if (typeof run !== 'function') throw new Error(`no hook ${name}`)
  return (values = {}) => run(values)
}

async function answers(url: string): Promise<boolean> {
  const health = new URL('/healthz', url.replace('ws:', 'http:'))
  return await fetch(health, { headers: { Connection: 'close' } }).then(
    ({ ok }) => ok,
    () => false,
  )
}

it('comes back where it was after each way to stop it', async () => {
  const { server } = demoServer()
  const url = await server.start()
  for (const stop of ['kill', 'term'] as const) {
    await hook(server, stop)()
    expect(await answers(url)).toBe(false)
    await hook(server, 'start')()
    expect(await answers(url)).toBe(true)
  }
  await hook(server, 'restart')()
  expect(await answers(url)).toBe(true)
  await server.stop()
})

it('ends for good, also while it is paused, and is not started again', async () => {
  const { server } = demoServer()
  const url = await server.start()
  await hook(server, 'pause')()
  await server.stop()
  expect(await answers(url)).toBe(false)
  await expect(hook(server, 'start')()).rejects.toThrow('the demo is over')
})

it('goes on after a pause, names its metrics and its log, and takes revocations', async () => {
  const { server, dataDir } = demoServer()
  const url = await server.start()
  await hook(server, 'pause')()
  await hook(server, 'resume')()
  expect(await answers(url)).toBe(true)
  await hook(server, 'revoke')({ sub: 'alice' })
  await expect(hook(server, 'revoke')({ nobody: 'alice' })).rejects.toThrow('hook revoke: HTTP 400')
  const { metrics, log = '' } = server.hooks()
  if (typeof metrics !== 'object') throw new Error('no metrics')
  const headers = { Authorization: `Bearer ${metrics.token}`, Connection: 'close' }
  expect(await (await fetch(metrics.url, { headers })).text()).toContain('process_open_fds')
  expect(log.startsWith(dataDir)).toBe(true)
  expect(existsSync(log) && readFileSync(log, 'utf8')).toContain('{"level"')
  await server.stop()
})

it('says what kept it from starting', async () => {
  const server = new DemoServer(join(temporaryFolder(), 'nowhere'))
  await expect(server.start()).rejects.toThrow(/ENOENT/)
})
