// The client with its surroundings: runs what the session decides on a real socket, clock and storage.
import {
  ChatspecError,
  type ErrorFrame,
  errors,
  type Network,
  type Page,
  type Send,
  type Seq,
} from '../protocol/index.ts'
import { type Clock, systemClock } from './clock.ts'
import type {
  Delivery,
  Effect,
  Notice,
  RequestFrame,
  RequestResult,
  SessionEvent,
  Status,
} from './effects.ts'
import { Emitter, type Listener } from './emitter.ts'
import {
  type ClientEvents,
  type ClientOptions,
  checkOptions,
  checkSend,
  type HistoryQuery,
  type MembershipResult,
  type NewMessage,
  type SendHandle,
} from './options.ts'
import { Session } from './session.ts'
import { findWebSocket, Socket, type WebSocketConstructor } from './socket.ts'
import type { PendingSend } from './storage.ts'

/** @throws ChatspecError BAD_OPTION */
export function createClient(options: ClientOptions): Client {
  checkOptions(options)
  return new Client(options)
}

export class Client {
  readonly #options: ClientOptions
  readonly #clock: Clock
  readonly #session: Session
  readonly #emitter = new Emitter<ClientEvents>()
  /** Events that came while one was being handled. */
  readonly #events: SessionEvent[] = []
  #isRunning = false
  #ready: Promise<void> | undefined
  #webSocket: WebSocketConstructor | undefined
  #socket: Socket | undefined
  #timer: { atMs: number; cancel: () => void } | undefined
  readonly #deliveries: Delivery[] = []
  #handing: Promise<void> | undefined
  readonly #sends = new Map<
    string,
    { handle: SendHandle; settle: (result: Awaited<SendHandle['result']>) => void }
  >()
  readonly #replies = new Map<number, (result: RequestResult) => void>()
  #requests = 0
  #closed: Promise<void> | undefined
  #onIdle: (() => void) | undefined

