// Messages on their way out: each keeps its msgId and stays pending until the server's answer settles it.
import {
  directConversation,
  type ErrorFrame,
  errors,
  type Limits,
  plainUtf8,
  type RequestId,
  type Send,
} from '../protocol/index.ts'
import type { SendResult } from './effects.ts'
import { TokenBucket } from './rate.ts'
import type { PendingSend } from './storage.ts'

export const sendTimes = {
  /** Waits before the first, second and third repeat, each give or take `spread`. */
  repeatMs: [1_000, 2_000, 4_000],
  /** Wait for an answer to the last repeat; after it the connection is given up. */
  lastMs: 4_000,
  spread: 0.2,
  /** A frame without an answer for so long: the server owes one to each, also to those it need not repeat. */
  answerMs: 15_000,
  /** After a refusal that may pass, without a word from the server how long; doubled with each further one. */
  retryMs: 1_000,
  retryCapMs: 30_000,
} as const

interface Entry {
  readonly send: PendingSend
  /** May be written once this version of the state is stored, so that a restart repeats it with the same msgId. */
  readonly version: number
  /** How often it was written, or should have been, on this connection. */
  tries: number
  /** Frames of this connection without an answer. */
  outstanding: number
  /** A frame of an earlier connection got no answer, or the answer was that nobody knows. */
  unknown: boolean
  /** Of a written one: when it is repeated. Of a refused one: when it is tried again. */
  dueAtMs: number
  refusals: number
}

export interface Taken {
  frames: Send[]
  tooLarge: { msgId: string; definite: boolean }[]
  unresponsive: boolean
}

export interface Sending {
  nowMs: number
  userId: string
  storedVersion: number
  nextId: () => RequestId
}

export class Outbox {
  readonly #random: () => number
  readonly #maxPending: number
  /** In the order of the application's calls. */
  #entries = new Map<string, Entry>()
  /** Frames that await an answer on this connection. */
  readonly #outstanding = new Map<RequestId, { msgId: string; byMs: number }>()
  #limits: Limits | undefined
  #bucket: TokenBucket | undefined
  #heldUntilMs = 0
  #changed = false
  #wakeAtMs = Number.POSITIVE_INFINITY

  constructor(options: { random: () => number; maxPending: number }) {
    this.#random = options.random
    this.#maxPending = options.maxPending
  }

