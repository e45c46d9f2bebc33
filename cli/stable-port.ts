// A port that a server can come back to after it was killed.
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below what operating systems give to outgoing connections: those could take the port while nobody listens on it. */
const range = { least: 10_000, below: 32_000 }
const maxTries = 100

/** A free port on 127.0.0.1. @throws Error if none is found */
export async function stablePort(): Promise<number> {
  for (let count = 0; count < maxTries; count++) {
    const port = randomInt(range.least, range.below)
    if (await isFree(port)) return port
  }
  throw new Error(`no free port from ${range.least} to ${range.below - 1} in ${maxTries} tries`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
