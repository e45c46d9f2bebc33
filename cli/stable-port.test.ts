import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { stablePort } from './stable-port.ts'

it('is free, and none that an outgoing connection could get', async () => {
  for (let count = 0; count < 20; count++) {
    const port = await stablePort()
    expect(port).toBeGreaterThanOrEqual(10_000)
    expect(port).toBeLessThan(32_000)
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    expect((server.address() as AddressInfo).port).toBe(port)
    server.close()
    await once(server, 'close')
  }
})
