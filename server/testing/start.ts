// The server inside the test's own process, on a free port; it ends with the test.
import pino from 'pino'
import { onTestFinished } from 'vitest'
import { type RunningServer, startServer } from '../index.ts'
import type { ServerOptionsInput } from '../options.ts'
import { Endpoint, testSecret } from './endpoint.ts'

export interface StartedServer extends Endpoint {
  server: RunningServer
}

export async function start(input: Partial<ServerOptionsInput> = {}): Promise<StartedServer> {
  const options: ServerOptionsInput = { port: 0, ...input, jwt: { secret: testSecret, ...input.jwt } }
  const server = await startServer(options, pino({ level: 'silent' }))
  onTestFinished(() => {
    void server.close()
    // The second time it waits for nobody.
    return server.close()
  })
  return Object.assign(new Endpoint(server.port), { server })
}
