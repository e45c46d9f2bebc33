// Servers for tests: on a free port of this machine, and gone afterwards with everything that is connected to them.
import type { AddressInfo, Server, Socket } from 'node:net'

export interface Listening {
  /** `127.0.0.1:<port>` */
  host: string
  close(): Promise<void>
}

export async function listen(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** RST at once: alone, `resetAndDestroy` would let a FIN and what is still to be written go first. */
export function reset(socket: Socket): void {
  socket.resetAndDestroy()
  socket.destroy()
}