  constructor(options: ClientOptions) {
    const clock = options.clock ?? systemClock
    this.#options = options
    this.#clock = clock
    this.#session = new Session({
      now: () => clock.now(),
      random: options.random ?? Math.random,
      deviceId: options.deviceId,
      caps: options.caps ?? ['presence', 'receipts'],
      isTokenFixed: typeof options.token === 'string',
      maxPending: options.maxPending ?? 1_000,
      maxRequests: options.maxRequests ?? 100,
      ...(options.network && { network: options.network }),
      ...(options.client && { client: options.client }),
    })
  }

  get status(): Status {
    return this.#session.status()
  }

  /** Messages without an answer, oldest first; after a restart also those of the time before, once `state` was heard. */
  get pending(): PendingSend[] {
    return this.#session.pending()
  }

  /**
   * A listener of `message` may return a promise: the next message comes, and this one's place is stored and
   * acknowledged, only when it has resolved. Without such a listener messages wait. If it fails, the client stops.
   */
  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    const off = this.#emitter.on(name, listener)
    this.#hand()
    return off
  }

  /** Connects and stays connected until `close`, or until going on makes no sense: then `stopped` says why. */
  connect(): void {
    if (this.#closed) throw new ChatspecError('CLOSED', 'this client was closed; create another')
    this.#ready ??= this.#prepare()
    this.#ready.then(
      () => {
        this.#dispatch({ type: 'connect' })
        this.#hand()
      },
      (cause: unknown) => {
        this.#ready = undefined
        this.#dispatch({ type: 'failed', reason: { name: codeOf(cause), message: messageOf(cause) } })
      },
    )
  }

  /** In `backoff`: tries again now. */
  retry(): void {
    this.#dispatch({ type: 'retry' })
  }

  /** Stores what there is to store and leaves. What is pending stays in the storage for the next client. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /**
   * Takes the message, keeps it until the server has answered, and repeats it as often as that takes.
   * With the `msgId` of a pending message, the handle of that one.
   * @throws ChatspecError BAD_SEND, CLOSED
   */
  send(message: NewMessage): SendHandle {
    if (this.#closed) throw new ChatspecError('CLOSED', 'this client was closed')
    const send = checkSend(message)
    const known = this.#sends.get(send.msgId)
    if (known) return known.handle
    let settle: (result: Awaited<SendHandle['result']>) => void = () => {}
    const result = new Promise<Awaited<SendHandle['result']>>((resolve) => {
      settle = resolve
    })
    const handle = { msgId: send.msgId, result }
    this.#sends.set(send.msgId, { handle, settle })
    this.#dispatch({ type: 'send', send })
    return handle
  }

  /**
   * Pages of a conversation's log; newest first unless `order` says otherwise.
   * @throws ChatspecError with the name of the server's error, STOPPED or CLOSED
   */
  async *history(query: HistoryQuery): AsyncGenerator<Page, void, void> {
    let cursor: string | undefined
    do {
      const frame = { type: 'history' as const, order: 'desc' as const, limit: 50, ...query }
      const result = await this.#request(cursor === undefined ? frame : { ...frame, cursor })
      if (!result.ok) throw new ChatspecError(result.error.name, result.error.message)
      if (result.reply.type !== 'page') return
      yield result.reply
      cursor = result.reply.nextCursor
    } while (cursor !== undefined)
  }

  /** Joins a group, or, as its owner, adds `user`. */
  join(conv: string, user?: string): Promise<MembershipResult> {
    return this.#request(user === undefined ? { type: 'join', conv } : { type: 'join', conv, user })
  }

  /** Leaves a group, or, as its owner, removes `user`. */
  leave(conv: string, user?: string): Promise<MembershipResult> {
    return this.#request(user === undefined ? { type: 'leave', conv } : { type: 'leave', conv, user })
  }

  /** The user has seen everything up to `seq`. */
  read(conv: string, seq: Seq): void {
    this.#dispatch({ type: 'read', conv, seq })
  }

  setNetwork(network: Network): void {
    this.#dispatch({ type: 'network', network })
  }

  /** Reads what there is to read before the first attempt. */
  async #prepare(): Promise<void> {
    this.#webSocket ??= this.#options.webSocket ?? (await findWebSocket())
    const state = await this.#options.storage?.load()
    this.#dispatch({ type: 'restored', state })
  }

  async #close(): Promise<void> {
    await this.#handing
    this.#deliveries.length = 0
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
    this.#dispatch({ type: 'close' })
    await idle
    this.#timer?.cancel()
  }

  #request(frame: RequestFrame): Promise<RequestResult> {
    if (this.#closed) {
      const message = 'this client was closed'
      return Promise.resolve({ ok: false, error: { name: 'CLOSED', message, definite: true } })
    }
    this.#requests += 1
    const key = this.#requests
    return new Promise((resolve) => {
      this.#replies.set(key, resolve)
      this.#dispatch({ type: 'request', key, frame })
    })
  }

  #dispatch(event: SessionEvent): void {
    this.#events.push(event)
    if (this.#isRunning) return
    this.#isRunning = true
    for (let next = this.#events.shift(); next; next = this.#events.shift()) {
      for (const effect of this.#session.handle(next)) this.#run(effect)
    }
    this.#isRunning = false
    this.#arm()
  }

  #run(effect: Effect): void {
    switch (effect.type) {
      case 'write':
        if (this.#socket?.send(effect.frame) === false) this.#tooLarge(effect.frame)
        break
      case 'deliver':
        this.#deliveries.push(effect.delivery)
        this.#hand()
        break
      case 'settle':
        this.#settle(effect)
        break
      case 'reply':
        this.#replies.get(effect.key)?.(effect.result)
        this.#replies.delete(effect.key)
        break
      case 'notice':
        this.#notice(effect.notice)
        break
      case 'save':
        this.#save(effect)
        break
      case 'get-token':
        this.#getToken(effect)
        break
      case 'open':
        this.#open()
        break
      case 'close':
        this.#socket?.close(effect.code, effect.message)
        this.#socket = undefined
    }
  }

  #open(): void {
    const { url, encoding = 'json' } = this.#options
    const webSocket = this.#webSocket
    if (!webSocket) return
    try {
      this.#socket = new Socket(
        { url, encoding, webSocket },
        {
          opened: () => this.#dispatch({ type: 'opened' }),
          frame: (frame) => this.#dispatch({ type: 'frame', frame }),
          badFrame: (message) => this.#dispatch({ type: 'bad-frame', message }),
          closed: (code, message) => this.#dispatch({ type: 'closed', code, message }),
        },
      )
    } catch (cause) {
      this.#dispatch({ type: 'closed', code: 1006, message: messageOf(cause) })
    }
  }

  #getToken({ attempt, refused }: { attempt: number; refused: boolean }): void {
    const { token } = this.#options
    const provide = async () => (typeof token === 'string' ? token : token({ refused }))
    provide().then(
      (value) => this.#dispatch({ type: 'token', attempt, token: value }),
      (cause: unknown) => this.#dispatch({ type: 'no-token', attempt, message: messageOf(cause) }),
    )
  }

  #save({ state }: Extract<Effect, { type: 'save' }>): void {
    const { storage } = this.#options
    if (!storage) {
      this.#dispatch({ type: 'saved' })
      return
    }
    const save = async () => storage.save(state)
    save().then(
      () => this.#dispatch({ type: 'saved' }),
      (cause: unknown) => this.#dispatch({ type: 'not-saved', message: messageOf(cause) }),
    )
  }

  /** Answers for the server, which would have closed the connection. */
  #tooLarge(frame: { type: string } | Send): void {
    if (frame.type !== 'send' || !('msgId' in frame)) return
    const { code, name, retryable } = errors.CONTENT_TOO_LARGE
    const { id, msgId } = frame
    const answer: ErrorFrame = {
      type: 'error',
      id,
      msgId,
      code,
      name,
      retryable,
      message: 'longer than maxFrame',
    }
    this.#dispatch({ type: 'frame', frame: answer })
  }

  #settle({ msgId, result }: Extract<Effect, { type: 'settle' }>): void {
    this.#sends.get(msgId)?.settle(result)
    this.#sends.delete(msgId)
    if (result.ok) this.#emitter.emit('sent', result.sent)
    else this.#emitter.emit('refused', { msgId, error: result.error })
  }

  #notice(notice: Notice): void {
    switch (notice.type) {
      case 'state':
        this.#emitter.emit('state', notice.status)
        if (notice.status.state === 'stopped' && notice.status.reason)
          this.#emitter.emit('stopped', notice.status.reason)
        if (notice.status.state === 'idle') this.#onIdle?.()
        break
      case 'receipt':
        this.#emitter.emit('receipt', notice.receipt)
        break
      case 'presence':
        this.#emitter.emit('presence', notice.presence)
        break
      case 'membership':
        this.#emitter.emit('membership', notice.membership)
        break
      case 'trouble':
        this.#emitter.emit('trouble', notice.trouble)
    }
  }

  #hand(): void {
    if (this.#handing || this.#deliveries.length === 0) return
    this.#handing = this.#handAll().finally(() => {
      this.#handing = undefined
    })
  }

  async #handAll(): Promise<void> {
    for (let next = this.#deliveries[0]; next && !this.#closed; next = this.#deliveries[0]) {
      try {
        if (next.type === 'discontinuity') await this.#emitter.hand('discontinuity', next.discontinuity)
        else if (!this.#emitter.has('message')) return
        else await this.#emitter.hand('message', next.message)
      } catch (cause) {
        const message = messageOf(cause)
        return this.#dispatch({ type: 'failed', reason: { name: 'LISTENER_FAILED', message } })
      }
      this.#deliveries.shift()
      if (next.type === 'message') {
        const { conv, epoch, seq } = next.message
        this.#dispatch({ type: 'handled', conv, epoch, seq })
      }
    }
  }

  /** A timer that fires early does no harm, so it is only ever replaced by an earlier one. */
  #arm(): void {
    const atMs = this.#session.wakeAtMs()
    if (atMs === Number.POSITIVE_INFINITY || (this.#timer && this.#timer.atMs <= atMs)) return
    this.#timer?.cancel()
    const cancel = this.#clock.after(atMs - this.#clock.now(), () => {
      this.#timer = undefined
      this.#dispatch({ type: 'tick' })
    })
    this.#timer = { atMs, cancel }
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

function codeOf(cause: unknown): string {
  return cause instanceof ChatspecError ? cause.code : 'STORAGE'
}