  /** What the storage held: older than everything that was added since, and perhaps already with the server. */
  restore(pending: readonly PendingSend[]): void {
    const added = this.#entries
    this.#entries = new Map(pending.map((send) => [send.msgId, { ...fresh(send, 0), unknown: true }]))
    for (const [msgId, entry] of added) if (!this.#entries.has(msgId)) this.#entries.set(msgId, entry)
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#maxPending
  }

  has(msgId: string): boolean {
    return this.#entries.has(msgId)
  }

  pending(): PendingSend[] {
    return [...this.#entries.values()].map((entry) => entry.send)
  }

  add(send: PendingSend, version: number): void {
    if (this.#entries.has(send.msgId)) return
    this.#entries.set(send.msgId, fresh(send, version))
    this.#changed = true
  }

  /** Another version of the state is stored: more may be written. */
  stored(): void {
    this.#changed = true
  }

  welcome(limits: Limits, nowMs: number): void {
    const rate = { ratePerSecond: limits.sendRatePerSecond, burst: limits.sendBurst }
    this.#limits = limits
    if (this.#bucket) this.#bucket.change(rate, nowMs)
    else this.#bucket = new TokenBucket(rate, nowMs)
    this.#changed = true
  }

  /** Whatever was on its way may or may not have arrived; all is written again, oldest first. */
  offline(): void {
    this.#outstanding.clear()
    for (const entry of this.#entries.values()) {
      entry.unknown ||= entry.outstanding > 0
      entry.outstanding = 0
      if (entry.tries > 0) entry.dueAtMs = 0
      entry.tries = 0
    }
    this.#wakeAtMs = Number.POSITIVE_INFINITY
  }

  /** The answer that ends a message, from `sent` or from its own copy in the log. True if it was pending. */
  sent(msgId: string, id?: RequestId): boolean {
    if (id !== undefined) this.#outstanding.delete(id)
    this.#changed = true
    return this.#entries.delete(msgId)
  }

  /** The result if the refusal ends the message; it stays pending if it may pass or its outcome is not known. */
  refused(frame: ErrorFrame, nowMs: number): { msgId: string; result: SendResult } | undefined {
    const msgId = frame.msgId ?? (frame.id === undefined ? undefined : this.#outstanding.get(frame.id)?.msgId)
    const entry = msgId === undefined ? undefined : this.#entries.get(msgId)
    if (frame.id !== undefined && this.#outstanding.delete(frame.id) && entry) entry.outstanding -= 1
    this.#changed = true
    // Of two copies the later answer counts: the earlier refusal says nothing about the other copy.
    if (msgId === undefined || !entry || entry.outstanding > 0) return undefined
    const known = Object.values(errors).find((one) => one.code === frame.code)
    if (known?.definite && !known.retryable) {
      this.#entries.delete(msgId)
      const { code, name, message } = frame
      return { msgId, result: { ok: false, error: { code, name, message, definite: !entry.unknown } } }
    }
    entry.unknown ||= !known?.definite
    this.#hold(entry, frame, nowMs)
    return undefined
  }

  /**
   * The frames to write now: repeats that are due, then new ones, as far as window and rate have room.
   * `unresponsive` if the last repeat got no answer.
   */
  take(sending: Sending): Taken {
    const taken: Taken = { frames: [], tooLarge: [], unresponsive: false }
    if (!this.#changed && sending.nowMs < this.#wakeAtMs) return taken
    this.#changed = false
    const [oldest] = this.#outstanding.values()
    this.#wakeAtMs = oldest?.byMs ?? Number.POSITIVE_INFINITY
    if (sending.nowMs >= this.#wakeAtMs) return { ...taken, unresponsive: true }
    /** Conversations in which an older message waits: a younger one must not overtake it. */
    const waiting = new Set<string>()
    let full = false
    for (const entry of this.#entries.values()) {
      const conv = entry.send.conv ?? directConversation(sending.userId, entry.send.to ?? '')
      if (entry.tries > sendTimes.repeatMs.length && sending.nowMs >= entry.dueAtMs) {
        return { ...taken, unresponsive: true }
      }
      if (entry.tries === 0 && (full || waiting.has(conv))) continue
      if (this.#isTooLarge(entry.send)) {
        this.#entries.delete(entry.send.msgId)
        taken.tooLarge.push({ msgId: entry.send.msgId, definite: !entry.unknown })
      } else if (!this.#isDue(entry, sending)) {
        if (entry.tries === 0) waiting.add(conv)
      } else if (this.#mayWrite(sending.nowMs)) {
        taken.frames.push(this.#write(entry, sending))
      } else if (entry.tries > 0) {
        // A repeat without room counts as made: the server's silence is what matters.
        this.#schedule(entry, sending.nowMs)
      } else full = true
    }
    return taken
  }

  deadlineMs(): number {
    return this.#wakeAtMs
  }

  #isDue(entry: Entry, { nowMs, storedVersion }: Sending): boolean {
    if (entry.version > storedVersion) return false
    const dueAtMs = entry.tries === 0 ? Math.max(entry.dueAtMs, this.#heldUntilMs) : entry.dueAtMs
    if (nowMs >= dueAtMs) return true
    this.#wakeAtMs = Math.min(this.#wakeAtMs, dueAtMs)
    return false
  }

  #mayWrite(nowMs: number): boolean {
    if (!this.#limits || !this.#bucket || this.#outstanding.size >= this.#limits.sendWindow) return false
    if (this.#bucket.take(nowMs)) return true
    this.#wakeAtMs = Math.min(this.#wakeAtMs, this.#bucket.nextAtMs())
    return false
  }

  #write(entry: Entry, { nowMs, nextId }: Sending): Send {
    const id = nextId()
    this.#outstanding.set(id, { msgId: entry.send.msgId, byMs: nowMs + sendTimes.answerMs })
    entry.outstanding += 1
    this.#schedule(entry, nowMs)
    return { type: 'send', id, ...entry.send }
  }

  #schedule(entry: Entry, nowMs: number): void {
    const waitMs = sendTimes.repeatMs[entry.tries] ?? sendTimes.lastMs
    entry.tries += 1
    entry.dueAtMs = nowMs + this.#jitter(waitMs)
    this.#wakeAtMs = Math.min(this.#wakeAtMs, entry.dueAtMs)
  }

  #hold(entry: Entry, frame: ErrorFrame, nowMs: number): void {
    const ownMs = Math.min(sendTimes.retryCapMs, sendTimes.retryMs * 2 ** entry.refusals)
    entry.refusals += 1
    entry.tries = 0
    entry.dueAtMs = nowMs + (frame.retryAfterMs ?? this.#jitter(ownMs))
    // The rate is the user's, not the message's.
    if (frame.code === errors.TOO_MANY_REQUESTS.code) this.#heldUntilMs = entry.dueAtMs
  }

  #jitter(ms: number): number {
    return ms * (1 - sendTimes.spread + 2 * sendTimes.spread * this.#random())
  }

  /** A frame over the limit would end the connection for good, so it is never written. */
  #isTooLarge({ content }: PendingSend): boolean {
    if (!this.#limits) return false
    const bytes = typeof content === 'string' ? plainUtf8.byteLength(content) : content.length
    return bytes > this.#limits.maxContent
  }
}

function fresh(send: PendingSend, version: number): Entry {
  return { send, version, tries: 0, outstanding: 0, unknown: false, dueAtMs: 0, refusals: 0 }
}
