// Writes histories for tests in few words: every call is one event, a millisecond after the one before.
import { bodyHash } from '../body-hash.ts'
import { checkHistory } from '../checker.ts'
import type { ConnectionEvent, EventKind, HistoryEvent, Position, SeenMessage } from '../events.ts'
import type { CheckerChoices } from '../options.ts'
import type { HistoryRule } from '../rules.ts'

export const direct = 'd:alice:bob'
export const epoch = 'e1'

type Fields<Kind extends EventKind> = Omit<
  Extract<HistoryEvent, { kind: Kind }>,
  'kind' | 'ms' | 'user' | 'device' | 'connection'
>

/** A message as the stories name it: the body is the msgId, the time follows from the seq. */
export function seen(seq: number, from: string, msgId: string): SeenMessage {
  return { seq, from, msgId, hash: bodyHash({ content: msgId }), timestamp: 1_000 + seq }
}

export function at(seq: number, conv = direct): Position {
  return { conv, epoch, seq }
}

interface Returning {
  device?: string
  cursors?: Position[]
  deliberate?: boolean
}

export class Story {
  readonly events: HistoryEvent[] = []
  ms = 0
  readonly #counts = new Map<string, number>()

  add(event: HistoryEvent): void {
    this.events.push(event)
  }

  tick(): number {
    this.ms += 1
    return this.ms
  }

  /** A connection that is live. */
  connect(user: string, options: { device?: string } = {}): Actor {
    const actor = this.returns(user, options)
    actor.live()
    return actor
  }

  /** A connection that waits for its replay, with `cursors` from there. */
  returns(user: string, { device = 'phone', ...more }: Returning = {}): Actor {
    const count = (this.#counts.get(user) ?? 0) + 1
    this.#counts.set(user, count)
    const actor = new Actor(this, { user, device, connection: `${user}/${count}` })
    actor.does('connect', more)
    actor.does('welcome', { resumed: more.cursors !== undefined, window: 100 })
    return actor
  }

  quiet(): void {
    this.add({ kind: 'quiet', ms: this.tick() })
  }

  kill(): void {
    this.add({ kind: 'fault', ms: this.tick(), fault: 'kill', phase: 'start' })
  }
}

export class Actor {
  readonly story: Story
  readonly who: { user: string; device: string; connection: string }
  #lastId = 0

  constructor(story: Story, who: Actor['who']) {
    this.story = story
    this.who = who
  }

  /** Any event of this connection. */
  does<Kind extends ConnectionEvent['kind']>(kind: Kind, fields: Fields<Kind>): void {
    this.story.add({ kind, ms: this.story.tick(), ...this.who, ...fields } as HistoryEvent)
  }

  /** A request; gives its id. */
  asks<Kind extends 'send' | 'join' | 'leave' | 'sync' | 'history' | 'ack'>(
    kind: Kind,
    fields: Omit<Fields<Kind>, 'id'>,
  ): number {
    this.#lastId += 1
    const request: object = { kind, ms: this.story.tick(), ...this.who, ...fields, id: this.#lastId }
    this.story.add(request as HistoryEvent)
    return this.#lastId
  }

  send(msgId: string, { conv = direct, content = msgId } = {}): number {
    return this.asks('send', { msgId, conv, hash: bodyHash({ content }) })
  }

  sent(id: number, msgId: string, seq: number, more: Partial<Fields<'sent'>> = {}): void {
    this.does('sent', { id, msgId, ...at(seq), timestamp: 1_000 + seq, duplicate: false, ...more })
  }

  /** A send and its ack. */
  says(msgId: string, seq: number, conv = direct): void {
    this.sent(this.send(msgId, { conv }), msgId, seq, { conv })
  }

  gets(seq: number, from: string, msgId: string, more: Partial<Fields<'deliver'>> = {}): void {
    this.does('deliver', { ...at(seq), ...seen(seq, from, msgId), ...more })
  }

  acks(seq: number, conv = direct): void {
    this.does('ack', at(seq, conv))
  }

  synced(from: number, to: number, more: Partial<Fields<'synced'>> = {}): void {
    this.does('synced', { conv: direct, epoch, from, to, top: to, complete: true, recovered: true, ...more })
  }

  live(): void {
    this.does('live', {})
  }

  joins(conv: string, top: number, member?: string): void {
    const id = this.asks('join', { conv, ...(member !== undefined && { member }) })
    this.does('ok', { id, epoch, top })
  }

  leaves(conv: string, top: number, member?: string): void {
    const id = this.asks('leave', { conv, ...(member !== undefined && { member }) })
    this.does('ok', { id, epoch, top })
  }

  /** One page that is the whole answer. */
  reads(items: SeenMessage[], query: Partial<Omit<Fields<'history'>, 'id'>> = {}): void {
    const id = this.asks('history', { conv: direct, order: 'asc', ...query })
    this.does('page', { id, epoch, items, complete: true })
  }

  readsAtEnd(items: SeenMessage[], conv = direct): void {
    this.reads(items, { conv, final: true })
  }

  fence(): void {
    const n = this.story.tick()
    this.does('fence', { n })
    this.does('fenced', { n })
  }

  close(clean = true): void {
    this.does('close', { code: clean ? 1000 : 1006, clean })
  }
}

/** The rules that a history breaks. */
export function broken(story: Story, choices: CheckerChoices = {}): HistoryRule[] {
  const { rules } = checkHistory(story.events, choices)
  return rules.filter(({ verdict }) => verdict === 'fail').map(({ rule }) => rule)
}
