// The client as a pure state machine: events in, effects out; socket, clock, storage and randomness are handed in.
import type { ClientMessage, ErrorFrame, Live, Msg, ServerMessage } from '../protocol/index.ts'
import type { ApplicationEvent, Effect, Notice, SessionEvent, SessionFrame, Status } from './effects.ts'
import { Errands, tooMany } from './errands.ts'
import { createIds } from './ids.ts'
import { Link, type LinkOptions } from './link.ts'
import { Mail } from './mail.ts'
import { endingOf, ownCloses, type Reason } from './reconnect.ts'
import type { PendingSend } from './storage.ts'

export interface SessionOptions extends LinkOptions {
  now: () => number
  random: () => number
  /** Messages without an answer, and other requests without one, that are kept; more are refused. */
  maxPending: number
  maxRequests: number
}

export class Session {
  readonly #options: SessionOptions
  readonly #link: Link
  readonly #mail: Mail
  readonly #errands: Errands
  readonly #nextId = createIds()
  #effects: Effect[] = []
  #nowMs = 0
  /** New messages since the last `welcome`, until its `live`. */
  #caughtUp = 0
  /** On the way out, as soon as what there is to store is stored and acknowledged. */
  #leaving: 'for now' | 'for good' | undefined
  #comesBack = false

