// Carries out what the session decides, on a real socket, clock, storage and token provider.
import { ChatspecError, type ClientMessage, type ErrorFrame, errors } from '../protocol/index.ts'
import { Alarm, systemClock } from './clock.ts'
import type { Effect, SessionEvent } from './effects.ts'
import type { ClientOptions } from './options.ts'
import { Session } from './session.ts'
import { findWebSocket, Socket, type WebSocketConstructor } from './socket.ts'

/** What the application is told. */
export type Told = Extract<Effect, { type: 'deliver' | 'settle' | 'reply' | 'notice' }>

export class Runner {
  readonly session: Session
  readonly #options: ClientOptions
  readonly #tell: (told: Told) => void
  readonly #alarm: Alarm
  /** Events that came while one was being handled. */
  readonly #events: SessionEvent[] = []
  #isRunning = false
  #isStopped = false
  #wantsConnection = false
  #loaded: Promise<void> | undefined
  #webSocket: WebSocketConstructor | undefined
  #socket: Socket | undefined

  constructor(options: ClientOptions, tell: (told: Told) => void) {
    const clock = options.clock ?? systemClock
    this.#options = options
    this.#tell = tell
    this.#alarm = new Alarm(clock, () => this.dispatch({ type: 'tick' }))
    this.session = new Session({
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

  connect(): void {
    this.#wantsConnection = true
    this.#prepare().then(
      () => this.#wantsConnection && this.dispatch({ type: 'connect' }),
      (cause: unknown) =>
        this.#wantsConnection && this.fail(cause instanceof ChatspecError ? cause.code : 'STORAGE', cause),
    )
  }

  disconnect(): void {
    this.#wantsConnection = false
    this.dispatch({ type: 'disconnect' })
  }

  /** Also what was sent before there ever was a connection is stored, beside what the storage holds already. */
  close(): void {
    this.#wantsConnection = false
    this.dispatch({ type: 'close' })
    if (!this.session.isLeaving) return
    this.#load().catch((cause) => this.dispatch({ type: 'not-saved', message: messageOf(cause) }))
  }

  fail(name: string, cause: unknown): void {
    this.dispatch({ type: 'failed', reason: { name, message: messageOf(cause) } })
  }

  dispatch(event: SessionEvent): void {
    if (this.#isStopped) return
    this.#events.push(event)
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) {
        for (const effect of this.session.handle(next)) this.#run(effect)
      }
    } finally {
      this.#isRunning = false
    }
    this.#alarm.setAt(this.session.wakeAtMs())
  }

  /** Nothing rings any more, and what is answered late is ignored. */
  stop(): void {
    this.#isStopped = true
    this.#alarm.cancel()
  }

  /** What there is to find and to read before the first attempt. */
  async #prepare(): Promise<void> {
    this.#webSocket ??= this.#options.webSocket ?? (await findWebSocket())
    await this.#load()
  }

  /** Once, unless it fails. */
  #load(): Promise<void> {
    const load = async () => {
      const state = await this.#options.storage?.load()
      this.dispatch({ type: 'restored', state })
    }
    this.#loaded ??= load().catch((cause: unknown) => {
      this.#loaded = undefined
      throw cause
    })
    return this.#loaded
  }

  #run(effect: Effect): void {
    switch (effect.type) {
      case 'get-token':
        this.#getToken(effect)
        break
      case 'open':
        this.#open()
        break
      case 'write':
        if (this.#socket?.send(effect.frame) === false) this.#tooLarge(effect.frame)
        break
      case 'close':
        this.#socket?.close(effect.code, effect.message)
        this.#socket = undefined
        break
      case 'save':
        this.#save(effect)
        break
      default:
        this.#tell(effect)
    }
  }

  #getToken({ attempt, refused }: { attempt: number; refused: boolean }): void {
    const { token } = this.#options
    const provide = async () => (typeof token === 'string' ? token : token({ refused }))
    provide().then(
      (value) => this.dispatch({ type: 'token', attempt, token: value }),
      (cause: unknown) => this.dispatch({ type: 'no-token', attempt, message: messageOf(cause) }),
    )
  }

  #open(): void {
    const { url, encoding = 'json' } = this.#options
    const webSocket = this.#webSocket
    if (!webSocket) return
    const listener = {
      opened: () => this.dispatch({ type: 'opened' }),
      frame: (frame) => this.dispatch({ type: 'frame', frame }),
      badFrame: (message) => this.dispatch({ type: 'bad-frame', message }),
      closed: (code, message) => this.dispatch({ type: 'closed', code, message }),
    } satisfies ConstructorParameters<typeof Socket>[1]
    try {
      this.#socket = new Socket({ url, encoding, webSocket }, listener)
    } catch (cause) {
      this.dispatch({ type: 'closed', code: 1006, message: messageOf(cause) })
    }
  }

  #save({ state }: Extract<Effect, { type: 'save' }>): void {
    const { storage } = this.#options
    if (!storage) {
      this.dispatch({ type: 'saved' })
      return
    }
    const save = async () => storage.save(state)
    save().then(
      () => this.dispatch({ type: 'saved' }),
      (cause: unknown) => this.dispatch({ type: 'not-saved', message: messageOf(cause) }),
    )
  }

  /** Answers for the server, which would have closed the connection. */
  #tooLarge(frame: ClientMessage): void {
    if (frame.type !== 'send') return
    const { id, msgId } = frame
    const { code, name, retryable } = errors.CONTENT_TOO_LARGE
    const message = 'the frame is longer than maxFrame'
    const answer: ErrorFrame = { type: 'error', id, msgId, code, name, retryable, message }
    this.dispatch({ type: 'frame', frame: answer })
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
