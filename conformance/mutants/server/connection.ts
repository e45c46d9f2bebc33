// One WebSocket as the server sees it: what it knows of its session, writing frames, saying good-bye.
import { randomUUID } from 'node:crypto'
import type { WebSocket } from 'ws'
import {
  type CloseName,
  cborCodec,
  closes,
  type Encoding,
  type ErrorName,
  errors,
  type Heartbeat,
  jsonCodec,
  type ServerMessage,
} from '../../../protocol/index.ts'
import { grant } from './options.ts'
import { embellish, respelled, spread, strangeFrame } from './oddities.ts'
import { Bucket } from './rates.ts'
import type { ChatServer } from './server.ts'
import type { Stream, Task } from './streams.ts'
import type { Identity } from './tokens.ts'

/** [ERR-10] More refused frames than this within a minute end a connection. */
const mostRefused = 100
const refusedWithinMs = 60_000

export class Connection {
  state: 'open' | 'replaying' | 'live' | 'closing' = 'open'
  identity: Identity | undefined
  deviceId = ''
  readonly sessionId: string
  /** Optional features in force. */
  wantsPresence = false
  wantsReceipts = false
  readonly streams = new Map<string, Stream>()
  /** Replays that are due, in order. */
  readonly tasks: Task[] = []
  inFlight = 0
  exhaustedSinceMs: number | undefined
  heartbeat: Heartbeat = grant()
  heardAtMs = performance.now()
  firstPingAtMs = Number.POSITIVE_INFINITY
  lastPingAtMs: number | undefined
  isResumed = false
  isEnding = false
  /** [M40] Not subscribed yet. */
  isLate = false
  /** [M141] */
  isDeafOnce = false
  readonly openedAtMs = performance.now()
  unanswered = 0
  /** [M04] [M142] What is counted for each connection alone. */
  readonly ownIds = new Map<string, unknown>()
  readonly ownSends: Bucket
  readonly encoding: Encoding
  readonly socket: WebSocket
  readonly server: ChatServer
  /** [M75] The token in the URL. */
  readonly urlToken: string | undefined
  readonly #refusedAtMs: number[] = []
  #held: (string | Uint8Array)[] | undefined
  #holding: NodeJS.Timeout | undefined

  constructor(server: ChatServer, socket: WebSocket, encoding: Encoding, urlToken?: string) {
    const { sendRatePerSecond, sendBurst } = server.options.limits
    this.server = server
    this.socket = socket
    this.encoding = encoding
    this.urlToken = urlToken
    this.sessionId = server.has('B12') ? `session/${randomUUID()}/${'~'.repeat(60)}` : randomUUID()
    this.ownSends = new Bucket(sendRatePerSecond, sendBurst)
  }

  /** The user. @throws Error before `hello` */
  get user(): string {
    if (!this.identity) throw new Error('no session yet')
    return this.identity.sub
  }

  /** How the disk names the device. */
  get device(): string {
    return `${this.user} ${this.deviceId}`
  }

  get isOpen(): boolean {
    return this.state !== 'closing' && this.socket.readyState === this.socket.OPEN
  }

  get hasSession(): boolean {
    return this.state === 'replaying' || this.state === 'live'
  }

  write(frame: ServerMessage): void {
    if (!this.isOpen) return
    if (this.server.has('M50')) this.heardAtMs = performance.now()
    const { has } = this.server
    const nowMs = has('M164') ? 0 : Date.now()
    let data = this.encoding === 'json' ? jsonCodec.encode(frame, nowMs) : cborCodec.encode(frame, nowMs)
    if (has('B03')) data = embellish(data)
    if (has('B03') && frame.type === 'msg') this.#put(strangeFrame(this.encoding))
    if (has('B12')) data = spread(data)
    if (has('B31') && typeof data === 'string') data = respelled(data, this.server.options.limits.maxFrame)
    const isLate = (has('M88') && frame.type === 'msg') || (has('B19') && frame.type !== 'pong')
    if (isLate || has('B02')) this.#hold(data)
    else this.#put(data)
  }

  /** Answers a request that failed. */
  refuse(
    name: ErrorName,
    message: string,
    more: { id?: number; msgId?: string; retryAfterMs?: number } = {},
  ): void {
    const { code, retryable } = errors[name]
    const shown = this.server.has('M137')
      ? { code, name: 'ERROR', retryable: !retryable }
      : { code, name, retryable }
    this.write({ type: 'error', ...shown, message: message.slice(0, 256), ...more })
    if (this.server.has('M97') && more.msgId) this.write({ type: 'error', ...shown, message, ...more })
    if (code === 101 || code === 105 || code === 107 || code === 202) this.#countRefused()
  }

  /** The last word, and the close behind it. */
  bye(name: CloseName, reason: string, retryAfterMs?: number): void {
    if (this.state === 'closing' || this.isEnding) return
    const { code, reconnect } = closes[name]
    if (!this.server.has('M138'))
      this.write({
        type: 'bye',
        code,
        reason,
        reconnect,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      })
    this.flush()
    this.isEnding = true
    // [M140] The close comes later, and what is answered meanwhile before it.
    if (this.server.has('M140')) setTimeout(() => this.#end(code, reason), 40)
    else this.#end(code, reason)
  }

  #end(code: number, reason: string): void {
    this.state = 'closing'
    this.server.left(this)
    if (this.server.has('M179')) this.socket.close(code >= 4500 ? 1011 : code)
    else this.socket.close(code, this.server.has('B08') ? reason : '')
    if (this.server.has('M63')) this.server.reset(this)
  }

  /** Writes what was held back. */
  flush(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const data of held) this.#put(data)
  }

  /** [B02] Frames are gathered for some milliseconds, [M88] or until no more come for a while. */
  #hold(data: string | Uint8Array): void {
    const isLate = this.server.has('M88')
    if (isLate) clearTimeout(this.#holding)
    if (!this.#held || isLate) this.#holding = setTimeout(() => this.flush(), isLate ? 300 : 15)
    this.#held = [...(this.#held ?? []), data]
  }

  #put(data: string | Uint8Array): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(data)
  }

  #countRefused(): void {
    const nowMs = performance.now()
    this.#refusedAtMs.push(nowMs)
    while ((this.#refusedAtMs[0] ?? nowMs) < nowMs - refusedWithinMs) this.#refusedAtMs.shift()
    if (this.#refusedAtMs.length > mostRefused && !this.server.has('M139'))
      this.bye('TOO_MANY_ERRORS', 'too many frames were refused')
  }
}
