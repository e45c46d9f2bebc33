// The life of the connection: connecting, greeting, living, draining, waiting, stopping. Knows no messages.
import {
  closes,
  type Cursor,
  type Drain,
  type ErrorFrame,
  type Heartbeat,
  type Limits,
  type Milliseconds,
  type Network,
  type RequestId,
  type Welcome,
} from '../protocol/index.ts'
import type { Effect, LinkState, Status } from './effects.ts'
import { Liveness } from './heartbeat.ts'
import { helloOf } from './hello.ts'
import { Backoff, type Ending, ownCloses, type Reason, reconnectTimes } from './reconnect.ts'
import { TokenLife } from './token-life.ts'

export const linkTimes = {
  /** From the attempt to its `welcome`. */
  connectMs: 15_000,
} as const

export interface LinkOptions {
  deviceId: string
  caps: readonly string[]
  /** The provider is a constant: asking it again gives nothing new. */
  isTokenFixed: boolean
  network?: Network
  client?: { name: string; version: string }
}

/** What the rest of the session does for the link. */
export interface LinkPeers {
  random: () => number
  nextId: () => RequestId
  out: (effect: Effect) => void
  /** A connection begins: where to continue. */
  cursors: () => Cursor[]
  /** A connection that had its `welcome` is gone. */
  lost: () => void
  refresh: (token: string) => void
  /** There will be no connection, unless the application asks for one. */
  over: () => void
}

const never = Number.POSITIVE_INFINITY

export class Link {
  readonly #options: LinkOptions
  readonly #peers: LinkPeers
  readonly #backoff: Backoff
  #state: LinkState = 'idle'
  #network: Network | undefined
  #isClosed = false
  /** Numbers the requests for a token, so that a late answer is known as one. */
  #attempt = 0
  #helloId: RequestId = 0
  /** When the state ends by itself: the attempt is given up, the retry is made, the drained server is left. */
  #untilMs = never
  #liveSinceMs = never
  #caughtUp = 0
  #liveness: Liveness | undefined
  readonly #token: TokenLife
  #pings = 0
  #skipsResume = false
  #welcome: Welcome | undefined
  #reason: Reason | undefined

  constructor(options: LinkOptions, peers: LinkPeers) {
    this.#options = options
    this.#peers = peers
    this.#backoff = new Backoff(peers.random)
    this.#token = new TokenLife({ isFixed: options.isTokenFixed })
    this.#network = options.network
  }

  get state(): LinkState {
    return this.#state
  }

  /** After `welcome`: requests are allowed. */
  get isWelcome(): boolean {
    return this.#state === 'replaying' || this.isLive
  }

  /** Nothing will happen by itself. */
  get isOver(): boolean {
    return this.#isClosed || this.#state === 'stopped'
  }

  /** Sends are allowed. */
  get isLive(): boolean {
    return this.#state === 'live' || this.#state === 'draining'
  }

  get limits(): Limits | undefined {
    return this.#welcome?.limits
  }

