// A small chatspec server in memory, without sockets or timers: what the client is tested against.
import {
  type Ack,
  type ClientMessage,
  closes,
  type Cursor,
  defaultLimits,
  directConversation,
  type ErrorName,
  errors,
  type Gap,
  type Heartbeat,
  type Hello,
  type History,
  type Join,
  type Leave,
  type Limits,
  type Message,
  networkHeartbeats,
  peerOf,
  type Send,
  type Seq,
  type ServerMessage,
  type Sync,
} from '../../protocol/index.ts'

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

interface Conversation {
  id: string
  epoch: string
  messages: Message[]
  /** Windows (from, to] of each user; the last one may be open. */
  windows: Map<string, [from: Seq, to: Seq][]>
  marks: Map<string, Seq>
}

interface Job {
  id: number | undefined
  remaining: number
}

interface Place {
  conversation: Conversation
  position: Seq
  unacked: Seq[]
  isPaused: boolean
  replay:
    | { job: Job; from: Seq; left: number; gap: Pick<Gap, 'from' | 'to' | 'reason'> | undefined }
    | undefined
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
      const place = connection.places.get(conv)
      if (connection === origin && place?.position === seq - 1 && !place.replay && !place.isPaused)
        place.position = seq
      else connection.pump()
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
      if (connection.user === user) connection.place(conversation, top)
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

export class Connection {
  readonly #server: ModelServer
  readonly #peer: Peer
  readonly places = new Map<string, Place>()
  user = ''
  device = ''

  constructor(server: ModelServer, peer: Peer) {
    this.#server = server
    this.#peer = peer
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
        this.#sync(frame)
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
    this.#replayAll(new Map((resume?.cursors ?? []).map((cursor) => [cursor.conv, cursor])))
    this.#announce('online', 1)
    for (const { user } of server.others(this.user)) {
      this.#write({ type: 'presence', user, state: 'online', devices: 1, since: server.now() })
    }
  }

  #replayAll(named: Map<string, Cursor>): void {
    const device = this.#server.cursors.get(`${this.user} ${this.device}`)
    const job: Job = { id: undefined, remaining: 0 }
    for (const conversation of this.#server.conversations.values()) {
      if (!conversation.windows.has(this.user)) continue
      const cursor = named.get(conversation.id) ?? device?.get(conversation.id)
      const place = this.place(conversation, cursor?.seq ?? 0)
      this.#startAt(place, cursor)
      if (!named.has(conversation.id) && !place.replay?.gap && this.#next(place) === undefined)
        place.replay = undefined
      else if (place.replay) {
        place.replay.job = job
        job.remaining += 1
      }
    }
    if (job.remaining === 0) this.#write({ type: 'live' })
    this.pump()
  }

  /** Where a replay begins that was asked to begin at `cursor`, or at the beginning. */
  #startAt(place: Place, cursor: Cursor | undefined, left = Number.MAX_SAFE_INTEGER): void {
    const { epoch, messages } = place.conversation
    const top = messages.length
    const oldest = Math.max(0, top - this.#server.limits.offlineMax)
    const seq = cursor?.seq ?? 0
    let from = Math.max(seq, oldest)
    let gap: NonNullable<Place['replay']>['gap'] =
      seq < oldest ? { from: seq, to: oldest, reason: 'overflow' } : undefined
    if (cursor && cursor.epoch !== epoch) {
      from = oldest
      gap = { from: 0, to: oldest, reason: 'epoch' }
    } else if (seq > top) {
      from = top
      gap = { from: top, to: seq, reason: 'future' }
    }
    place.position = from
    place.unacked = []
    place.isPaused = false
    place.replay = { job: { id: undefined, remaining: 0 }, from, left, gap }
  }

  place(conversation: Conversation, position: Seq): Place {
    const known = this.places.get(conversation.id)
    const place = known ?? { conversation, position, unacked: [], isPaused: false, replay: undefined }
    this.places.set(conversation.id, place)
    return place
  }

  /** Writes what is due, as far as the window has room. */
  pump(): void {
    for (const place of this.places.values()) {
      while (!place.isPaused) {
        const message = place.replay?.left === 0 ? undefined : this.#next(place)
        if (!message) break
        if (this.#unacked() >= this.#server.limits.window) return
        this.#pass(place, message.seq)
        place.unacked.push(message.seq)
        if (place.replay) place.replay.left -= 1
        this.#write(place.replay ? { type: 'msg', ...message, replay: true } : { type: 'msg', ...message })
      }
      this.#endReplay(place)
    }
  }

  /** Between two memberships lies what this user never sees. */
  #pass(place: Place, seq: Seq): void {
    const { id: conv, epoch } = place.conversation
    if (seq > place.position + 1) {
      const frame = { type: 'membership', conv, epoch, user: this.user } as const
      this.#write({ ...frame, change: 'left', seq: place.position })
      this.#write({ ...frame, change: 'joined', seq: seq - 1 })
    }
    place.position = seq
  }

  #endReplay(place: Place): void {
    const { replay, position, conversation } = place
    if (!replay) return
    const { id: conv, epoch, messages } = conversation
    const complete = this.#next(place) === undefined
    place.replay = undefined
    place.isPaused = !complete
    const range = { from: replay.from, to: position, top: messages.length, complete, recovered: !replay.gap }
    const id = replay.job.id === undefined ? {} : { id: replay.job.id }
    this.#write({ type: 'synced', ...id, conv, epoch, ...range, ...(replay.gap && { gap: replay.gap }) })
    replay.job.remaining -= 1
    if (replay.job.remaining === 0) this.#write({ type: 'live', ...id })
  }

  #next({ conversation, position }: Place): Message | undefined {
    const windows = conversation.windows.get(this.user) ?? []
    for (let index = position; index < conversation.messages.length; index++) {
      if (windows.some(([from, to]) => index + 1 > from && index + 1 <= to))
        return conversation.messages[index]
    }
    return undefined
  }

  /** The server has lost something on its own way, and waits for a `sync`. */
  breakOff(conv: string): void {
    const place = this.places.get(conv)
    if (!place || place.replay || place.isPaused) return
    const { epoch, messages } = place.conversation
    place.isPaused = true
    this.#write({ type: 'gap', conv, epoch, from: place.position, to: messages.length, reason: 'broker' })
  }

  #unacked(): number {
    let unacked = 0
    for (const place of this.places.values()) unacked += place.unacked.length
    return unacked
  }

  #ack({ conv, epoch, seq }: Ack): void {
    const place = this.places.get(conv)
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
    this.pump()
  }

  #sync({ id, cursors, limit }: Sync): void {
    const places = cursors.map(({ conv }) => this.places.get(conv))
    if (places.includes(undefined)) {
      this.#refuse(id, 'NOT_MEMBER')
      return
    }
    const job: Job = { id, remaining: cursors.length }
    for (const [index, place] of places.entries()) {
      if (!place) continue
      this.#startAt(place, cursors[index], limit)
      if (place.replay) place.replay.job = job
    }
    this.pump()
  }

  #mark(conv: string, kind: 'delivered' | 'read', seq: Seq): void {
    const conversation = this.#server.conversation(conv)
    const key = `${this.user} ${kind}`
    if (seq <= (conversation.marks.get(key) ?? 0)) return
    conversation.marks.set(key, seq)
    for (const other of this.#server.others(this.user)) {
      if (!other.places.has(conv)) continue
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
    const conversation = this.places.get(conv)?.conversation
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

function refusal(request: { id?: number; msgId?: string }, name: ErrorName): ServerMessage {
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
