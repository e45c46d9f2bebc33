// The verbs of chatspec/1 on one connection: each says what has to come back, and finds fault if it does not.
import {
  closes,
  type Content,
  type Cursor,
  type HeartbeatRequest,
  type Hello,
  type History,
  type Message,
  type Msg,
  type Network,
  type Send,
  type ServerMessage,
  type Welcome,
} from '../protocol/index.ts'
import { randomInt, randomUUID } from 'node:crypto'
import { fail, Finding, unknown } from './outcome.ts'
import type { FrameOf, Reply } from './match.ts'
import { quiet } from './deadline.ts'
import { describeEnd } from './ending.ts'
import type { User } from './observer.ts'
import { Probe, type ProbeOptions } from './probe.ts'
import { summarize } from './trace.ts'

export interface SessionOptions extends ProbeOptions {
  /** Replace what `welcome` declares. */
  capabilities?: readonly string[]
}

export type HelloOptions = Partial<Omit<Hello, 'type'>> & { token: string }
export type SendOptions = Partial<Pick<Send, 'msgId' | 'contentType' | 'clientTime' | 'meta'>>
export type HistoryQuery = Partial<Omit<History, 'type' | 'id' | 'conv'>>
export type Position = Pick<Message, 'conv' | 'epoch' | 'seq'>
export type Target = User | Session | string

const protectiveCodes: ReadonlySet<number> = new Set(
  [closes.RATE_LIMITED, closes.DRAINING, closes.TRY_AGAIN_LATER].map(({ code }) => code),
)
/** Without the capability `fence`: a connection that was quiet for so long is taken to be empty. */
const quietMs = 300

export class Session extends Probe {
  #welcome: Welcome | undefined
  #capabilities: readonly string[] | undefined
  #fencedAt = 0

  constructor(options: SessionOptions) {
    super(options)
    this.#capabilities = options.capabilities
  }

  /** What the server promised. @throws Error before `hello` was answered */
  get welcome(): Welcome {
    if (!this.#welcome) throw new Error(`${this.label} has no welcome yet`)
    return this.#welcome
  }

  /** True between `welcome` and the end of the connection. */
  get isLive(): boolean {
    return this.#welcome !== undefined && !this.wire.end
  }

  /** What `welcome` declares, or what the target says instead: `name` or `name=value`. */
  get caps(): readonly string[] {
    return this.#capabilities ?? this.#welcome?.caps ?? []
  }

  // ---- opening ----

  /** Writes `hello` and waits for nothing: for those that should be turned away. */
  sayHello(hello: HelloOptions): void {
    this.write({ type: 'hello', id: this.nextId(), deviceId: this.deviceId, ...hello })
  }

  /** Writes `hello` and gives the answer, whatever it is. */
  requestHello(hello: HelloOptions): Promise<Reply> {
    return this.request({ type: 'hello', deviceId: this.deviceId, ...hello })
  }

  /** Writes `hello`, waits for `welcome` and, behind the replay, for `live`. */
  hello(hello: HelloOptions): Promise<Welcome> {
    return quiet(this.#hello(hello))
  }

  async #hello(hello: HelloOptions): Promise<Welcome> {
    const welcome = accepted(
      await this.requestHello(hello).catch((error: unknown) => this.#protective(error)),
      'welcome',
    )
    this.#welcome = welcome
    await this.next('live', {}, { rule: 'OFF-16' })
    return welcome
  }

  /** [VAR-20] A server may turn away a session while it protects itself: nothing to blame, nothing to judge. */
  #protective(error: unknown): never {
    const { end } = this.wire
    if (!end || !protectiveCodes.has(end.code)) throw error
    throw new Finding(unknown(`the server takes no sessions for now: ${describeEnd(end)}`))
  }

  // ---- messages ----

  /** Writes `send` under a new msgId, to a user or a conversation, and gives the answer, whatever it is. */
  send(to: Target | { conv: string }, content: Content = 'hi', options: SendOptions = {}): Promise<Reply> {
    const where = typeof to === 'object' && 'conv' in to ? { conv: to.conv } : { to: idOf(to) }
    return this.request({ type: 'send', msgId: randomUUID(), ...where, content, ...options })
  }

  /** A direct message that has to be accepted. */
  dm(to: Target, content?: Content, options?: SendOptions): Promise<FrameOf<'sent'>> {
    return this.#expect(this.send(to, content, options), 'sent')
  }

  /** A message to a conversation that has to be accepted. */
  say(conv: string, content?: Content, options?: SendOptions): Promise<FrameOf<'sent'>> {
    return this.#expect(this.send({ conv }, content, options), 'sent')
  }

  /** The delivery of one message, found by its msgId. */
  delivery({ msgId }: { msgId: string }): Promise<Msg> {
    return this.next('msg', { msgId })
  }

  /** Acknowledges up to a message, and waits for `ok`. */
  ack({ conv, epoch, seq }: Position): Promise<FrameOf<'ok'>> {
    return this.#expect(this.request({ type: 'ack', conv, epoch, seq }), 'ok')
  }

  /** Marks as read up to a message, and waits for `ok`. */
  read({ conv, epoch, seq }: Position): Promise<FrameOf<'ok'>> {
    return this.#expect(this.request({ type: 'read', conv, epoch, seq }), 'ok')
  }

  // ---- groups ----

  /** Joins, or with `user` adds somebody. */
  join(conv: string, user?: Target): Promise<FrameOf<'ok'>> {
    return this.#expect(this.request({ type: 'join', conv, ...(user && { user: idOf(user) }) }), 'ok')
  }

  /** Leaves, or with `user` removes somebody. */
  leave(conv: string, user?: Target): Promise<FrameOf<'ok'>> {
    return this.#expect(this.request({ type: 'leave', conv, ...(user && { user: idOf(user) }) }), 'ok')
  }

  // ---- the past ----

  get #pageLimit(): number {
    return Math.min(100, this.welcome.limits.historyMaxLimit)
  }

