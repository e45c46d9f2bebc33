// A run against the simulated server: clients that send, cut, resume and retry as a list of steps tells them.
import { bodyHash } from '../body-hash.ts'
import type { HistoryEvent, Position } from '../events.ts'
import { type Client, createClient } from './simulated-client.ts'
import { type Down, eventOf, type Unrecorded, type Up } from './simulated-frames.ts'
import { SimulatedServer } from './simulated-server.ts'
import type { Session } from './simulated-session.ts'
import type { Step } from './simulated-steps.ts'

const users = ['ann', 'ben', 'cy'] as const
const devices = ['phone', 'laptop'] as const
const group = 'g:team'
const conversations = ['d:ann:ben', 'd:ben:cy', 'd:ann:ann', group] as const

interface Sent {
  msgId: string
  conv: string
  user: string
}

/** The history of a run; it ends with everybody connected, a quiet moment and final reads. */
export function simulate(list: readonly Step[]): HistoryEvent[] {
  // A server that keeps its log in memory loses it whenever it is killed.
  const run = new Run(list.some(({ what }) => what === 'amnesia') ? 'memory' : 'fsync')
  for (let who = 0; who < 6; who++) run.take({ what: 'connect', who, pick: 0 })
  for (const step of list) run.take(step)
  run.settle()
  return run.events
}

class Run {
  readonly events: HistoryEvent[]
  readonly #server = new SimulatedServer()
  readonly #clients: Client[] = users.flatMap((user) => devices.map((device) => createClient(user, device)))
  /** Connections that the server has not yet found dead. */
  #zombies: Session[] = []
  readonly #sends: Sent[] = []
  #ms = 0
  #connections = 0
  #nonce = 0

  readonly #durability: 'memory' | 'fsync'

  constructor(durability: 'memory' | 'fsync') {
    this.#durability = durability
    const capabilities = [`durability=${durability}`, 'history', 'resume', 'sync', 'groups', 'fence']
    this.events = [{ kind: 'header', format: 'chatspec-history', version: 1, capabilities }]
  }

  take({ what, who, pick }: Step): void {
    const client = this.#clients[who % this.#clients.length]
    if (client === undefined) return
    if (what === 'connect' || what === 'resume') this.#connect(client, what === 'resume', pick)
    else if (what === 'kill' || what === 'amnesia') this.#kill(pick)
    else if (what === 'mood')
      this.#server.mood = (['throttle', 'fail-after', 'fail-before'] as const)[pick % 3] ?? 'well'
    else if (what === 'serve' && pick % 4 === 0) this.#serveZombies()
    else if (client.session !== undefined) this.#act(client, client.session, { what, who, pick })
  }

