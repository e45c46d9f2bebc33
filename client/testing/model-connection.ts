// One connection of the model server: greeting, replay, window, and the answers to what a client asks.
import {
  type Ack,
  type ClientMessage,
  closes,
  type Cursor,
  type ErrorName,
  errors,
  type Hello,
  type History,
  type Join,
  type Leave,
  networkHeartbeats,
  type Seq,
  type ServerMessage,
} from '../../protocol/index.ts'
import { Deliveries } from './model-deliveries.ts'
import type { ModelServer, Peer } from './model-server.ts'

export class Connection {
  readonly #server: ModelServer
  readonly #peer: Peer
  readonly deliveries: Deliveries
  user = ''
  device = ''

  constructor(server: ModelServer, peer: Peer) {
    this.#server = server
    this.#peer = peer
    this.deliveries = new Deliveries(server, peer, () => this.user)
    server.connections.add(this)
  }

  /** The other side is not there any more. */
  gone(): void {
    if (!this.#server.connections.delete(this) || this.user === '') return
    const devices = [...this.#server.connections].filter((one) => one.user === this.user).length
    if (devices === 0) this.#announce('offline', 0)
  }

  close(code: number): void {
    if (!this.#server.connections.has(this)) return
    const entry = Object.values(closes).find((one) => one.code === code)
    if (entry) this.#write({ type: 'bye', code, reason: entry.meaning, reconnect: entry.reconnect })
    this.gone()
    this.#peer.close(code)
  }

  take(frame: ClientMessage): void {
    if (!this.#server.connections.has(this)) return
    if (frame.type === 'ping') this.#write({ type: 'pong', n: frame.n })
    else if (frame.type === 'pong' || frame.type === 'bye') return
    else if (this.user === '') {
      if (frame.type === 'hello') this.#hello(frame)
      else this.close(closes.UNAUTHORIZED.code)
    } else this.#request(frame)
  }

  #request(frame: ClientMessage): void {
    switch (frame.type) {
      case 'send': {
        const answer = this.#server.send(this, frame)
        if (answer) this.#write(answer)
        break
      }
      case 'ack':
        this.#ack(frame)
        break
      case 'read':
        this.#mark(frame.conv, 'read', frame.seq)
        if (frame.id !== undefined) this.#write({ type: 'ok', id: frame.id })
        break
      case 'sync':
        if (!this.deliveries.sync(frame)) this.#refuse(frame.id, 'NOT_MEMBER')
        break
      case 'history':
        this.#history(frame)
        break
      case 'join':
      case 'leave':
        this.#membership(frame)
        break
      case 'network': {
        this.#write({ type: 'ok', id: frame.id, heartbeat: networkHeartbeats[frame.network] })
        break
      }
      case 'refresh':
        this.#write({ type: 'ok', id: frame.id, expiresAt: expiryOf(frame.token) })
    }
  }

  #hello({ id, token, deviceId, resume, caps = [] }: Hello): void {
    const user = /^token-([a-z]+)/.exec(token)?.[1]
    if (user === undefined) {
      this.close(token.startsWith('expired') ? 4005 : 4504)
      return
    }
    const server = this.#server
    for (const other of server.connections) {
      if (other.user === user && other.device === deviceId) other.close(closes.SESSION_REPLACED.code)
    }
    this.user = user
    this.device = deviceId
    server.users.add(user)
    server.sessions += 1
    const { limits, heartbeat } = server
    const session = { sessionId: `s${server.sessions}`, userId: user, serverTime: server.now() }
    const terms = { expiresAt: expiryOf(token), resumed: resume !== undefined, caps, heartbeat, limits }
    this.#write({ type: 'welcome', id, ...session, ...terms })
    const named = new Map((resume?.cursors ?? []).map((cursor) => [cursor.conv, cursor]))
    this.deliveries.replayAll(named, server.cursors.get(`${user} ${deviceId}`))
    this.#announce('online', 1)
    for (const { user } of server.others(this.user)) {
      this.#write({ type: 'presence', user, state: 'online', devices: 1, since: server.now() })
    }
  }

  #ack({ conv, epoch, seq }: Ack): void {
    const place = this.deliveries.places.get(conv)
    if (!place) {
      this.#refuse(undefined, 'NOT_MEMBER')
      return
    }
    if (epoch !== place.conversation.epoch || seq > place.conversation.messages.length) {
      this.#refuse(undefined, 'UNRECOVERABLE_POSITION')
      return
    }
    const device = `${this.user} ${this.device}`
    const cursors = this.#server.cursors.get(device) ?? new Map<string, Cursor>()
    this.#server.cursors.set(device, cursors)
    const cursor = cursors.get(conv)
    if (cursor?.epoch !== epoch || cursor.seq < seq) cursors.set(conv, { conv, epoch, seq })
    place.unacked = place.unacked.filter((one) => one > seq)
    this.#mark(conv, 'delivered', seq)
    this.deliveries.pump()
  }

  #mark(conv: string, kind: 'delivered' | 'read', seq: Seq): void {
    const conversation = this.#server.conversation(conv)
    const key = `${this.user} ${kind}`
    if (seq <= (conversation.marks.get(key) ?? 0)) return
    conversation.marks.set(key, seq)
    for (const other of this.#server.others(this.user)) {
      if (!other.deliveries.places.has(conv)) continue
      other.#write({ type: 'receipt', conv, epoch: conversation.epoch, user: this.user, kind, seq })
    }
  }

