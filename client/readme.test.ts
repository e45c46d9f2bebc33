// The example in README.md is run as it is written.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { FakeServer } from './testing/fake-server.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

it('shows a client that works as written', async () => {
  const readme = readFileSync(`${root}/README.md`, 'utf8')
  const examples = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const example = examples.find((code) => code.includes("from 'chatspec/client'")) ?? ''
  const server = new FakeServer()
  await server.start()
  // Somebody to write to.
  server.model.connect({ write: () => {}, close: () => {} }).take({
    type: 'hello',
    id: 1,
    token: 'token-bob',
    deviceId: 'phone',
  })
  const program = [
    'const myToken = () => "token-alice"',
    example.replace('localhost:9000', `127.0.0.1:${server.port}`),
    'console.log(ok, sent?.seq, error)',
  ]
  const args = ['--input-type=module', '--eval', program.join('\n')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
  await server.stop()
  const lines = stdout.trim().split('\n')
  expect(lines.slice(0, 5)).toEqual(['connecting', 'hello-sent', 'replaying', 'live', 'idle'])
  expect(lines.slice(-2)).toEqual(['idle', 'true 1 undefined'])
})
