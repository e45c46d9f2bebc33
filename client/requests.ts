// Requests other than `send`: each waits for a live connection, is written, and is answered once.
import {
  type ClientMessage,
  type ErrorFrame,
  errors,
  type Limits,
  type Live,
  type Ok,
  type Page,
  type RequestId,
  type Sync,
} from '../protocol/index.ts'
import type { Refused, RequestFrame, RequestResult } from './effects.ts'

export const requestTimes = {
  /** Without an answer for so long the connection is given up; a server may take 10 s. */
  answerMs: 15_000,
  /** After a refusal that may pass, without a word from the server how long. */
  retryMs: 1_000,
} as const

/** Connections on which a request is tried before its outcome is called unknown. */
const maxTries = 5

export interface Request {
  frame: RequestFrame | Omit<Sync, 'id'>
  settle: (answer: RequestResult) => void
  /** Pointless on another connection than the one it was made for. */
  isOfConnection?: boolean
  /** The answer may take as long as a replay takes. */
  isPatient?: boolean
  /** A younger request of the same slot replaces one that was not written yet. */
  slot?: string
}

interface Entry extends Request {
  tries: number
  /** On which it was written on this connection. */
  id: RequestId | undefined
  /** Written: answer expected by. Else: not to be written before. */
  dueAtMs: number
}

export class Requests {
  #entries: Entry[] = []

  get size(): number {
    return this.#entries.length
  }

  add(request: Request): void {
    const same = this.#entries.findIndex(
      (entry) => entry.slot !== undefined && entry.slot === request.slot && entry.id === undefined,
    )
    if (same >= 0) this.#entries.splice(same, 1)
    this.#entries.push({ ...request, tries: 0, id: undefined, dueAtMs: 0 })
  }

  /** The frames to write now; `unresponsive` if an answer is overdue. */
  take(
    nowMs: number,
    nextId: () => RequestId,
    limits: Limits | undefined,
  ): { frames: ClientMessage[]; unresponsive: boolean } {
    const frames: ClientMessage[] = []
    for (const entry of this.#entries) {
      if (nowMs < entry.dueAtMs) continue
      if (entry.id !== undefined) return { frames, unresponsive: true }
      entry.id = nextId()
      entry.tries += 1
      entry.dueAtMs = entry.isPatient ? Number.POSITIVE_INFINITY : nowMs + requestTimes.answerMs
      frames.push(within({ ...entry.frame, id: entry.id }, limits))
    }
    return { frames, unresponsive: false }
  }

  /** True if the frame was the answer to a request. */
  answered(frame: Ok | Page | Live | ErrorFrame, nowMs: number): boolean {
    const entry = frame.id === undefined ? undefined : this.#entries.find((one) => one.id === frame.id)
    if (!entry) return false
    entry.id = undefined
    if (frame.type !== 'error') this.#settle(entry, { ok: true, reply: frame })
    else if (mayPass(frame)) {
      entry.dueAtMs = nowMs + (frame.retryAfterMs ?? requestTimes.retryMs)
    } else this.#settle(entry, afterRefusal(entry, frame))
    return true
  }

  /** The connection is gone: what waits for an answer is asked again on the next one. */
  offline(): void {
    for (const entry of [...this.#entries]) {
      if (entry.isOfConnection) this.#remove(entry)
      else if (entry.id === undefined) continue
      else if (entry.tries >= maxTries) {
        const message = `no answer on ${maxTries} connections`
        this.#settle(entry, { ok: false, error: { name: 'NO_ANSWER', message, definite: false } })
      }
      entry.id = undefined
      entry.dueAtMs = 0
    }
  }

  /** There is nobody to ask. What has a slot, like a read position, nobody waits for: it stays for another `connect`. */
  abandon(error: Refused): void {
    for (const entry of [...this.#entries]) {
      if (entry.slot === undefined) this.#settle(entry, { ok: false, error })
    }
  }

  deadlineMs(): number {
    let deadlineMs = Number.POSITIVE_INFINITY
    for (const entry of this.#entries) deadlineMs = Math.min(deadlineMs, entry.dueAtMs)
    return deadlineMs
  }

  #settle(entry: Entry, answer: RequestResult): void {
    this.#remove(entry)
    entry.settle(answer)
  }

  #remove(entry: Entry): void {
    this.#entries = this.#entries.filter((one) => one !== entry)
  }
}

/** What the application wants may be more than this server gives at once. */
function within(frame: ClientMessage, limits: Limits | undefined): ClientMessage {
  if (frame.type !== 'history' || !limits) return frame
  return { ...frame, limit: Math.min(frame.limit, limits.historyMaxLimit) }
}

function mayPass(frame: ErrorFrame): boolean {
  const known = Object.values(errors).find((one) => one.code === frame.code)
  return known?.retryable ?? frame.retryable
}

/** A repeat that finds its own work done has succeeded. */
function afterRefusal(entry: Entry, { id = 0, code, name, message }: ErrorFrame): RequestResult {
  const isDone =
    (entry.frame.type === 'join' && code === errors.ALREADY_JOINED.code) ||
    (entry.frame.type === 'leave' && code === errors.NOT_MEMBER.code)
  if (isDone && entry.tries > 1) return { ok: true, reply: { type: 'ok', id } }
  return { ok: false, error: { code, name, message, definite: entry.tries === 1 } }
}