  #act(client: Client, session: Session, { what, pick }: Step): void {
    const conv = conversations[pick % conversations.length] ?? group
    const member = users[pick % users.length]
    if (what === 'cut' || what === 'close') this.#leave(client, what === 'close')
    else if (what === 'send') this.#send(client, { msgId: `m${this.#sends.length}`, conv, user: client.user })
    else if (what === 'retry') this.#retry(client, pick)
    else if (what === 'serve') this.#server.serve(session, 1 + (pick % 5))
    else if (what === 'work') this.#work(client, session)
    else if (what === 'read') this.#read(client, 1 + (pick % 7), pick % 3 > 0)
    else if (what === 'sync') this.#sync(client, conv, pick)
    else if (what === 'history') this.#history(client, conv, pick)
    else if (what === 'fence') this.#fence(client)
    else if (what === 'timeout') this.#timeout(client)
    else if (what === 'join' || what === 'leave') this.#member(client, what, undefined)
    else this.#member(client, what === 'add' ? 'join' : 'leave', member)
  }

  /** Everybody comes back, everything arrives, and everybody reads all there is. */
  settle(): void {
    this.#server.mood = 'well'
    this.#serveZombies()
    for (const client of this.#clients) if (client.session === undefined) this.#connect(client, true, 0)
    for (const client of this.#clients) this.#ack(client)
    this.#flow()
    for (const client of this.#clients) for (const conv of conversations) this.#completeSync(client, conv)
    this.#flow()
    for (const client of this.#clients) this.#fence(client)
    this.#flow()
    this.#record({ kind: 'quiet', ms: this.#tick() })
    for (const client of this.#clients) {
      if (client.device === devices[0]) for (const conv of conversations) this.#readAll(client, conv)
    }
    this.#flow()
  }

  #flow(): void {
    for (let isMoving = true; isMoving; ) {
      isMoving = false
      for (const client of this.#clients) {
        const { session } = client
        if (session === undefined || session.up.length + session.down.length === 0) continue
        isMoving = true
        this.#work(client, session)
      }
    }
  }

  #work(client: Client, session: Session): void {
    this.#server.serve(session, Number.POSITIVE_INFINITY)
    this.#read(client, Number.POSITIVE_INFINITY, true)
  }

  #connect(client: Client, isResume: boolean, pick: number): void {
    if (client.session !== undefined) return
    this.#serveZombies()
    this.#connections += 1
    client.connection = `${client.user}/${client.device}/${this.#connections}`
    client.session = this.#server.open(client.user, client.device)
    client.openIds.clear()
    client.walk = undefined
    client.paused.clear()
    client.unacked.clear()
    const cursors = isResume
      ? [...client.cursors.values()].map((cursor) => this.#older(cursor, pick))
      : undefined
    this.#does(client, { kind: 'connect', ...(cursors && { cursors }) })
    client.session.up.push({ type: 'hello', cursors })
  }

  /** Sometimes a device has lost the last of what it stored. */
  #older(cursor: Position, pick: number): Position {
    return pick % 5 === 1 ? { ...cursor, seq: Math.max(0, cursor.seq - (pick % 3)) } : cursor
  }

  #leave(client: Client, isClean: boolean): void {
    const { session } = client
    if (session === undefined) return
    this.#does(client, { kind: 'close', code: isClean ? 1000 : 1006, clean: isClean })
    client.session = undefined
    if (isClean) this.#server.serve(session, Number.POSITIVE_INFINITY)
    if (isClean) this.#server.drop(session)
    else this.#zombies.push(session)
  }

  #serveZombies(): void {
    for (const session of this.#zombies) {
      this.#server.serve(session, Number.POSITIVE_INFINITY)
      this.#server.drop(session)
    }
    this.#zombies = []
  }

  #kill(pick: number): void {
    this.#record({ kind: 'fault', ms: this.#tick(), fault: 'kill', phase: 'start' })
    if (this.#durability === 'fsync') this.#server.kill(pick % 2 === 0)
    else this.#server.forgetAll()
    this.#zombies = []
    for (const client of this.#clients) {
      if (client.session === undefined) continue
      // What was on its way may still arrive.
      if (pick % 3 === 0) this.#read(client, pick % 10, false)
      if (client.session !== undefined) this.#does(client, { kind: 'close', code: 1006, clean: false })
      client.session = undefined
    }
  }

  #send(client: Client, message: Sent): void {
    const { msgId, conv } = message
    const hash = bodyHash({ content: `${client.user} ${msgId}` })
    const id = this.#request(client, 'send')
    if (!this.#sends.includes(message)) this.#sends.push(message)
    this.#does(client, { kind: 'send', id, msgId, conv, hash })
    client.session?.up.push({ type: 'send', id, msgId, conv, hash })
  }

  #retry(client: Client, pick: number): void {
    const own = this.#sends.filter(({ user }) => user === client.user)
    const message = own[pick % Math.max(1, own.length)]
    if (message !== undefined) this.#send(client, message)
  }

  #sync(client: Client, conv: string, pick: number): void {
    const cursor = client.cursors.get(conv)
    if (cursor === undefined) return
    const cursors = [{ ...cursor, seq: Math.max(0, cursor.seq - (pick % 4)) }]
    const id = this.#request(client)
    this.#does(client, { kind: 'sync', id, cursors })
    client.session?.up.push({ type: 'sync', id, cursors, limit: 1 + (pick % 5) })
  }

  /** A sync without a limit: no conversation stays paused. */
  #completeSync(client: Client, conv: string): void {
    const cursor = client.cursors.get(conv)
    if (cursor === undefined || !client.paused.delete(conv)) return
    const id = this.#request(client)
    this.#does(client, { kind: 'sync', id, cursors: [cursor] })
    client.session?.up.push({ type: 'sync', id, cursors: [cursor], limit: Number.POSITIVE_INFINITY })
  }

  #history(client: Client, conv: string, pick: number): void {
    const order = pick % 2 === 0 ? 'asc' : 'desc'
    const query = { conv, order, limit: 1 + (pick % 4), afterSeq: pick % 7 === 0 ? pick % 5 : 0 } as const
    const walk = client.walk
    if (walk !== undefined && pick % 3 > 0) this.#ask(client, walk)
    else this.#ask(client, { ...query, cursor: undefined })
  }

  #readAll(client: Client, conv: string): void {
    this.#ask(client, { conv, order: 'asc', limit: 1_000_000, afterSeq: 0, cursor: undefined }, true)
  }

  #ask(client: Client, query: Omit<Up & { type: 'history' }, 'type' | 'id'>, isFinal = false): void {
    const { conv, order, afterSeq, cursor } = query
    const id = this.#request(client)
    const frame: Up & { type: 'history' } = { ...query, type: 'history', id }
    client.walk = frame
    const more = { ...(cursor !== undefined && { cursor }), ...(isFinal && { final: true }) }
    this.#does(client, { kind: 'history', id, conv, order, ...(afterSeq > 0 && { afterSeq }), ...more })
    client.session?.up.push(frame)
  }

  #fence(client: Client): void {
    this.#nonce += 1
    this.#does(client, { kind: 'fence', n: this.#nonce })
    client.session?.up.push({ type: 'ping', n: this.#nonce })
  }

  #timeout(client: Client): void {
    const [id] = [...client.openIds].find(([, kind]) => kind === 'send') ?? []
    if (id !== undefined) this.#does(client, { kind: 'timeout', id })
  }

  #member(client: Client, type: 'join' | 'leave', member: string | undefined): void {
    const id = this.#request(client)
    this.#does(client, { kind: type, id, conv: group, ...(member !== undefined && { member }) })
    client.session?.up.push({ type, id, conv: group, member })
  }

  #request(client: Client, kind: 'send' | 'other' = 'other'): number {
    client.lastId += 1
    client.openIds.set(client.lastId, kind)
    return client.lastId
  }

  /** Takes what has arrived, and acknowledges it or leaves that for later. */
  #read(client: Client, frames: number, acks: boolean): void {
    for (let count = 0; count < frames; count++) {
      const frame = client.session?.down.shift()
      if (frame === undefined) break
      if (frame.type === 'msg') client.unacked.set(frame.at.conv, frame.at)
      this.#receive(client, frame)
    }
    if (acks) this.#ack(client)
  }

  #ack(client: Client): void {
    for (const position of client.unacked.values()) {
      if (client.session === undefined) return
      const id = this.#nonce % 2 === 0 ? this.#request(client) : undefined
      this.#does(client, { kind: 'ack', ...position, ...(id !== undefined && { id }) })
      client.session.up.push({ type: 'ack', id, ...position })
    }
    client.unacked.clear()
  }

  #receive(client: Client, frame: Down): void {
    if ('id' in frame && frame.id !== undefined && frame.type !== 'synced') client.openIds.delete(frame.id)
    if (frame.type === 'msg') this.#stored(client, frame.at)
    if (frame.type === 'synced') this.#stored(client, { conv: frame.conv, epoch: frame.epoch, seq: frame.to })
    if (frame.type === 'synced' && !frame.complete) client.paused.add(frame.conv)
    if (frame.type === 'page' && client.walk?.id === frame.id) {
      client.walk = frame.nextCursor === undefined ? undefined : { ...client.walk, cursor: frame.nextCursor }
    }
    this.#does(client, eventOf(frame))
    if (frame.type === 'closed') client.session = undefined
  }

  #stored(client: Client, at: Position): void {
    const known = client.cursors.get(at.conv)
    if (known === undefined || known.epoch !== at.epoch || known.seq < at.seq) client.cursors.set(at.conv, at)
  }

  #does(client: Client, event: Unrecorded): void {
    const { user, device, connection } = client
    this.#record({ ...event, ms: this.#tick(), user, device, connection } as HistoryEvent)
  }

  #record(event: HistoryEvent): void {
    this.events.push(event)
  }

  #tick(): number {
    this.#ms += 1
    return this.#ms
  }
}
