// Writes down what the probes of one case do and see, as a history that the checker can judge.
import {
  type ClientMessage,
  directConversation,
  errors,
  jsonCodec,
  type Message,
  type ServerMessage,
} from '../protocol/index.ts'
import {
  bodyHash,
  type ConnectionEvent,
  type HistoryEvent,
  historyVersion,
  type SeenMessage,
} from './checker/index.ts'
import { encodeLoose, type LooseFrame } from './loose.ts'
import type { Ended } from './ending.ts'
import type { Observer } from './observer.ts'
import type { Probe } from './probe.ts'

const anySize = { maxFrame: Number.MAX_SAFE_INTEGER, maxContent: Number.MAX_SAFE_INTEGER }

/** An event without what every event of a connection has. */
type Own<E> = E extends unknown ? Omit<E, 'ms' | 'user' | 'device' | 'connection'> : never

export class HistoryRecorder implements Observer {
  /** The first one is the header. */
  readonly events: HistoryEvent[]
  /** While it is true, reads of history are the last word by which losses are judged. */
  isFinal = false
  readonly #elapsedMs: () => number
  /** Between their `hello` and their end; what is outside is no part of a session. */
  readonly #open = new Set<Probe>()

  constructor(capabilities: readonly string[], elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs
    const format = 'chatspec-history'
    this.events = [{ kind: 'header', format, version: historyVersion, capabilities: [...capabilities] }]
  }

  /** Something was done to the server. */
  fault(fault: string, phase: 'start' | 'stop'): void {
    this.events.push({ kind: 'fault', ms: this.#elapsedMs(), fault, phase })
  }

  /** Nothing is under way any more: every connection that is live has all that is its. */
  quiet(): void {
    this.events.push({ kind: 'quiet', ms: this.#elapsedMs() })
  }

  wrote(probe: Probe, frame: LooseFrame | undefined): void {
    const text = frame && encodeLoose('json', frame).payload.toString()
    const decoded = text === undefined ? undefined : jsonCodec.decodeClient(text, anySize)
    const event = decoded?.ok
      ? marked(written(decoded.message, probe.user.id), probe.breaksRules)
      : { kind: 'invalid' as const, deliberate: true }
    if (event?.kind === 'connect') this.#open.add(probe)
    if (event?.kind === 'history' && this.isFinal) this.#add(probe, { ...event, final: true })
    else if (event) this.#add(probe, event)
  }

  read(probe: Probe, frame: ServerMessage): void {
    const event = seen(frame)
    if (event) this.#add(probe, event)
  }

  ended(probe: Probe, { code, how }: Ended): void {
    this.#add(probe, { kind: 'close', code, clean: how === 'closed' })
    this.#open.delete(probe)
  }

  #add(probe: Probe, event: Own<ConnectionEvent>): void {
    if (!this.#open.has(probe)) return
    const { user, deviceId, label } = probe
    this.events.push({ ms: this.#elapsedMs(), user: user.id, device: deviceId, connection: label, ...event })
  }
}

/** Says of what a mistake of the judge could have written too that it was none. */
function marked(
  event: Own<ConnectionEvent> | undefined,
  isDeliberate: boolean,
): Own<ConnectionEvent> | undefined {
  if (!isDeliberate || !event) return event
  const isClaim = ['connect', 'send', 'ack', 'read', 'sync'].includes(event.kind)
  return isClaim ? ({ ...event, deliberate: true } as Own<ConnectionEvent>) : event
}

function written(frame: ClientMessage, user: string): Own<ConnectionEvent> | undefined {
  switch (frame.type) {
    case 'hello':
      return { kind: 'connect', ...(frame.resume && { cursors: frame.resume.cursors }) }
    case 'send': {
      const { id, msgId, to } = frame
      const conv = frame.conv ?? directConversation(user, to ?? '')
      return { kind: 'send', id, msgId, conv, hash: bodyHash(frame) }
    }
    case 'ack':
    case 'read': {
      const { type, ...rest } = frame
      return { kind: type, ...rest }
    }
    case 'sync':
      return { kind: 'sync', id: frame.id, cursors: frame.cursors }
    case 'join':
    case 'leave': {
      const { type, id, conv, user: member } = frame
      return { kind: type, id, conv, ...(member !== undefined && { member }) }
    }
    case 'history': {
      const { type, limit: _limit, fromTime, toTime, ...rest } = frame
      return { kind: type, ...rest, ...((fromTime ?? toTime) !== undefined && { timed: true }) }
    }
    case 'ping':
      return { kind: 'fence', n: frame.n }
    default:
      return undefined
  }
}

function seen(frame: ServerMessage): Own<ConnectionEvent> | undefined {
  switch (frame.type) {
    case 'welcome':
      return { kind: 'welcome', resumed: frame.resumed, window: frame.limits.window }
    case 'msg': {
      const { conv, epoch, replay } = frame
      return { kind: 'deliver', conv, epoch, ...item(frame), ...(replay !== undefined && { replay }) }
    }
    case 'page': {
      const { id, epoch, items, nextCursor, complete } = frame
      const cursor = nextCursor === undefined ? {} : { nextCursor }
      return { kind: 'page', id, epoch, items: items.map(item), complete, ...cursor }
    }
    case 'error':
      return frame.id === undefined
        ? undefined
        : { kind: 'error', id: frame.id, code: frame.code, definite: isDefinite(frame.code) }
    case 'ok': {
      const { id, epoch, top } = frame
      return { kind: 'ok', id, ...(epoch !== undefined && { epoch }), ...(top !== undefined && { top }) }
    }
    case 'synced': {
      const { type, gap: _gap, read: _read, ...rest } = frame
      return { kind: type, ...rest }
    }
    case 'receipt': {
      const { conv, epoch, seq, user: reader, kind: mark } = frame
      return { kind: 'receipt', conv, epoch, seq, reader, mark }
    }
    case 'presence':
      return { kind: 'presence', peer: frame.user, online: frame.state === 'online' }
    case 'membership': {
      const { type, user: member, ...rest } = frame
      return { kind: type, member, ...rest }
    }
    case 'pong':
      return { kind: 'fenced', n: frame.n }
    case 'sent':
    case 'live':
    case 'gap': {
      const { type, ...rest } = frame
      return { kind: type, ...rest } as Own<ConnectionEvent>
    }
    default:
      return undefined
  }
}

function item(message: Message): SeenMessage {
  const { seq, from, msgId, timestamp } = message
  return { seq, from, msgId, timestamp, hash: bodyHash(message) }
}

function isDefinite(code: number): boolean {
  return Object.values(errors).some((entry) => entry.code === code && entry.definite)
}
