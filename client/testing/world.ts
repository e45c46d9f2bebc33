// Virtual time for the session: a model server, a wire that can be cut, a storage that can fail, and no waiting.
import assert from 'node:assert/strict'
import type { Ack, ClientMessage, Msg, Send, ServerMessage } from '../../protocol/index.ts'
import type { Discontinuity, Effect, LinkState, SendResult, SessionEvent } from '../effects.ts'
import { Session } from '../session.ts'
import { type ClientState, parseState, stringifyState } from '../storage.ts'
import type { Connection } from './model-connection.ts'
import { ModelServer, type ModelOptions } from './model-server.ts'

export interface WorldOptions extends Omit<ModelOptions, 'now' | 'fate'> {
  random: () => number
  maxPending?: number
  /** Default: another one whenever the last one was refused. */
  token?: () => string
}

/** What the session waits for; the world decides when it comes, and whether. */
type Job =
  | { kind: 'token'; attempt: number }
  | { kind: 'open' }
  | { kind: 'save'; state: ClientState }
  | { kind: 'handle'; message: Msg }

export class World {
  nowMs = 0
  readonly server: ModelServer
  session: Session
  readonly #options: WorldOptions
  fate: NonNullable<ModelOptions['fate']> = () => 'answered'
  jobs: Job[] = []
  readonly toServer: ClientMessage[] = []
  readonly toClient: (ServerMessage | { type: 'closed'; code: number })[] = []
  connection: Connection | undefined
  stored: string | undefined
  /** What the application was handed and keeps with the stored state, so that a crash takes both back. */
  handled: Msg[] = []
  discontinuities: Discontinuity[] = []
  readonly settled = new Map<string, SendResult>()
  readonly replies = new Map<number, Extract<Effect, { type: 'reply' }>['result']>()
  readonly states: LinkState[] = []
  readonly retries: number[] = []
  readonly writes: { atMs: number; frame: ClientMessage }[] = []
  readonly opens: number[] = []
  readonly closes: { atMs: number; code: number }[] = []
  #tokens = 1
  readonly #token = () => this.#options.token?.() ?? `token-alice.${this.#tokens}`
  readonly #frames = new Map<string, string>()
  readonly #unanswered = new Map<number, string>()
  #isWelcome = false

  constructor(options: WorldOptions) {
    this.#options = options
    this.server = new ModelServer({ ...options, now: () => this.nowMs, fate: (send) => this.fate(send) })
    this.session = this.#newSession()
  }

