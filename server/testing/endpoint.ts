// A running server as a stranger sees it: its sockets, its HTTP endpoints and its metrics.
import type { ClientMessage, Encoding, Hello, ServerMessage } from '../../protocol/index.ts'
import { mintToken } from '../token.ts'
import { type Client, connect, type UpgradeOptions } from './socket.ts'

export const testSecret = 'a secret for tests with 40 characters ..'
export const generousLimits = {
  sendRatePerSecond: 1_000_000,
  sendBurst: 1_000_000,
  frameRatePerSecond: 1_000_000,
  frameBurst: 1_000_000,
}

export type JoinOptions = Partial<Hello> & Pick<UpgradeOptions, 'encoding' | 'tls'> & { acksAll?: boolean }

export function tokenFor(sub: string, options: { expiresInSeconds?: number; jti?: string } = {}): string {
  return mintToken({ secret: testSecret, sub, expiresInSeconds: 3_600, ...options }, Date.now())
}

export class Endpoint {
  readonly port: number

  constructor(port: number) {
    this.port = port
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    // Without keep-alive: a pooled connection would outlive the test.
    const headers = { ...(init?.headers as Record<string, string> | undefined), Connection: 'close' }
    return fetch(`http://127.0.0.1:${this.port}${path}`, { ...init, headers })
  }

  connect(options: Omit<UpgradeOptions, 'port'> = {}): Promise<Client> {
    return connect({ ...options, port: this.port })
  }

  /** Opens a session and waits until it is live, or over. */
  async join(user: string, options: JoinOptions = {}): Promise<Client> {
    const { encoding = 'json', tls = false, acksAll = false, ...hello } = options
    const client = await this.connect({ encoding, tls })
    client.acksAll = acksAll
    await this.hello(client, user, hello)
    return client
  }

  async hello(client: Client, user: string, hello: Partial<Hello> = {}): Promise<void> {
    client.send({ type: 'hello', id: 1, token: tokenFor(user), deviceId: 'phone', ...hello })
    await client.until('live', () => client.isOver || client.frames.some(isLive) || undefined)
  }

  /** By name and labels as they are written, e.g. `chatspec_closes_total{code="4003"}`. */
  async metrics(): Promise<Map<string, number>> {
    const response = await this.fetch('/metrics')
    const samples = new Map<string, number>()
    for (const line of (await response.text()).split('\n')) {
      const at = line.lastIndexOf(' ')
      if (at > 0 && !line.startsWith('#')) samples.set(line.slice(0, at), Number(line.slice(at + 1)))
    }
    return samples
  }

  async metric(name: string): Promise<number> {
    return (await this.metrics()).get(name) ?? 0
  }
}

function isLive(frame: ServerMessage): boolean {
  return frame.type === 'live'
}

/** A `send` with a fresh msgId. */
export function sendTo(to: string, content: string, id = 0): ClientMessage & { type: 'send' } {
  const target = to.includes(':') ? { conv: to } : { to }
  return { type: 'send', id, msgId: crypto.randomUUID(), ...target, content }
}

export const encodings: readonly Encoding[] = ['json', 'cbor']
