// A chat server in a few lines that keeps every promise, without the wire.
import type { Position, SeenMessage } from '../events.ts'
import { SimulatedConversation as Conversation } from './simulated-conversation.ts'
import { type Down, type Up, windowSize } from './simulated-frames.ts'
import { keyOf, type Place, refuse, type Session, unackedOf } from './simulated-session.ts'

const offlineMax = 8

type Frame<Type extends Up['type']> = Extract<Up, { type: Type }>

export class SimulatedServer {
  epoch = 'e1'
  /** What becomes of the next send: refused, or answered with an error although it is stored or not. */
  mood: 'well' | 'throttle' | 'fail-after' | 'fail-before' = 'well'
  #clock = 1_000
  #epochs = 1
  readonly #conversations = new Map<string, Conversation>()
  readonly #dedup = new Map<string, { conv: string; hash: number; seq: number; timestamp: number }>()
  readonly #cursors = new Map<string, { epoch: string; seq: number }>()
  #sessions: Session[] = []

  open(user: string, device: string): Session {
    return { user, device, isOpen: true, up: [], down: [], places: new Map() }
  }

  /** Processes what a connection has written, at most so many frames. */
  serve(session: Session, frames: number): void {
    for (let count = 0; count < frames && session.isOpen; count++) {
      const frame = session.up.shift()
      if (frame === undefined) return
      this.#handle(session, frame)
    }
  }

  /** The server has noticed that the connection is gone. */
  drop(session: Session): void {
    session.isOpen = false
    this.#sessions = this.#sessions.filter((other) => other !== session)
  }

  /** All connections die; what was acked stays. Cursors of devices may be older than their acks. */
  kill(losesCursors: boolean): void {
    for (const session of [...this.#sessions]) this.drop(session)
    if (losesCursors) this.#cursors.clear()
  }

  /** A server with its log in memory comes back with nothing, and says so by a new epoch. */
  forgetAll(): void {
    this.kill(false)
    this.#conversations.clear()
    this.#dedup.clear()
    this.#epochs += 1
    this.epoch = `e${this.#epochs}`
  }

  #conversation(id: string): Conversation {
    const conversation = this.#conversations.get(id) ?? new Conversation(id)
    this.#conversations.set(id, conversation)
    return conversation
  }

  #handle(session: Session, frame: Up): void {
    if (frame.type === 'hello') this.#hello(session, frame.cursors)
    else if (frame.type === 'send') this.#send(session, frame)
    else if (frame.type === 'ack') this.#ack(session, frame)
    else if (frame.type === 'sync') this.#sync(session, frame)
    else if (frame.type === 'history') this.#history(session, frame)
    else if (frame.type === 'ping') session.down.push({ type: 'pong', n: frame.n })
    else this.#member(session, frame)
  }

  #hello(session: Session, cursors: Position[] | undefined): void {
    this.#replace(session)
    const sync = { id: undefined, remaining: 0 }
    let isLossless = true
    for (const conversation of this.#conversations.values()) {
      if (!conversation.knows(session.user)) continue
      const named = cursors?.find(({ conv }) => conv === conversation.id)
      const position = this.#position(named ?? this.#cursors.get(keyOf(session, conversation.id)))
      const { from, recovered } = conversation.start(session.user, position, offlineMax)
      const place = this.#place(session, conversation, from)
      if (named !== undefined && !recovered) isLossless = false
      const isNeeded =
        named !== undefined || !recovered || conversation.next(session.user, from) !== undefined
      if (!isNeeded) continue
      sync.remaining += 1
      place.mode = 'behind'
      place.job = { sync, from, allowance: Number.POSITIVE_INFINITY, recovered }
    }
    const foreign = new Set(
      cursors?.map(({ conv }) => conv).filter((conv) => !this.#knows(conv, session.user)),
    )
    const resumed = cursors !== undefined && isLossless && foreign.size === 0
    session.down.push({ type: 'welcome', resumed }, ...[...foreign].map((conv) => this.#syncedForeign(conv)))
    if (sync.remaining === 0) session.down.push({ type: 'live' })
    this.#pump(session)
  }

  /** The same device again: the newest connection wins. */
  #replace(session: Session): void {
    const replaced = this.#sessions.find((other) => keyOf(other, '') === keyOf(session, ''))
    if (replaced !== undefined) {
      replaced.down.push({ type: 'closed', code: 4507 })
      this.drop(replaced)
    }
    this.#sessions.push(session)
  }

  #position(cursor: { epoch: string; seq: number } | undefined): number | 'lost' | undefined {
    return cursor === undefined || cursor.epoch === this.epoch ? cursor?.seq : 'lost'
  }

