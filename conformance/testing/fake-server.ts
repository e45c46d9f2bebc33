// A tiny chatspec server for tests of the judge: hello, ping, send and ack in memory, and a defect of choice.
import { createHmac } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import {
  cborCodec,
  type ClientMessage,
  closes,
  type CloseName,
  defaultLimits,
  directConversation,
  type Encoding,
  type ErrorName,
  errors,
  type Hello,
  jsonCodec,
  type Limits,
  type Msg,
  networkHeartbeats,
  type Send,
  type Sent,
  type ServerMessage,
  subprotocols,
} from '../../protocol/index.ts'
import { reset } from './listen.ts'

export const fakeSecret = 'the secret of the fake server'

/** One thing that the fake server does wrong. */
export type Defect =
  | 'wrong-nonce'
  | 'silent-send'
  | 'hangs-up-on-send'
  | 'resets-on-send'
  | 'resets-instead-of-closing'
  | 'dies-on-send'
  | 'delivers-twice'
  | 'delivers-twice-late'
  | 'swaps-seqs'
  | 'forgets-msg-ids'
  | 'accepts-any-token'
  | 'closes-without-bye'
  | 'mistypes-sent'
  | 'masks-messages'
  | 'silent-after-welcome'

export interface FakeOptions {
  defect?: Defect
  /** Default: both. */
  encodings?: readonly Encoding[]
  caps?: readonly string[]
  /** Announced, but not kept to. */
  limits?: Partial<Limits>
}

export interface FakeServer {
  url: string
  /** That are open. */
  connections(): number
  close(): Promise<void>
}

interface Client {
  socket: WebSocket
  tcp: Socket
  encoding: Encoding
  user?: string
}

/** Long enough to come after an answer, short enough for a quiet while. */
const lateMs = 100
const wideLimits = { maxFrame: defaultLimits.maxFrame, maxContent: defaultLimits.maxContent }