  /** One page, oldest first unless the query says otherwise. */
  history(conv: string, query: HistoryQuery = {}): Promise<FrameOf<'page'>> {
    return this.#expect(
      this.request({ type: 'history', conv, order: 'asc', limit: this.#pageLimit, ...query }),
      'page',
    )
  }

  /** All pages of a query, in its order. */
  wholeHistory(conv: string, query: HistoryQuery = {}): Promise<Message[]> {
    return quiet(this.#wholeHistory(conv, query))
  }

  async #wholeHistory(conv: string, query: HistoryQuery): Promise<Message[]> {
    const items: Message[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await this.history(conv, { ...query, ...(cursor && { cursor }) })
      items.push(...page.items)
      if (page.nextCursor === undefined) return items
      if (page.nextCursor === cursor)
        throw wrong('a cursor that moves on', `the same nextCursor twice: ${cursor}`)
      cursor = page.nextCursor
    }
  }

  /** Catches up from `cursors`; gives what came between the request and its `live`. */
  sync(
    cursors: readonly Cursor[],
    limit = this.#pageLimit,
  ): Promise<{ msgs: Msg[]; synced: FrameOf<'synced'>[] }> {
    return quiet(this.#sync(cursors, limit))
  }

  async #sync(
    cursors: readonly Cursor[],
    limit: number,
  ): Promise<{ msgs: Msg[]; synced: FrameOf<'synced'>[] }> {
    const since = this.received.length
    const id = this.nextId()
    accepted(await this.request({ type: 'sync', id, cursors, limit }), 'live')
    const upTo = this.received.findIndex((frame) => frame.type === 'live' && frame.id === id)
    const between = this.received.slice(since, upTo)
    return {
      msgs: between.filter((frame) => frame.type === 'msg'),
      synced: between.filter((frame) => frame.type === 'synced' && frame.id === id) as FrameOf<'synced'>[],
    }
  }

  // ---- the session itself ----

  refresh(token: string): Promise<FrameOf<'ok'>> {
    return this.#expect(this.request({ type: 'refresh', token }), 'ok')
  }

  network(network: Network, heartbeat?: HeartbeatRequest): Promise<FrameOf<'ok'>> {
    return this.#expect(this.request({ type: 'network', network, ...(heartbeat && { heartbeat }) }), 'ok')
  }

  /** A `ping` with a nonce of its own, and the `pong` that carries it. */
  ping(n = randomInt(2 ** 47)): Promise<FrameOf<'pong'>> {
    this.write({ type: 'ping', n })
    const isIt = (frame: ServerMessage): frame is FrameOf<'pong'> => frame.type === 'pong' && frame.n === n
    return this.take(isIt, `pong n=${n}`, { rule: 'HB-01' })
  }

  /**
   * Everything that arrived since the last fence (or since the beginning), once all that was queued to this
   * connection has come through. Without the capability `fence` a message of our own to `conv` takes its
   * place (its `sent` comes behind all deliveries of that conversation), and then a quiet while.
   */
  fence(conv?: string): Promise<ServerMessage[]> {
    return quiet(this.#fence(conv))
  }

  async #fence(conv: string | undefined): Promise<ServerMessage[]> {
    if (this.caps.includes('fence')) await this.ping()
    else {
      if (conv) await this.say(conv, 'sentinel')
      else await this.ping()
      await this.#quietFor(quietMs)
    }
    const since = this.#fencedAt
    this.#fencedAt = this.received.length
    return this.received.slice(since)
  }

  async #quietFor(ms: number): Promise<void> {
    for (let count = -1; count !== this.received.length; ) {
      count = this.received.length
      await this.wire.ended(ms)
    }
  }

  #expect<T extends Reply['type']>(reply: Promise<Reply>, type: T): Promise<FrameOf<T>> {
    return quiet(reply.then((frame) => accepted(frame, type)))
  }
}

function accepted<T extends Reply['type']>(reply: Reply, type: T): FrameOf<T> {
  if (reply.type !== type) throw wrong(type, summarize(reply))
  return reply as FrameOf<T>
}

function wrong(expected: string, actual: string): Finding {
  return new Finding(fail(expected, actual))
}

function idOf(who: Target): string {
  if (typeof who === 'string') return who
  return who instanceof Session ? who.user.id : who.id
}
