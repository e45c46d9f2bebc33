// A small chatspec server in memory, without sockets or timers: what the client is tested against.
import {
  type Cursor,
  defaultLimits,
  directConversation,
  type ErrorName,
  type Heartbeat,
  type Limits,
  type Message,
  networkHeartbeats,
  peerOf,
  type Send,
  type Seq,
  type ServerMessage,
} from '../../protocol/index.ts'
import { Connection, refusal } from './model-connection.ts'

export interface ModelOptions {
  now: () => number
  limits?: Partial<Limits>
  heartbeat?: Heartbeat
  /** What becomes of a `send`: stored and answered, stored without an answer, lost, or refused. */
  fate?: (send: Send) => 'answered' | 'unanswered' | 'lost' | ErrorName
}

/** The far end of one connection. */
export interface Peer {
  write: (frame: ServerMessage) => void
  close: (code: number) => void
}

export interface Conversation {
  id: string
  epoch: string
  messages: Message[]
  /** Windows (from, to] of each user; the last one may be open. */
  windows: Map<string, [from: Seq, to: Seq][]>
  marks: Map<string, Seq>
}

export class ModelServer {
  readonly limits: Limits
  readonly #options: ModelOptions
  readonly connections = new Set<Connection>()
  readonly users = new Set<string>()
  readonly conversations = new Map<string, Conversation>()
  readonly #sent = new Map<string, { payload: string; conversation: Conversation; message: Message }>()
  readonly cursors = new Map<string, Map<string, Cursor>>()
  epochs = 1
  sessions = 0

  constructor(options: ModelOptions) {
    this.#options = options
    this.limits = { ...defaultLimits, ...options.limits }
  }

  get heartbeat(): Heartbeat {
    return this.#options.heartbeat ?? networkHeartbeats.wifi
  }

  now(): number {
    return this.#options.now()
  }

  connect(peer: Peer): Connection {
    return new Connection(this, peer)
  }

  /** All connections end without a word; the log stays, or is gone and its epochs with it. */
  restart({ keepsLog }: { keepsLog: boolean }): void {
    for (const connection of this.connections) connection.gone()
    if (keepsLog) return
    this.epochs += 1
    this.conversations.clear()
    this.#sent.clear()
  }

  conversation(id: string): Conversation {
    const known = this.conversations.get(id)
    const created = {
      id,
      epoch: `e${String(this.epochs).padStart(4, '0')}`,
      messages: [],
      windows: new Map(),
      marks: new Map(),
    }
    this.conversations.set(id, known ?? created)
    return known ?? created
  }

  send(origin: Connection, send: Send): ServerMessage | undefined {
    const fate = this.#options.fate?.(send) ?? 'answered'
    if (fate === 'lost') return undefined
    if (fate !== 'answered' && fate !== 'unanswered') return refusal(send, fate)
    const conv = send.conv ?? directConversation(origin.user, send.to ?? '')
    const payload = JSON.stringify([conv, String(send.content), send.contentType, send.meta])
    const key = `${origin.user} ${send.msgId}`
    const earlier = this.#sent.get(key)
    if (earlier && earlier.payload !== payload) return refusal(send, 'MSGID_CONFLICT')
    const peer = peerOf(conv, origin.user)
    if (!earlier && !this.#mayWrite(conv, origin.user)) return refusal(send, 'NOT_MEMBER')
    if (!earlier && peer !== undefined && !this.users.has(peer)) return refusal(send, 'NOT_FOUND')
    const entry = earlier ?? this.#append(origin, send, conv)
    this.#sent.set(key, { payload, ...entry })
    const { msgId, seq, timestamp, epoch } = entry.message
    if (fate === 'unanswered') return undefined
    return { type: 'sent', id: send.id, msgId, conv, epoch, seq, timestamp, duplicate: earlier !== undefined }
  }

  #append(origin: Connection, send: Send, conv: string): { conversation: Conversation; message: Message } {
    const conversation = this.conversation(conv)
    const peer = peerOf(conv, origin.user)
    if (peer !== undefined && conversation.windows.size === 0) {
      for (const user of new Set([peer, origin.user])) this.admit(conversation, user)
    }
    const { type: _, id, to, conv: __, ...rest } = send
    const seq = conversation.messages.length + 1
    const message = {
      ...rest,
      conv,
      epoch: conversation.epoch,
      seq,
      from: origin.user,
      timestamp: this.now(),
    }
    conversation.messages.push(message)
    for (const connection of this.connections) {
      const place = connection.deliveries.places.get(conv)
      if (connection === origin && place?.position === seq - 1 && !place.replay && !place.isPaused)
        place.position = seq
      else connection.deliveries.pump()
    }
    return { conversation, message }
  }

  /** Opens a window at the top, on all connections of the user. */
  admit(conversation: Conversation, user: string): void {
    const top = conversation.messages.length
    conversation.windows.set(user, [
      ...(conversation.windows.get(user) ?? []),
      [top, Number.MAX_SAFE_INTEGER],
    ])
    for (const connection of this.connections) {
      if (connection.user === user) connection.deliveries.place(conversation, top)
    }
  }

  others(user: string): Connection[] {
    return [...this.connections].filter((one) => one.user !== '' && one.user !== user)
  }

  #mayWrite(conv: string, user: string): boolean {
    if (conv.startsWith('d:')) return peerOf(conv, user) !== undefined
    return this.conversations.get(conv)?.windows.get(user)?.at(-1)?.[1] === Number.MAX_SAFE_INTEGER
  }
}
