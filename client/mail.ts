// Messages both ways and the state that outlives them: what goes out stays until answered, what came in is kept.
import {
  type ClientMessage,
  type ErrorFrame,
  errors,
  type Gap,
  type Limits,
  type Membership,
  type Msg,
  type RequestId,
  type Sent,
  type Synced,
} from '../protocol/index.ts'
import type { Effect, SendResult } from './effects.ts'
import { Inbox } from './inbox.ts'
import { Outbox } from './outbox.ts'
import { Saver } from './saver.ts'
import type { ClientState, PendingSend } from './storage.ts'

export const mailTimes = {
  /** What was handled is stored and acknowledged so soon, or when `batch` messages wait. */
  ackMs: 50,
  batch: 32,
  /** What costs only a repeated frame if it is forgotten is stored less eagerly. */
  lazyMs: 1_000,
} as const

export interface MailOptions {
  random: () => number
  maxPending: number
  nextId: () => RequestId
  out: (effect: Effect) => void
}

const never = Number.POSITIVE_INFINITY

export class Mail {
  readonly inbox = new Inbox()
  readonly #options: MailOptions
  readonly #outbox: Outbox
  readonly #saver = new Saver()
  /** The user that all of this belongs to. */
  #userId: string | undefined
  #handledSinceSave = 0
  #ackBatch: number = mailTimes.batch
  /** Handed over and not handled; a server that keeps to its window never gets there. */
  #maxInHand = 0
  #ackAtMs = never
  #refused: { version: number; msgId: string; result: SendResult }[] = []

  constructor(options: MailOptions) {
    this.#options = options
    this.#outbox = new Outbox(options)
  }

  get userId(): string | undefined {
    return this.#userId
  }

  /** Nothing that has to be stored waits for it. */
  get isStored(): boolean {
    return this.#saver.isSettled
  }

  /** More is in hand than the window allows. */
  get isOverrun(): boolean {
    return this.inbox.inHand > this.#maxInHand
  }

  pending(): PendingSend[] {
    return this.#outbox.pending()
  }

  restore(state: ClientState | undefined): void {
    if (state) {
      this.#userId = state.userId
      this.inbox.restore(state.positions)
      this.#outbox.restore(state.pending)
    }
    this.#saver.ready()
  }