  status(nowMs: number): Status {
    const status: Status = { state: this.#state }
    const waits = this.#state === 'backoff' || this.#state === 'draining'
    if (waits) status.retryInMs = Math.max(0, this.#untilMs - nowMs)
    if (this.#reason && (this.#state === 'backoff' || this.#state === 'stopped')) status.reason = this.#reason
    if (this.isLive) status.caughtUp = this.#caughtUp
    if (this.#welcome && this.isWelcome) {
      status.userId = this.#welcome.userId
      status.limits = this.#welcome.limits
      status.caps = this.#welcome.caps
    }
    return status
  }

  connect(nowMs: number): void {
    if (this.#isClosed || !['idle', 'stopped', 'backoff'].includes(this.#state)) return
    this.#attempt += 1
    this.#become('connecting', nowMs, nowMs + linkTimes.connectMs)
    this.#peers.out({ type: 'get-token', attempt: this.#attempt, refused: this.#token.isRefused })
  }

  /** Until `connect`. */
  disconnect(nowMs: number): void {
    this.#leave(ownCloses.NORMAL, nowMs)
    this.#become('idle', nowMs, never)
  }

  /** For good: what is pending stays in the storage. */
  close(nowMs: number): void {
    this.#isClosed = true
    this.disconnect(nowMs)
    this.#peers.over()
  }

  token(attempt: number, token: string, nowMs: number): void {
    if (attempt !== this.#attempt || (this.#state !== 'connecting' && !this.isWelcome)) return
    const isNew = this.#token.replace(token)
    if (this.isWelcome) this.#peers.refresh(token)
    else if (isNew) this.#peers.out({ type: 'open' })
    else {
      const { code, name } = closes.TOKEN_EXPIRED
      const reason = { code, name, message: 'the token expired and there is no newer one' }
      this.end({ reason, policy: this.#options.isTokenFixed ? 'never' : 'backoff' }, nowMs)
    }
  }

  noToken(attempt: number, message: string, nowMs: number): void {
    if (attempt !== this.#attempt || this.isWelcome) return
    this.end({ reason: { name: 'NO_TOKEN', message }, policy: 'backoff' }, nowMs)
  }

  opened(nowMs: number): void {
    if (this.#state !== 'connecting') return
    this.#helloId = this.#peers.nextId()
    const cursors = this.#peers.cursors()
    const hello = helloOf(this.#options, {
      id: this.#helloId,
      token: this.#token.token,
      network: this.#network,
      sessionId: this.#welcome?.sessionId,
      cursors: this.#skipsResume ? [] : cursors,
    })
    this.#become('hello-sent', nowMs, this.#untilMs)
    this.#peers.out({ type: 'write', frame: hello })
  }

  /** Any frame at all. */
  heard(nowMs: number): void {
    this.#liveness?.heard(nowMs)
  }

  /** True if it is the answer to our `hello`. */
  welcome(frame: Welcome, nowMs: number): boolean {
    if (this.#state !== 'hello-sent' || frame.id !== this.#helloId) return false
    this.#welcome = frame
    this.#token.accepted(frame, nowMs)
    this.#skipsResume = false
    this.#liveness = new Liveness(frame.heartbeat, nowMs)
    this.#become('replaying', nowMs, never)
    return true
  }

  /** True if the error was the answer to our `hello`: perhaps a cursor names what is no longer ours. */
  helloRefused({ id, code, name, message, retryAfterMs }: ErrorFrame, nowMs: number): boolean {
    if (this.#state !== 'hello-sent' || id !== this.#helloId) return false
    this.#skipsResume = true
    const waits = retryAfterMs === undefined ? {} : { retryAfterMs }
    this.end({ reason: { code, name, message }, policy: 'backoff', ...waits }, nowMs)
    return true
  }

  live(caughtUp: number, nowMs: number): void {
    if (this.#state !== 'replaying') return
    this.#caughtUp = caughtUp
    this.#liveSinceMs = nowMs
    this.#become('live', nowMs, never)
  }

  drain({ reconnectMinMs, reconnectMaxMs }: Drain, nowMs: number): void {
    if (this.#state !== 'live' && this.#state !== 'replaying') return
    const spreadMs = Math.max(0, reconnectMaxMs - reconnectMinMs)
    this.#become('draining', nowMs, nowMs + reconnectMinMs + this.#peers.random() * spreadMs)
  }

  renegotiate(terms: Heartbeat): void {
    this.#liveness?.renegotiate(terms)
  }

  network(network: Network): void {
    this.#network = network
  }

  renewed(expiresAt: Milliseconds, nowMs: number): void {
    this.#token.renewed(expiresAt, nowMs)
  }

  /** The connection, or the attempt, is over. */
  end({ reason, policy, retryAfterMs }: Ending, nowMs: number): void {
    if (this.#state === 'idle' || this.#state === 'stopped' || this.#state === 'backoff') return
    const leftAtMs = this.#state === 'draining' ? this.#untilMs : 0
    if (reason.code === closes.TOKEN_EXPIRED.code) this.#token.refused()
    if (policy === 'never') {
      this.stop(reason, nowMs)
      return
    }
    this.#leave(reason, nowMs)
    this.#reason = reason
    const drawnMs = Math.max(leftAtMs, nowMs + (retryAfterMs ?? 0))
    const atMs = leftAtMs > nowMs ? drawnMs : nowMs + this.#backoff.nextMs(policy, retryAfterMs)
    this.#become('backoff', nowMs, atMs)
  }

  /** Going on makes no sense, whatever the server would say. */
  stop(reason: Reason, nowMs: number): void {
    if (this.#isClosed) return
    this.#leave(reason, nowMs)
    this.#reason = reason
    this.#become('stopped', nowMs, never)
    this.#peers.over()
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#untilMs) this.#timeIsUp(nowMs)
    if (!this.isWelcome) return
    const due = this.#liveness?.check(nowMs)
    if (due === 'dead') {
      this.end({ reason: ownCloses.SERVER_SILENT, policy: 'now' }, nowMs)
      return
    }
    if (due === 'ping') {
      this.#pings += 1
      this.#peers.out({ type: 'write', frame: { type: 'ping', n: this.#pings } })
    }
    if (nowMs < this.#token.renewAtMs) return
    this.#token.renewing(nowMs)
    this.#attempt += 1
    this.#peers.out({ type: 'get-token', attempt: this.#attempt, refused: false })
  }

  deadlineMs(): number {
    if (!this.isWelcome) return this.#untilMs
    return Math.min(this.#untilMs, this.#token.renewAtMs, this.#liveness?.deadlineMs() ?? never)
  }

  #timeIsUp(nowMs: number): void {
    if (this.#state === 'backoff') {
      this.connect(nowMs)
      return
    }
    if (this.#state === 'draining') {
      // All that is pending is written again elsewhere, under the same msgIds; nothing is lost by leaving now.
      this.#leave(ownCloses.NORMAL, nowMs)
      this.#state = 'backoff'
      this.connect(nowMs)
      return
    }
    this.end({ reason: ownCloses.UNRESPONSIVE, policy: 'backoff' }, nowMs)
  }

  #leave(reason: Reason, nowMs: number): void {
    if (nowMs - this.#liveSinceMs >= reconnectTimes.stableMs) this.#backoff.reset()
    const hadWelcome = this.isWelcome
    const hadSocket = hadWelcome || this.#state === 'connecting' || this.#state === 'hello-sent'
    this.#attempt += 1
    this.#liveness = undefined
    this.#token.offline()
    this.#liveSinceMs = never
    if (hadSocket) this.#peers.out({ type: 'close', code: reason.code ?? 1000, message: reason.name })
    if (hadWelcome) this.#peers.lost()
  }

  #become(state: LinkState, nowMs: number, untilMs: number): void {
    this.#state = state
    this.#untilMs = untilMs
    this.#peers.out({ type: 'notice', notice: { type: 'state', status: this.status(nowMs) } })
  }
}
