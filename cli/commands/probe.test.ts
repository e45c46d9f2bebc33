// `chatspec probe` as a process: the table, the JSON, the exit code.
import { expect, it, onTestFinished } from 'vitest'
import { fakeSecret, startFakeServer } from '../../conformance/testing/fake-server.ts'
import { chatspec } from '../testing/command.ts'

const limits = { helloTimeoutMs: 300, ackTimeoutMs: 300, window: 12, sendBurst: 60, connectionsPerUser: 6 }
const env = { CHATSPEC_SECRET: fakeSecret }

it('shows what is real and what only declared, and ends with 1', { timeout: 60_000 }, async () => {
  const fake = await startFakeServer({ caps: ['durability=memory', 'fence', 'history'], limits })
  onTestFinished(() => fake.close())
  const { code, stdout } = await chatspec(['probe', fake.url, '--timeout', '3s'], { env })
  expect(stdout).toMatch(/^fence +✓ real +heartbeats\/pong-does-not-overtake$/m)
  expect(stdout).toMatch(/^history +✗ only declared +history\//m)
  expect(stdout).toMatch(/^helloTimeoutMs +✗ differs +still open after \d+ ms\n +announced: 300 ms$/m)
  expect(stdout).toMatch(/promises not kept: history, /)
  expect(code).toBe(1)
  const again = await chatspec(['probe', fake.url, '--timeout', '3s', '--json'], { env })
  expect(JSON.parse(again.stdout)).toMatchObject({ kind: 'probe', schemaVersion: 1, encoding: 'json' })
})

it('ends with 3 and one sentence where no server is', async () => {
  const { code, stdout, stderr } = await chatspec(['probe', 'ws://127.0.0.1:1/ws'], { env })
  expect(stderr).toContain('error: Nothing listens at 127.0.0.1:1 (ECONNREFUSED).')
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
})