export async function startFakeServer(options: FakeOptions = {}): Promise<FakeServer> {
  const { encodings = ['json', 'cbor'] } = options
  const offered = encodings.map((encoding) => subprotocols[encoding])
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    path: '/ws',
    handleProtocols: (asked) => offered.find((name) => asked.has(name)) ?? false,
    verifyClient: ({ req }, done) => {
      const asked = req.headers['sec-websocket-protocol']?.split(', ') ?? [subprotocols.json]
      const isSpoken = asked.some((name) => offered.some((one) => one === name))
      done(isSpoken, 400, JSON.stringify({ error: 'no common subprotocol', supported: offered }))
    },
  })
  await new Promise<void>((resolve) => server.once('listening', resolve))
  const chat = new FakeChat(options, () => server.close())
  server.on('connection', (socket, { socket: tcp }) => chat.accept(socket, tcp))
  const { port } = server.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}`,
    connections: () => server.clients.size,
    close: () => {
      for (const socket of server.clients) socket.terminate()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

class FakeChat {
  readonly #options: FakeOptions
  readonly #stop: () => void
  readonly #clients = new Set<Client>()
  readonly #answers = new Map<string, Sent>()
  readonly #tops = new Map<string, number>()

  constructor(options: FakeOptions, stop: () => void) {
    this.#options = options
    this.#stop = stop
  }

  accept(socket: WebSocket, tcp: Socket): void {
    const encoding = socket.protocol === subprotocols.cbor ? 'cbor' : 'json'
    const client: Client = { socket, tcp, encoding }
    this.#clients.add(client)
    socket.on('close', () => this.#clients.delete(client))
    socket.on('message', (data, isBinary) => this.#read(client, data, isBinary))
  }

  #has(defect: Defect): boolean {
    return this.#options.defect === defect
  }

  #read(client: Client, data: RawData, isBinary: boolean) {
    if (this.#has('silent-after-welcome') && client.user !== undefined) return
    if (isBinary !== (client.encoding === 'cbor')) return this.#bye(client, 'BAD_FRAME')
    const bytes = data as Buffer
    const decoded = isBinary
      ? cborCodec.decodeClient(bytes, wideLimits)
      : jsonCodec.decodeClient(bytes.toString(), wideLimits)
    if (decoded.ok) return this.#onFrame(client, decoded.message)
    const close = entries(closes).find(([, { code }]) => code === decoded.code)
    if (close) return this.#bye(client, close[0])
    const error = entries(errors).find(([, { code }]) => code === decoded.code)
    this.#refuse(client, error?.[0] ?? 'BAD_REQUEST', decoded.detail, decoded)
  }

  #onFrame(client: Client, frame: ClientMessage) {
    switch (frame.type) {
      case 'hello':
        return this.#onHello(client, frame)
      case 'ping':
        return this.#write(client, {
          type: 'pong',
          n: this.#has('wrong-nonce') ? Math.abs(frame.n - 1) : frame.n,
        })
      case 'ack':
        return frame.id === undefined ? undefined : this.#write(client, { type: 'ok', id: frame.id })
      case 'send':
        return client.user === undefined
          ? this.#bye(client, 'UNAUTHORIZED')
          : this.#onSend(client, client.user, frame)
    }
  }

  #onHello(client: Client, { id, token }: Hello) {
    const user = this.#has('accepts-any-token') ? claimsOf(token).sub : verify(token)
    if (user === undefined) return this.#bye(client, 'UNAUTHORIZED')
    client.user = user
    this.#write(client, {
      type: 'welcome',
      id,
      sessionId: 'fake',
      userId: user,
      serverTime: Date.now(),
      expiresAt: (claimsOf(token).exp ?? 0) * 1000,
      resumed: false,
      caps: [...(this.#options.caps ?? ['durability=memory', 'fence', 'devices'])],
      heartbeat: networkHeartbeats.wifi,
      limits: { ...defaultLimits, ...this.#options.limits },
    })
    this.#write(client, { type: 'live' })
  }

  #onSend(client: Client, user: string, send: Send) {
    if (this.#has('silent-send')) return
    if (this.#has('hangs-up-on-send')) return client.socket.terminate()
    if (this.#has('resets-on-send')) return reset(client.tcp)
    if (this.#has('dies-on-send')) {
      this.#stop()
      for (const one of this.#clients) one.socket.terminate()
      return
    }
    const key = `${user} ${send.msgId}`
    const first = this.#has('forgets-msg-ids') ? undefined : this.#answers.get(key)
    if (first) return this.#write(client, { ...first, id: send.id, duplicate: true })
    const conv = send.conv ?? directConversation(user, send.to ?? '')
    const top = (this.#tops.get(conv) ?? 0) + 1
    this.#tops.set(conv, top)
    const seq = this.#has('swaps-seqs') && top > 1 ? top + (top % 2 === 0 ? 1 : -1) : top
    const { id, msgId, content } = send
    const timestamp = Date.now()
    const sent: Sent = { type: 'sent', id, msgId, conv, epoch: 'e1', seq, timestamp, duplicate: false }
    this.#answers.set(key, sent)
    this.#deliver(client, { type: 'msg', conv, epoch: 'e1', seq, msgId, from: user, content, timestamp })
    if (this.#has('mistypes-sent')) return client.socket.send(JSON.stringify({ ...sent, duplicate: 'no' }))
    this.#write(client, sent)
  }

  #deliver(origin: Client, msg: Msg): void {
    const users = msg.conv.split(':').slice(1)
    for (const client of this.#clients) {
      if (client === origin || client.user === undefined || !users.includes(client.user)) continue
      this.#write(client, msg)
      if (this.#has('delivers-twice')) this.#write(client, msg)
      if (this.#has('delivers-twice-late')) setTimeout(() => this.#write(client, msg), lateMs)
    }
  }

  #refuse(client: Client, name: ErrorName, message: string, ids: { id?: number; msgId?: string }): void {
    const { code, retryable } = errors[name]
    const named = {
      ...(ids.id !== undefined && { id: ids.id }),
      ...(ids.msgId !== undefined && { msgId: ids.msgId }),
    }
    this.#write(client, { type: 'error', ...named, code, name, message: message.slice(0, 256), retryable })
  }

  #bye(client: Client, name: CloseName): void {
    const { code, reconnect, meaning } = closes[name]
    // As where the kernel resets behind a close with unread input: the error is written, and never arrives.
    if (this.#has('resets-instead-of-closing')) {
      client.tcp.cork()
      this.#write(client, { type: 'bye', code, reason: meaning, reconnect })
      return reset(client.tcp)
    }
    if (!this.#has('closes-without-bye'))
      this.#write(client, { type: 'bye', code, reason: meaning, reconnect })
    client.socket.close(code, meaning)
  }

  #write({ socket, encoding }: Client, frame: ServerMessage): void {
    const mask = this.#has('masks-messages') && frame.type === 'msg'
    socket.send(encoding === 'json' ? jsonCodec.encode(frame, 0) : cborCodec.encode(frame, Date.now()), {
      mask,
    })
  }
}

function entries<N extends string, V>(table: Record<N, V>): [N, V][] {
  return Object.entries(table) as [N, V][]
}

function verify(token: string): string | undefined {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const right = createHmac('sha256', fakeSecret).update(`${header}.${claims}`).digest('base64url')
  return signature === right ? claimsOf(token).sub : undefined
}

function claimsOf(token: string): { sub?: string; exp?: number } {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      sub?: string
      exp?: number
    }
  } catch {
    return {}
  }
}
