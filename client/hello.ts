// The first frame of a connection: who this device is, and where it wants to continue.
import type { Cursor, Hello, Network, RequestId } from '../protocol/index.ts'
import type { LinkOptions } from './link.ts'

export interface Greeting {
  id: RequestId
  token: string
  network: Network | undefined
  /** Of the session before. */
  sessionId: string | undefined
  cursors: Cursor[]
}

export function helloOf({ deviceId, caps, client }: LinkOptions, greeting: Greeting): Hello {
  const { id, token, network, sessionId, cursors } = greeting
  const hello: Hello = { type: 'hello', id, token, deviceId, caps: [...caps] }
  if (network) hello.network = network
  if (client) hello.client = client
  if (cursors.length > 0) hello.resume = sessionId === undefined ? { cursors } : { sessionId, cursors }
  return hello
}
