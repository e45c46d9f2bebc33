// What an application holds in its hands: events, messages out, questions, and the way in and out.
import { ChatspecError, type Network, type Page, type Seq } from '../protocol/index.ts'
import type { Notice, RequestFrame, RequestResult, SendResult, Status } from './effects.ts'
import { Emitter, type Listener } from './emitter.ts'
import { Handover } from './handover.ts'
import {
  type ClientEvents,
  type ClientOptions,
  checkHistory,
  checkOptions,
  checkRead,
  checkSend,
  type HistoryQuery,
  type MembershipResult,
  type NewMessage,
  type SendHandle,
} from './options.ts'
import { Runner, type Told } from './runner.ts'
import type { PendingSend } from './storage.ts'

/** @throws ChatspecError BAD_OPTION */
export function createClient(options: ClientOptions): Client {
  checkOptions(options)
  return new Client(options)
}

export class Client {
  readonly #emitter = new Emitter<ClientEvents>()
  readonly #runner: Runner
  readonly #handover: Handover
  readonly #sends = new Map<string, { handle: SendHandle; settle: (result: SendResult) => void }>()
  readonly #replies = new Map<number, (result: RequestResult) => void>()
  #requests = 0
  #closed: Promise<void> | undefined
  /** Wished for by `disconnect`. */
  #isOffline = false
  #whenIdle: (() => void)[] = []

  constructor(options: ClientOptions) {
    const runner = new Runner(options, (told) => this.#told(told))
    this.#runner = runner
    this.#handover = new Handover({
      emitter: this.#emitter,
      handled: ({ conv, epoch, seq }) => runner.dispatch({ type: 'handled', conv, epoch, seq }),
      failed: (cause) => runner.fail('LISTENER_FAILED', cause),
    })
  }

  get status(): Status {
    return this.#runner.session.status()
  }

  /** Messages without an answer, oldest first; after a restart also those of the time before, once `state` was heard. */
  get pending(): PendingSend[] {
    return this.#runner.session.pending()
  }

  /**
   * A listener of `message` may return a promise: the next message comes, and this one's place is stored and
   * acknowledged, only when it has resolved. Without such a listener messages wait. If it fails, the client stops.
   */
  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    const off = this.#emitter.on(name, listener)
    this.#handover.resume()
    return off
  }

  /**
   * Connects and stays connected until `disconnect` or `close`, or until going on makes no sense: then `stopped` says
   * why, and `connect` tries again.
   * @throws ChatspecError CLOSED
   */
  connect(): void {
    if (this.#closed) throw new ChatspecError('CLOSED', 'this client was closed; create another')
    this.#isOffline = false
    this.#runner.connect()
  }

  /**
   * Goes offline until `connect`, and acknowledges before what was handled. Nothing is lost: messages and requests
   * wait, also new ones, and no message is handed over meanwhile. Resolves in the state `idle`.
   */
  disconnect(): Promise<void> {
    if (this.#closed) return this.#closed
    this.#isOffline = true
    this.#handover.pause()
    const idle = this.#idle()
    this.#runner.disconnect()
    return idle
  }

  /** In `backoff`: tries again now. */
  retry(): void {
    this.#runner.dispatch({ type: 'retry' })
  }

  /**
   * Ends this client for good: waits for the message that is being handled (so a listener of `message` must not await
   * it), stores what there is to store and leaves. What is pending stays in the storage for the next client.
   */
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
    let settle: (result: SendResult) => void = () => {}
    const result = new Promise<SendResult>((resolve) => {
      settle = resolve
    })
    const handle = { msgId: send.msgId, result }
    this.#sends.set(send.msgId, { handle, settle })
    this.#runner.dispatch({ type: 'send', send })
    return handle
  }

  /**
   * Pages of a conversation's log; newest first unless `order` says otherwise.
   * @throws ChatspecError with the name of the server's error, BAD_REQUEST, STOPPED or CLOSED
   */
  async *history(query: HistoryQuery): AsyncGenerator<Page, void, void> {
    checkHistory(query)
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

  /**
   * The user has seen everything up to `seq`.
   * @throws ChatspecError BAD_REQUEST
   */
  read(conv: string, seq: Seq): void {
    checkRead(seq)
    this.#runner.dispatch({ type: 'read', conv, seq })
  }

  setNetwork(network: Network): void {
    this.#runner.dispatch({ type: 'network', network })
  }

  async #close(): Promise<void> {
    await this.#handover.stop()
    const idle = this.#idle()
    this.#runner.close()
    await idle
    this.#runner.stop()
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => this.#whenIdle.push(resolve))
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
      this.#runner.dispatch({ type: 'request', key, frame })
    })
  }

  #told(told: Told): void {
    switch (told.type) {
      case 'deliver':
        this.#handover.add(told.delivery)
        break
      case 'settle':
        this.#settle(told)
        break
      case 'reply':
        this.#replies.get(told.key)?.(told.result)
        this.#replies.delete(told.key)
        break
      case 'notice':
        this.#notice(told.notice)
    }
  }

  #settle({ msgId, result }: Extract<Told, { type: 'settle' }>): void {
    this.#sends.get(msgId)?.settle(result)
    this.#sends.delete(msgId)
    if (result.ok) this.#emitter.emit('sent', result.sent)
    else this.#emitter.emit('refused', { msgId, error: result.error })
  }

  #notice(notice: Notice): void {
    switch (notice.type) {
      case 'state':
        this.#state(notice.status)
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

  #state(status: Status): void {
    this.#emitter.emit('state', status)
    if (status.state === 'stopped' && status.reason) this.#emitter.emit('stopped', status.reason)
    // Not before: a listener that fails and connects at once would fail without end.
    if (status.state === 'replaying' && !this.#isOffline) this.#handover.start()
    if (status.state === 'idle') for (const resolve of this.#whenIdle.splice(0)) resolve()
  }
}
