// A TCP wire to a server, which a test can break and mend.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Wire {
  port: number
  /** Breaks every connection and refuses new ones. */
  break(): void
  mend(): void
  close(): void
}

export async function openWire(target: number): Promise<Wire> {
  const sockets = new Set<Socket>()
  let isWhole = true
  const server = createServer((near) => {
    if (!isWhole) return void near.destroy()
    const far = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    break() {
      isWhole = false
      for (const socket of sockets) socket.resetAndDestroy()
    },
    mend() {
      isWhole = true
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