  #history({
    id,
    conv,
    afterSeq = 0,
    beforeSeq = Number.MAX_SAFE_INTEGER,
    order,
    limit,
    cursor,
  }: History): void {
    const conversation = this.deliveries.places.get(conv)?.conversation
    if (!conversation) {
      this.#refuse(id, 'NOT_MEMBER')
      return
    }
    const range = conversation.messages.filter(({ seq }) => seq > afterSeq && seq < beforeSeq)
    if (order === 'desc') range.reverse()
    const start = cursor === undefined ? 0 : Number(cursor)
    const items = range.slice(start, start + limit)
    const complete = start + items.length >= range.length
    const next = complete ? {} : { nextCursor: String(start + items.length) }
    this.#write({ type: 'page', id, epoch: conversation.epoch, items, complete, ...next })
  }

  #membership({ type, id, conv, user = this.user }: Join | Leave): void {
    const conversation = this.#server.conversation(conv)
    const window = conversation.windows.get(user)?.at(-1)
    const isMember = window?.[1] === Number.MAX_SAFE_INTEGER
    const { epoch, messages } = conversation
    if (type === 'join' && isMember) {
      this.#refuse(id, 'ALREADY_JOINED')
      return
    }
    if (type === 'leave' && !isMember) {
      this.#refuse(id, 'NOT_MEMBER')
      return
    }
    if (type === 'join') this.#server.admit(conversation, user)
    else if (window) window[1] = messages.length
    const change = type === 'join' ? 'joined' : user === this.user ? 'left' : 'removed'
    for (const other of this.#server.connections) {
      if (other === this || other.user !== user) continue
      other.#write({ type: 'membership', conv, epoch, user, change, seq: messages.length })
    }
    this.#write({ type: 'ok', id, epoch, top: messages.length })
  }

  #announce(state: 'online' | 'offline', devices: number): void {
    for (const other of this.#server.others(this.user)) {
      other.#write({ type: 'presence', user: this.user, state, devices, since: this.#server.now() })
    }
  }

  #refuse(id: number | undefined, name: ErrorName): void {
    this.#write(refusal(id === undefined ? {} : { id }, name))
  }

  #write(frame: ServerMessage): void {
    this.#peer.write(frame)
  }
}

export function refusal(request: { id?: number; msgId?: string }, name: ErrorName): ServerMessage {
  const { code, meaning, retryable } = errors[name]
  const context: { id?: number; msgId?: string } = {}
  if (request.id !== undefined) context.id = request.id
  if (request.msgId !== undefined) context.msgId = request.msgId
  return { type: 'error', ...context, code, name, message: meaning, retryable }
}

/** `token-alice` is good for ever, `token-alice-60000` until that time. */
function expiryOf(token: string): number {
  return Number(/-(\d+)$/.exec(token)?.[1] ?? 0)
}
