// The server core in virtual time: a hub with a memory log, fake sockets and a clock that tests move.
import pino from 'pino'
import {
  type ClientMessage,
  createCborCodec,
  type Encoding,
  jsonCodec,
  type ServerMessage,
  type Welcome,
} from '../../protocol/index.ts'
import type { Authenticator } from '../auth.ts'
import { sweep, sweepIntervalMs } from '../heartbeats.ts'
import { Hub } from '../hub.ts'
import type { MessageLog } from '../log.ts'
import { createMemoryLog } from '../log-memory.ts'
import { Counters } from '../metrics.ts'
import { resolveOptions, type ServerOptionsInput } from '../options.ts'
import { createRevocations } from '../revocations.ts'
import { receiveBinary, receiveText, type Session } from '../session.ts'
import type { Socket, Wire } from '../socket.ts'
import { nodeUtf8 } from '../utf8-node.ts'

const startMs = 1_790_000_000_000
const cbor = createCborCodec(nodeUtf8)

export interface Peer {
  session: Session
  /** Everything that the server wrote, in order. */
  frames: ServerMessage[]
  closed: { code: number; reason: string } | undefined
  /** What `bufferedBytes` of its socket says. */
  buffered: number
  send(message: ClientMessage): void
  sendText(text: string): void
  /** The frames of one type. */
  of<Type extends ServerMessage['type']>(type: Type): Extract<ServerMessage, { type: Type }>[]
  /** The peer goes away without a word. */
  drop(): void
}

export interface VirtualServer {
  hub: Hub
  log: MessageLog
  nowMs(): number
  /** Moves the clock, with the sweeps that fall due. */
  advance(ms: number): void
  open(encoding?: Encoding): Peer
  /** Opens, says hello, and waits for everything that follows. */
  join(
    user: string,
    options?: Partial<Extract<ClientMessage, { type: 'hello' }>> & { encoding?: Encoding },
  ): Promise<Peer>
  /** Waits for all commits that are under way. */
  settle(): Promise<void>
}

/** A token that the virtual server accepts. */
export function testToken(sub: string, claims: { exp?: number; jti?: string } = {}): string {
  return JSON.stringify({ sub, ...claims })
}

export function createVirtualServer(
  input: Partial<ServerOptionsInput> = {},
  log?: MessageLog,
): VirtualServer {
  let nowMs = startMs
  const topics = new Map<string, Set<FakeSocket>>()
  const now = (): number => nowMs
  const options = resolveOptions({ jwt: { secret: 'x'.repeat(32) }, ...input })
  const messages = log ?? createMemoryLog({ dedupWindowMs: options.limits.dedupWindowMs, now })
  const hub = new Hub({
    options,
    log: messages,
    auth: testAuthenticator(now),
    revocations: createRevocations(now),
    counters: new Counters(),
    logger: pino({ level: 'silent' }),
    cbor,
    broadcaster: {
      publish: (topic, frame) => {
        for (const socket of topics.get(topic) ?? []) socket.send(frame)
      },
    },
    now,
    random: () => 0.5,
    sessionId: () => `id-${Math.random().toString(36).slice(2)}`,
  })

  async function settle(): Promise<void> {
    await new Promise<void>((resolve) => messages.putRecord(['settle'], nowMs, () => resolve()))
  }

  function open(encoding: Encoding = 'json'): Peer {
    const socket = new FakeSocket(topics, encoding)
    const session = hub.open(socket, encoding)
    return {
      session,
      frames: socket.frames,
      get closed() {
        return socket.closed
      },
      get buffered() {
        return socket.buffered
      },
      set buffered(bytes) {
        socket.buffered = bytes
      },
      send(message) {
        if (encoding === 'json') this.sendText(jsonCodec.encode(message, 0))
        else receiveBinary(hub, session, cbor.encode(message, nowMs))
      },
      sendText: (text) => receiveText(hub, session, text, Buffer.byteLength(text)),
      of<Type extends ServerMessage['type']>(type: Type) {
        return socket.frames.filter(
          (frame): frame is Extract<ServerMessage, { type: Type }> => frame.type === type,
        )
      },
      drop: () => hub.release(session),
    }
  }

  return {
    hub,
    log: messages,
    nowMs: now,
    settle,
    open,
    advance(ms) {
      for (let restMs = ms; restMs > 0; restMs -= sweepIntervalMs) {
        nowMs += Math.min(restMs, sweepIntervalMs)
        sweep(hub)
      }
    },
    async join(user, { encoding = 'json', ...hello } = {}) {
      const peer = open(encoding)
      peer.send({ type: 'hello', id: 1, token: testToken(user), deviceId: 'phone', ...hello })
      await settle()
      return peer
    },
  }
}

/** The `welcome` of a peer. @throws if there is none. */
export function welcomeOf(peer: Peer): Welcome {
  const [welcome] = peer.of('welcome')
  if (welcome === undefined) throw new Error(`no welcome, but ${JSON.stringify(peer.frames)}`)
  return welcome
}

function testAuthenticator(now: () => number): Authenticator {
  return {
    verify(token) {
      if (!token.startsWith('{')) return { ok: false, reason: 'refused' }
      const { sub, exp = 0, jti } = JSON.parse(token) as { sub: string; exp?: number; jti?: string }
      if (exp > 0 && exp <= now()) return { ok: false, reason: 'expired' }
      const claims = { userId: sub, expiresAt: exp, issuedAt: 0 }
      return { ok: true, claims: jti === undefined ? claims : { ...claims, tokenId: jti } }
    },
  }
}

class FakeSocket implements Socket {
  readonly frames: ServerMessage[] = []
  closed: { code: number; reason: string } | undefined
  buffered = 0
  private readonly topics: Map<string, Set<FakeSocket>>
  private readonly encoding: Encoding

  constructor(topics: Map<string, Set<FakeSocket>>, encoding: Encoding) {
    this.topics = topics
    this.encoding = encoding
  }

  send(frame: Wire): void {
    if (this.closed !== undefined) throw new Error('a frame after the close')
    if ((typeof frame === 'string') !== (this.encoding === 'json'))
      throw new Error(`wrong encoding for ${this.encoding}`)
    const limits = { maxFrame: 1e9, maxContent: 1e9 }
    const decoded =
      typeof frame === 'string' ? jsonCodec.decodeServer(frame, limits) : cbor.decodeServer(frame, limits)
    if (!decoded.ok) throw new Error(`the server wrote a bad frame: ${decoded.detail}`)
    this.frames.push(decoded.message)
  }

  flush(): void {}

  bufferedBytes(): number {
    return this.buffered
  }

  subscribe(topic: string): void {
    const sockets = this.topics.get(topic) ?? new Set()
    sockets.add(this)
    this.topics.set(topic, sockets)
  }

  unsubscribe(topic: string): void {
    this.topics.get(topic)?.delete(this)
  }

  publish(topic: string, frame: Wire): void {
    for (const socket of this.topics.get(topic) ?? []) if (socket !== this) socket.send(frame)
  }

  end(code: number, reason: string): void {
    this.closed ??= { code, reason }
    for (const sockets of this.topics.values()) sockets.delete(this)
  }
}
