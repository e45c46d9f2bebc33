// The same as endurance.test.ts, with the reference server: killed and started again on its lmdb log.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { stablePort } from '../cli/stable-port.ts'
import { generousLimits, tokenFor } from '../server/testing/endpoint.ts'
import { limitFlags, serve } from '../server/testing/process.ts'
import { endure } from './testing/endurance.ts'

const seed = Number(process.env.CHATSPEC_SEED ?? 20_260_101)

it('loses nothing, doubles nothing and keeps the order over 1000 broken connections and 10 kills of the server', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'chatspec-endurance-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const flags = [
    '--data-dir',
    dataDir,
    '--no-page',
    ...limitFlags({ ...generousLimits, window: 16, sendWindow: 4 }),
  ]
  const port = await stablePort()
  const start = () => serve([...flags, '--port', String(port)])
  let server = await start()
  onTestFinished(async () => void (await server.kill()))
  const target = {
    port,
    token: (user: string) => tokenFor(user),
    async restart() {
      await server.kill('SIGKILL')
      server = await start()
    },
  }
  const report = await endure({ target, seed, disconnects: 1_000, restarts: 10, timeScale: 50 })
  console.log(`seed ${seed}:`, report)
  expect(report.disconnects).toBeGreaterThanOrEqual(1_000)
  expect(report.midFrame).toBeGreaterThan(250)
  expect(report.restarts).toBe(10)
  expect(report.messages).toBeGreaterThan(2_000)
}, 180_000)
