// The client over real sockets that break a thousand times, against the fake server.
import { describe, expect, it } from 'vitest'
import { endure } from './testing/endurance.ts'
import { FakeServer } from './testing/fake-server.ts'

const seed = Number(process.env.CHATSPEC_SEED ?? 20_260_101)

describe('two clients that write to each other', () => {
  it('lose nothing, double nothing and keep the order over 1000 broken connections and 20 restarts', async () => {
    const limits = { sendRatePerSecond: 1e6, sendBurst: 1e6, window: 16, sendWindow: 4 }
    const server = new FakeServer({ limits })
    await server.start()
    const target = {
      port: server.port,
      token: (user: string) => `token-${user}`,
      restart: () => server.restart(),
    }
    const report = await endure({ target, seed, disconnects: 1_000, restarts: 20, timeScale: 50 })
    await server.stop()
    console.log(`seed ${seed}:`, report)
    expect(report.disconnects).toBeGreaterThanOrEqual(1_000)
    expect(report.midFrame).toBeGreaterThan(250)
    expect(report.restarts).toBe(20)
    expect(report.messages).toBeGreaterThan(2_000)
  }, 120_000)
})