  /** False if what is stored belongs to somebody else. */
  welcome({ userId, limits }: { userId: string; limits: Limits }, nowMs: number): boolean {
    if (this.#userId !== undefined && this.#userId !== userId) return false
    if (this.#userId === undefined) this.#saver.changed(nowMs + mailTimes.lazyMs)
    this.#userId = userId
    this.#ackBatch = Math.max(1, Math.min(mailTimes.batch, Math.floor(limits.window / 2)))
    this.#maxInHand = Math.max(this.#maxInHand, 2 * limits.window)
    this.#outbox.welcome(limits, nowMs)
    return true
  }

  offline(): void {
    this.#outbox.offline()
    this.#ackAtMs = never
  }

  /** All replays are over: positions that the server did not mention are good as well. */
  live(nowMs: number): void {
    this.inbox.live()
    this.#ackAtMs = nowMs
  }

  /** False if too many others are pending already. */
  send(send: PendingSend, nowMs: number): boolean {
    if (this.#outbox.has(send.msgId)) return true
    if (this.#outbox.isFull) return false
    this.#outbox.add(send, this.#saver.changed(nowMs))
    return true
  }

  /** True if the message goes to the application. */
  message(msg: Msg, nowMs: number): boolean {
    // Our own message, accepted on a connection that broke before its `sent` arrived.
    if (msg.from === this.#userId && this.#outbox.sent(msg.msgId)) {
      const { msgId, conv, epoch, seq, timestamp } = msg
      this.#accepted({ msgId, conv, epoch, seq, timestamp, duplicate: true }, nowMs)
    }
    const verdict = this.inbox.message(msg)
    // It stands in the server's window until it is acknowledged, as if it had been new.
    if (verdict === 'known') this.#saver.changed(nowMs + mailTimes.ackMs)
    if (verdict !== 'deliver') return false
    this.#options.out({ type: 'deliver', delivery: { type: 'message', message: msg } })
    return true
  }

  sent({ type: _, id, ...sent }: Sent, nowMs: number): void {
    if (this.#outbox.sent(sent.msgId, id)) this.#accepted(sent, nowMs)
    else this.inbox.own(sent.conv, sent.epoch, sent.seq)
  }

  refused(frame: ErrorFrame, nowMs: number): void {
    const settled = this.#outbox.refused(frame, nowMs)
    if (settled) this.#refuse(settled.msgId, settled.result, nowMs)
  }

  synced(frame: Synced, nowMs: number): void {
    const discontinuity = this.inbox.synced(frame)
    this.#saver.changed(nowMs + mailTimes.ackMs)
    if (!discontinuity) return
    this.#options.out({ type: 'deliver', delivery: { type: 'discontinuity', discontinuity } })
  }

  gap(frame: Gap, nowMs: number): void {
    this.inbox.gap(frame)
    this.#saver.changed(nowMs + mailTimes.ackMs)
  }

  /** This user's own membership changed. */
  moved({ conv, epoch, change, seq }: Omit<Membership, 'type' | 'user'>, nowMs: number): void {
    if (change === 'joined') this.inbox.joined(conv, epoch, seq)
    else this.inbox.left(conv, seq)
    this.#saver.changed(nowMs + mailTimes.lazyMs)
  }

  handled(event: { conv: string; epoch: string; seq: number }, nowMs: number): void {
    this.inbox.handled(event.conv, event.epoch, event.seq)
    this.#handledSinceSave += 1
    const isFull = this.#handledSinceSave >= this.#ackBatch
    this.#saver.changed(isFull ? nowMs : nowMs + mailTimes.ackMs)
  }

  saved(nowMs: number): void {
    this.#saver.succeeded()
    this.inbox.saved()
    this.#outbox.stored()
    const isStored = ({ version }: { version: number }) => version <= this.#saver.storedVersion
    for (const { msgId, result } of this.#refused.filter(isStored)) {
      this.#options.out({ type: 'settle', msgId, result })
    }
    this.#refused = this.#refused.filter((one) => !isStored(one))
    this.#ackAtMs = nowMs
  }

  /** Stores what has changed at once. */
  hurry(nowMs: number): void {
    this.#saver.hurry(nowMs)
  }

  notSaved(nowMs: number): void {
    this.#saver.failed(nowMs)
  }

  /** The state, if it has to be stored now. */
  save(nowMs: number): ClientState | undefined {
    if (!this.#saver.begin(nowMs)) return undefined
    this.#handledSinceSave = 0
    const state: ClientState = { positions: this.inbox.saving(), pending: this.#outbox.pending() }
    if (this.#userId !== undefined) state.userId = this.#userId
    return state
  }

  /** What is stored and due to be acknowledged. */
  acks(nowMs: number): ClientMessage[] {
    if (nowMs < this.#ackAtMs) return []
    this.#ackAtMs = never
    return this.inbox.acks()
  }

  /** The sends that are due; `unresponsive` if the server let the last repeat of one go without an answer. */
  sends(nowMs: number): { frames: ClientMessage[]; unresponsive: boolean } {
    const { nextId } = this.#options
    const sending = { nowMs, userId: this.#userId ?? '', storedVersion: this.#saver.storedVersion, nextId }
    const { frames, tooLarge, unresponsive } = this.#outbox.take(sending)
    for (const { msgId, definite } of tooLarge) {
      const { code, name, meaning } = errors.CONTENT_TOO_LARGE
      this.#refuse(msgId, { ok: false, error: { code, name, message: meaning, definite } }, nowMs)
    }
    return { frames, unresponsive }
  }

  deadlineMs(connection: 'none' | 'welcome' | 'live'): number {
    const saveMs = this.#saver.deadlineMs()
    if (connection === 'none') return saveMs
    return Math.min(saveMs, this.#ackAtMs, connection === 'live' ? this.#outbox.deadlineMs() : never)
  }

  #accepted(sent: Omit<Sent, 'type' | 'id'>, nowMs: number): void {
    this.inbox.own(sent.conv, sent.epoch, sent.seq)
    this.#saver.changed(nowMs + mailTimes.lazyMs)
    this.#options.out({ type: 'settle', msgId: sent.msgId, result: { ok: true, sent } })
  }

  /** Told only once it is stored: a restart that forgot it would send the message after all. */
  #refuse(msgId: string, result: SendResult, nowMs: number): void {
    this.#refused.push({ version: this.#saver.changed(nowMs), msgId, result })
  }
}