  constructor(options: SessionOptions) {
    this.#options = options
    const shared = {
      random: options.random,
      nextId: this.#nextId,
      out: (effect: Effect) => this.#out(effect),
    }
    this.#mail = new Mail({ ...shared, maxPending: options.maxPending })
    this.#link = new Link(options, {
      ...shared,
      cursors: () => this.#mail.inbox.connecting(),
      refresh: (token) => this.#errands.refresh(token),
      lost: () => {
        this.#mail.offline()
        this.#errands.requests.offline()
      },
      over: () => this.#errands.abandon(),
    })
    const peers = { link: this.#link, mail: this.#mail, now: () => this.#nowMs, out: shared.out }
    this.#errands = new Errands({ ...peers, giveUp: (reason) => this.#giveUp(reason) }, options)
  }

  handle(event: SessionEvent): Effect[] {
    this.#nowMs = this.#options.now()
    this.#effects = []
    this.#take(event)
    this.#link.tick(this.#nowMs)
    this.#save()
    this.#write()
    if (this.#leaving && this.#mail.isStored) this.#leave()
    return this.#effects
  }

  get isLeaving(): boolean {
    return this.#leaving !== undefined
  }

  /** When `tick` is due. */
  wakeAtMs(): number {
    const mayAsk = this.#link.isLive && !this.#leaving
    const connection = mayAsk ? 'live' : this.#link.isWelcome ? 'welcome' : 'none'
    const wakeAtMs = Math.min(this.#link.deadlineMs(), this.#mail.deadlineMs(connection))
    return connection === 'none' ? wakeAtMs : Math.min(wakeAtMs, this.#errands.requests.deadlineMs())
  }

  status(): Status {
    return this.#link.status(this.#options.now())
  }

  pending(): PendingSend[] {
    return this.#mail.pending()
  }

  #take(event: SessionEvent): void {
    const nowMs = this.#nowMs
    switch (event.type) {
      case 'tick':
        return
      case 'restored':
        this.#mail.restore(event.state)
        break
      case 'connect':
        this.#comesBack = this.isLeaving
        this.#link.connect(nowMs)
        break
      case 'retry':
        if (this.#link.state === 'backoff') this.#link.connect(nowMs)
        break
      case 'failed':
        this.#link.stop(event.reason, nowMs)
        break
      case 'disconnect':
        this.#leaving ??= 'for now'
        this.#comesBack = false
        this.#mail.hurry(nowMs)
        // Without a connection there is nothing to acknowledge on.
        if (!this.#link.isWelcome && this.#leaving === 'for now') this.#leave()
        return
      case 'close':
        this.#leaving = 'for good'
        this.#mail.hurry(nowMs)
        return
      case 'token':
        this.#link.token(event.attempt, event.token, nowMs)
        break
      case 'no-token':
        this.#link.noToken(event.attempt, event.message, nowMs)
        break
      case 'opened':
        this.#link.opened(nowMs)
        break
      case 'frame':
        this.#link.heard(nowMs)
        this.#frame(event.frame)
        break
      case 'bad-frame':
        this.#giveUp({ ...ownCloses.BAD_FRAME, message: event.message })
        break
      case 'closed':
        this.#link.end(endingOf(event.code, event.message, undefined), nowMs)
        break
      default:
        this.#takeOfApplication(event)
        break
    }
  }

  #takeOfApplication(event: ApplicationEvent): void {
    switch (event.type) {
      case 'send':
        if (this.#mail.send(event.send, this.#nowMs)) return
        this.#out({
          type: 'settle',
          msgId: event.send.msgId,
          result: { ok: false, error: tooMany('messages') },
        })
        return
      case 'request':
        this.#errands.request(event.key, event.frame)
        break
      case 'read':
        this.#errands.read(event.conv, event.seq)
        break
      case 'network':
        this.#errands.network(event.network)
        break
      case 'handled':
        this.#mail.handled(event, this.#nowMs)
        break
      case 'saved':
        this.#mail.saved(this.#nowMs)
        break
      case 'not-saved':
        this.#mail.notSaved(this.#nowMs)
        this.#notice({ type: 'trouble', trouble: { name: 'STORAGE', message: event.message } })
        if (this.#leaving) this.#leave()
    }
  }

  #frame(frame: ServerMessage): void {
    switch (frame.type) {
      case 'ping':
        this.#out({ type: 'write', frame: { type: 'pong', n: frame.n } })
        break
      case 'bye':
        this.#link.end(endingOf(frame.code, frame.reason, frame), this.#nowMs)
        break
      case 'welcome':
        if (!this.#link.welcome(frame, this.#nowMs)) return
        this.#caughtUp = 0
        if (this.#mail.welcome(frame, this.#nowMs)) return
        this.#link.stop({ name: 'OTHER_USER', message: 'the storage belongs to another user' }, this.#nowMs)
        return
      case 'error':
        this.#error(frame)
        break
      default:
        if (this.#link.isWelcome && !this.#leaving) this.#frameOfSession(frame)
    }
  }

  #frameOfSession(frame: SessionFrame): void {
    const nowMs = this.#nowMs
    switch (frame.type) {
      case 'msg':
        this.#message(frame)
        break
      case 'sent':
        this.#mail.sent(frame, nowMs)
        break
      case 'synced':
        this.#mail.synced(frame, nowMs)
        break
      case 'gap':
        this.#mail.gap(frame, nowMs)
        break
      case 'live':
        this.#live(frame)
        break
      case 'ok':
      case 'page':
        this.#errands.requests.answered(frame, nowMs)
        return
      case 'membership':
        if (frame.user === this.#mail.userId) this.#mail.moved(frame, nowMs)
        this.#notice({ type: 'membership', membership: frame })
        break
      case 'receipt':
        this.#notice({ type: 'receipt', receipt: frame })
        break
      case 'presence':
        this.#notice({ type: 'presence', presence: frame })
        break
      case 'drain':
        this.#link.drain(frame, nowMs)
        break
      case 'pong':
        return
    }
  }

  #message(frame: Msg): void {
    if (this.#mail.message(frame, this.#nowMs) && !this.#link.isLive) this.#caughtUp += 1
    if (!this.#mail.isOverrun) return
    this.#giveUp({ code: 4000, name: 'WINDOW_OVERRUN', message: 'the server sends more than its window' })
  }

  #live(frame: Live): void {
    if (frame.id !== undefined) {
      this.#errands.requests.answered(frame, this.#nowMs)
      return
    }
    this.#mail.live(this.#nowMs)
    this.#link.live(this.#caughtUp, this.#nowMs)
  }

  #error(frame: ErrorFrame): void {
    const { code, name, message } = frame
    if (this.#link.helloRefused(frame, this.#nowMs)) return
    if (!this.#link.isWelcome || this.#errands.requests.answered(frame, this.#nowMs)) return
    if (frame.id === undefined && frame.msgId === undefined) {
      this.#notice({ type: 'trouble', trouble: { code, name, message } })
      return
    }
    this.#mail.refused(frame, this.#nowMs)
  }

  #save(): void {
    const state = this.#mail.save(this.#nowMs)
    if (state) this.#out({ type: 'save', state })
  }

  #write(): void {
    if (!this.#link.isWelcome) return
    const mayAsk = this.#link.isLive && !this.#leaving
    const acks: ClientMessage[] = this.#mail.acks(this.#nowMs)
    if (mayAsk) this.#errands.sync()
    const requests = this.#errands.requests.take(this.#nowMs, this.#nextId, this.#link.limits)
    const sends = mayAsk ? this.#mail.sends(this.#nowMs) : nothing
    for (const frame of [...acks, ...requests.frames, ...sends.frames]) this.#out({ type: 'write', frame })
    if (requests.unresponsive || sends.unresponsive) this.#giveUp(ownCloses.UNRESPONSIVE)
  }

  #leave(): void {
    const isForGood = this.#leaving === 'for good'
    this.#leaving = undefined
    if (isForGood) this.#link.close(this.#nowMs)
    else this.#link.disconnect(this.#nowMs)
    if (this.#comesBack) this.#link.connect(this.#nowMs)
    this.#comesBack = false
  }

  #giveUp(reason: Reason): void {
    this.#link.end({ reason, policy: 'backoff' }, this.#nowMs)
  }

  #notice(notice: Notice): void {
    this.#out({ type: 'notice', notice })
  }

  #out(effect: Effect): void {
    this.#effects.push(effect)
  }
}

const nothing = { frames: [], unresponsive: false }