  #newSession(): Session {
    const { random, maxPending = 1_000 } = this.#options
    const device = { deviceId: 'laptop', caps: [], isTokenFixed: false }
    return new Session({ now: () => this.nowMs, random, maxPending, maxRequests: 10, ...device })
  }

  /** The process begins, with what the storage holds. */
  start(): void {
    const state = this.stored === undefined ? undefined : parseState(this.stored)
    this.do({ type: 'restored', state })
    this.do({ type: 'connect' })
  }

  /** The process dies: whatever was not stored never happened. */
  crash(): void {
    this.cut(1006)
    this.toClient.length = 0
    this.jobs = []
    const state = this.stored === undefined ? undefined : parseState(this.stored)
    this.handled = this.handled.filter((message) =>
      state?.positions.some(({ conv, epoch, seq = 0 }) => {
        return (
          conv === message.conv && (message.epoch < epoch || (message.epoch === epoch && message.seq <= seq))
        )
      }),
    )
    this.session = this.#newSession()
    this.start()
  }

  do(event: SessionEvent): void {
    for (const effect of this.session.handle(event)) this.#run(effect)
  }

  #run(effect: Effect): void {
    switch (effect.type) {
      case 'get-token':
        if (effect.refused) this.#tokens += 1
        this.jobs.push({ kind: 'token', attempt: effect.attempt })
        break
      case 'open':
        assert.equal(this.connection, undefined, 'a second socket is opened beside the first')
        this.opens.push(this.nowMs)
        this.jobs.push({ kind: 'open' })
        break
      case 'write':
        this.#written(effect.frame)
        break
      case 'close':
        if (this.connection) this.closes.push({ atMs: this.nowMs, code: effect.code })
        this.#disconnect()
        break
      case 'save':
        assert(!this.jobs.some((job) => job.kind === 'save'), 'two saves at a time')
        this.jobs.push({ kind: 'save', state: effect.state })
        break
      case 'deliver':
        if (effect.delivery.type === 'message')
          this.jobs.push({ kind: 'handle', message: effect.delivery.message })
        else this.discontinuities.push(effect.delivery.discontinuity)
        break
      case 'settle':
        this.settled.set(effect.msgId, effect.result)
        break
      case 'reply':
        this.replies.set(effect.key, effect.result)
        break
      case 'notice':
        if (effect.notice.type !== 'state') break
        this.states.push(effect.notice.status.state)
        if (effect.notice.status.state === 'backoff')
          this.retries.push(effect.notice.status.retryInMs ?? Number.NaN)
    }
  }

  #written(frame: ClientMessage): void {
    assert(this.connection, `${frame.type} is written without a connection`)
    this.writes.push({ atMs: this.nowMs, frame })
    if (!this.#isWelcome) assert.match(frame.type, /hello|ping|pong/, 'before welcome')
    if ('id' in frame && frame.id !== undefined) {
      assert(!this.#unanswered.has(frame.id), `request id ${frame.id} is used twice`)
      this.#unanswered.set(frame.id, frame.type)
    }
    if (frame.type === 'send') this.#checkSend(frame)
    if (frame.type === 'ack') this.#checkAck(frame)
    this.toServer.push(frame)
  }

  /** Only what is stored may be acknowledged. */
  #checkAck({ conv, epoch, seq }: Ack): void {
    const state = this.stored === undefined ? undefined : parseState(this.stored)
    const position = state?.positions.find((one) => one.conv === conv)
    assert(
      position?.epoch === epoch && (position.seq ?? 0) >= seq,
      `${conv} ${seq} is acknowledged, not stored`,
    )
  }

  #checkSend(frame: Send): void {
    const { id: _, ...rest } = frame
    const text = JSON.stringify(rest)
    assert.equal(this.#frames.get(frame.msgId) ?? text, text, 'a repeat differs from the first frame')
    this.#frames.set(frame.msgId, text)
    assert(this.stored?.includes(frame.msgId), 'a message is written before it is stored')
    const sends = [...this.#unanswered.values()].filter((type) => type === 'send').length
    assert(sends <= this.server.limits.sendWindow, 'more sends than the window allows')
  }

  /** Does what the session waits for, oldest of its kind first; false if it fails. */
  job(kind: Job['kind'], { succeeds = true } = {}): boolean {
    const index = this.jobs.findIndex((job) => job.kind === kind)
    const [job] = index < 0 ? [] : this.jobs.splice(index, 1)
    if (!job) return false
    if (job.kind === 'token') {
      const { attempt } = job
      this.do(
        succeeds
          ? { type: 'token', attempt, token: this.#token() }
          : { type: 'no-token', attempt, message: '' },
      )
    } else if (job.kind === 'open') {
      if (succeeds) this.#connect()
      else this.do({ type: 'closed', code: 1006, message: '' })
    } else if (job.kind === 'save') {
      if (succeeds) this.stored = stringifyState(job.state)
      this.do(succeeds ? { type: 'saved' } : { type: 'not-saved', message: '' })
    } else this.#handle(job.message)
    return true
  }

  #connect(): void {
    this.connection = this.server.connect({
      write: (frame) => this.toClient.push(frame),
      close: (code) => this.toClient.push({ type: 'closed', code }),
    })
    this.do({ type: 'opened' })
  }

  #handle(message: Msg): void {
    this.handled.push(message)
    const { conv, epoch, seq } = message
    this.do({ type: 'handled', conv, epoch, seq })
  }

  /** The next frame arrives at the server. */
  stepServer(): boolean {
    const frame = this.toServer.shift()
    if (frame) this.connection?.take(frame)
    return frame !== undefined
  }

  /** The next frame arrives at the client. */
  stepClient(): boolean {
    const frame = this.toClient.shift()
    if (!frame) return false
    if (frame.type === 'closed') {
      this.cut(frame.code)
      return true
    }
    if (frame.type === 'welcome') this.#isWelcome = true
    if ('id' in frame && frame.id !== undefined) this.#unanswered.delete(frame.id)
    this.do({ type: 'frame', frame })
    return true
  }

  /** The connection breaks; what was on its way is gone. */
  cut(code: number): void {
    if (!this.connection) return
    this.#disconnect()
    this.do({ type: 'closed', code, message: '' })
  }

  #disconnect(): void {
    this.jobs = this.jobs.filter((job) => job.kind !== 'open')
    const connection = this.connection
    this.connection = undefined
    this.#isWelcome = false
    this.#unanswered.clear()
    this.toServer.length = 0
    this.toClient.length = 0
    connection?.gone()
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms
    for (let guard = 0; ; guard++) {
      const wakeAtMs = this.session.wakeAtMs()
      if (wakeAtMs > untilMs) break
      assert(guard < 10_000, 'the session wakes up without end')
      this.nowMs = Math.max(this.nowMs, wakeAtMs)
      this.do({ type: 'tick' })
    }
    this.nowMs = untilMs
  }

  /** Everything that can happen without time passing. */
  settle(): void {
    for (let guard = 0; guard < 100_000; guard++) {
      const isDone =
        !this.stepServer() &&
        !this.stepClient() &&
        !this.job('token') &&
        !this.job('open') &&
        !this.job('save') &&
        !this.job('handle')
      if (isDone) return
    }
    assert.fail('the session does not come to rest')
  }

  /** A healthy world for so long. */
  run(ms: number): void {
    const untilMs = this.nowMs + ms
    this.settle()
    while (this.nowMs < untilMs) {
      this.pass(Math.max(0, Math.min(untilMs, this.session.wakeAtMs()) - this.nowMs))
      this.settle()
    }
  }

  /** Another user, whose messages come out of nowhere. */
  peer(user: string): Connection {
    const connection = this.server.connect({ write: () => {}, close: () => {} })
    connection.take({ type: 'hello', id: 1, token: `token-${user}`, deviceId: 'phone' })
    return connection
  }
}
