// Messages on their way in: each goes to the application once, in order, and is acknowledged once that is stored.
import type { Ack, ConversationId, Cursor, Gap, Msg, Seq, Synced } from '../protocol/index.ts'
import type { Discontinuity } from './effects.ts'
import { Place } from './place.ts'
import type { Position } from './storage.ts'

/** Bytes of the cursors in one `hello`; devices with more conversations leave the rest to the server's own cursors. */
const maxCursorBytes = 65_536
const maxCursors = 1_000

export class Inbox {
  /** The most recently used last. */
  readonly #places = new Map<ConversationId, Place>()
  /** Messages handed over and not yet handled, over all conversations. */
  #inHand = 0
  #isLive = false

  restore(positions: readonly Position[]): void {
    for (const position of positions) this.#places.set(position.conv, Place.restore(position))
  }

  get inHand(): number {
    return this.#inHand
  }

  /** A connection begins: names what is stored, so that the server continues there. */
  connecting(): Cursor[] {
    this.#isLive = false
    const cursors: Cursor[] = []
    let bytes = 0
    for (const place of [...this.#places.values()].reverse()) {
      place.connecting()
      const cursor = place.cursor()
      if (cursor) bytes += cursor.conv.length + cursor.epoch.length + 64
      if (!cursor || bytes > maxCursorBytes || cursors.length === maxCursors) continue
      cursors.push(cursor)
    }
    return cursors
  }

  /** `deliver`: the next one, for the application. `known`: had it. `hole`: not the next one; ask for what is missing. */
  message(msg: Msg): 'deliver' | 'known' | 'hole' {
    const verdict = this.#touch(msg.conv, msg.epoch).message(msg)
    if (verdict === 'deliver') this.#inHand += 1
    return verdict
  }

  /** An own message has its place: it counts as handed over. */
  own(conv: ConversationId, epoch: string, seq: Seq): void {
    this.#touch(conv, epoch).own(epoch, seq)
  }

  synced(frame: Synced): Discontinuity | undefined {
    return this.#touch(frame.conv, frame.epoch).synced(frame)
  }

  gap(frame: Gap): void {
    this.#touch(frame.conv, frame.epoch).gap(frame)
  }

  /** The membership begins after `top`. */
  joined(conv: ConversationId, epoch: string, top: Seq): void {
    this.#touch(conv, epoch).joined(epoch, top)
  }

  /** The membership ends with `top`. */
  left(conv: ConversationId, top: Seq): void {
    this.#places.get(conv)?.left(top)
  }

  /** All replays of this connection are over. */
  live(): void {
    this.#isLive = true
    for (const place of this.#places.values()) place.live()
  }

  /** The epoch that the read position belongs to; undefined if it does not move. */
  read(conv: ConversationId, seq: Seq): string | undefined {
    return this.#places.get(conv)?.read(seq)
  }

  handled(conv: ConversationId, epoch: string, seq: Seq): void {
    this.#inHand -= 1
    this.#places.get(conv)?.handled(epoch, seq)
  }

  /** The positions as they are now, on their way into the storage. */
  saving(): Position[] {
    return [...this.#places.values()].map((place) => place.saving())
  }

  saved(): void {
    for (const place of this.#places.values()) place.saved()
  }

  /** What is stored and not yet acknowledged. */
  acks(): Ack[] {
    const acks: Ack[] = []
    for (const place of this.#places.values()) {
      const ack = place.ack()
      if (ack) acks.push(ack)
    }
    return acks
  }

  /** Positions from which the server has to go on, once everything before them is stored. */
  syncs(): Cursor[] {
    const cursors: Cursor[] = []
    for (const place of this.#places.values()) {
      const cursor = place.takeSync()
      if (cursor) cursors.push(cursor)
    }
    return cursors
  }

  /** The conversation is not, or no longer, this user's. */
  forget(conv: ConversationId): void {
    this.#places.delete(conv)
  }

  #touch(conv: ConversationId, epoch: string): Place {
    const known = this.#places.get(conv)
    const place = known ?? new Place(conv, epoch)
    if (!known && this.#isLive) place.live()
    if (known) this.#places.delete(conv)
    else if (this.#places.size >= maxCursors) this.#makeRoom()
    this.#places.set(conv, place)
    return place
  }

  /** Only what is over may be forgotten: a server that missed the last ack would be believed to send something new. */
  #makeRoom(): void {
    for (const place of this.#places.values()) {
      if (place.isOver) return void this.#places.delete(place.conv)
    }
  }
}