  #knows(conv: string, user: string): boolean {
    return this.#conversations.get(conv)?.knows(user) === true
  }

  #syncedForeign(conv: string): Down {
    const nothing = { from: 0, to: 0, top: 0, complete: true, recovered: false }
    return { type: 'synced', conv, epoch: this.epoch, ...nothing }
  }

  #place(session: Session, conversation: Conversation, position: number): Place {
    const known = session.places.get(conversation)
    const place: Place = known ?? { mode: 'live', position, unacked: [], job: undefined }
    session.places.set(conversation, place)
    place.position = position
    return place
  }

  #send(session: Session, { id, msgId, conv, hash }: Frame<'send'>): void {
    const { mood } = this
    this.mood = 'well'
    const conversation = this.#conversation(conv)
    const known = this.#dedup.get(`${session.user} ${msgId}`)
    const isConflict = known !== undefined && (known.conv !== conv || known.hash !== hash)
    if (mood === 'throttle') return refuse(session, id, 104)
    if (mood === 'fail-before') return refuse(session, id, 100)
    if (!conversation.isMember(session.user)) return refuse(session, id, 103)
    if (isConflict) return refuse(session, id, 106)
    const entry = known ?? { conv, hash, seq: conversation.head + 1, timestamp: ++this.#clock }
    const { seq, timestamp } = entry
    this.#dedup.set(`${session.user} ${msgId}`, entry)
    const message = { seq, from: session.user, msgId, hash, timestamp }
    if (known === undefined) conversation.log.push(message)
    const at = { conv, epoch: this.epoch, seq }
    if (mood === 'fail-after') refuse(session, id, 100)
    else session.down.push({ type: 'sent', id, msgId, timestamp, duplicate: known !== undefined, at })
    if (known === undefined) this.#deliver(conversation, message, session)
  }

  #deliver(conversation: Conversation, message: SeenMessage, origin: Session): void {
    for (const session of this.#sessions) {
      if (!conversation.isMember(session.user)) continue
      const place = session.places.get(conversation) ?? this.#place(session, conversation, message.seq - 1)
      if (place.mode !== 'live') continue
      if (session === origin) place.position = message.seq
      else if (unackedOf(session) >= windowSize) place.mode = 'behind'
      else this.#write(session, conversation, { place, message, replay: false })
    }
  }

  #write(session: Session, { id }: Conversation, { place, message, replay }: Writing): void {
    place.position = message.seq
    place.unacked.push(message.seq)
    session.down.push({ type: 'msg', message, at: { conv: id, epoch: this.epoch, seq: message.seq }, replay })
  }

  #pump(session: Session): void {
    for (const [conversation, place] of session.places) {
      while (place.mode === 'behind') {
        const next = conversation.next(session.user, place.position)
        if (next === undefined) this.#finish(session, conversation, place)
        else if (place.job !== undefined && place.job.allowance <= 0) {
          this.#finish(session, conversation, place, 'paused')
        } else if (unackedOf(session) >= windowSize) break
        else this.#replay(session, conversation, { place, next })
      }
    }
  }

  #replay(
    session: Session,
    conversation: Conversation,
    { place, next }: { place: Place; next: number },
  ): void {
    if (next > place.position + 1) {
      const gap = { from: place.position, to: next - 1, reason: 'membership' }
      session.down.push({ type: 'gap', conv: conversation.id, epoch: this.epoch, ...gap })
    }
    const message = conversation.log[next - 1]
    if (message !== undefined) this.#write(session, conversation, { place, message, replay: true })
    if (place.job !== undefined) place.job.allowance -= 1
  }

  #finish(
    session: Session,
    conversation: Conversation,
    place: Place,
    mode: 'live' | 'paused' = 'live',
  ): void {
    const { job } = place
    place.mode = mode
    place.job = undefined
    if (job === undefined) return
    const { from, recovered } = job
    const { id } = job.sync
    const named = id === undefined ? {} : { id }
    const range = { from, to: place.position, top: conversation.top(session.user) }
    const flags = { complete: mode === 'live', recovered }
    session.down.push({
      type: 'synced',
      ...named,
      conv: conversation.id,
      epoch: this.epoch,
      ...range,
      ...flags,
    })
    job.sync.remaining -= 1
    if (job.sync.remaining === 0) session.down.push({ type: 'live', ...named })
  }

  #ack(session: Session, { id, conv, epoch, seq }: Frame<'ack'>): void {
    const place = session.places.get(this.#conversation(conv))
    if (epoch === this.epoch && place !== undefined) {
      place.unacked = place.unacked.filter((one) => one > seq)
      const known = this.#cursors.get(keyOf(session, conv))
      if (known?.epoch !== epoch || known.seq < seq) this.#cursors.set(keyOf(session, conv), { epoch, seq })
    }
    if (id !== undefined) session.down.push({ type: 'ok', id })
    this.#pump(session)
  }

  #sync(session: Session, { id, cursors, limit }: Frame<'sync'>): void {
    if (!cursors.every(({ conv }) => this.#knows(conv, session.user))) return refuse(session, id, 103)
    const sync = { id, remaining: cursors.length }
    for (const cursor of cursors) {
      const conversation = this.#conversation(cursor.conv)
      const position = this.#position(cursor)
      const { from, recovered } = conversation.start(session.user, position, Number.POSITIVE_INFINITY)
      const place = session.places.get(conversation) ?? this.#place(session, conversation, 0)
      if (place.job !== undefined) this.#finish(session, conversation, place, 'paused')
      place.position = from
      place.unacked = []
      place.mode = 'behind'
      place.job = { sync, from, allowance: limit, recovered }
    }
    this.#pump(session)
  }

  #history(session: Session, { id, conv, order, limit, afterSeq, cursor }: Frame<'history'>): void {
    if (!this.#knows(conv, session.user)) return refuse(session, id, 103)
    const from = cursor === undefined ? undefined : Number(cursor)
    const isBehind = (seq: number) => from === undefined || (order === 'asc' ? seq > from : seq < from)
    const visible = this.#conversation(conv).visible(session.user)
    const rest = visible.filter(({ seq }) => seq > afterSeq && isBehind(seq))
    if (order === 'desc') rest.reverse()
    const items = rest.slice(0, limit)
    const complete = items.length === rest.length
    const nextCursor = complete ? {} : { nextCursor: String(items.at(-1)?.seq) }
    session.down.push({ type: 'page', id, epoch: this.epoch, items, complete, ...nextCursor })
  }

  #member(session: Session, { type, id, conv, member }: Frame<'join' | 'leave'>): void {
    const conversation = this.#conversation(conv)
    const who = member ?? session.user
    const isIn = conversation.isMember(who)
    const mayAct = member === undefined || conversation.owner === session.user
    if (!mayAct || isIn === (type === 'join')) return refuse(session, id, isIn ? 201 : 103)
    const top = conversation.head
    if (type === 'join') conversation.join(who)
    else conversation.leave(who)
    const change = type === 'join' ? 'joined' : member === undefined ? 'left' : 'removed'
    for (const other of this.#sessions) {
      if (other.user !== who) continue
      // What is behind or paused still has older messages to bring.
      const mode = other.places.get(conversation)?.mode ?? 'live'
      if (type === 'join' && mode === 'live') this.#place(other, conversation, top)
      const at = { conv, epoch: this.epoch, seq: top }
      if (other !== session) other.down.push({ type: 'membership', at, member: who, change })
    }
    session.down.push({ type: 'ok', id, epoch: this.epoch, top })
  }
}

interface Writing {
  place: Place
  message: SeenMessage
  replay: boolean
}
