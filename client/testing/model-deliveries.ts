// What one connection of the model server still has to be told: replays, live messages, and the window.
import type { Cursor, Gap, Message, Seq, Sync } from '../../protocol/index.ts'
import type { Conversation, ModelServer, Peer } from './model-server.ts'

interface Job {
  id: number | undefined
  remaining: number
}

interface Place {
  conversation: Conversation
  position: Seq
  unacked: Seq[]
  isPaused: boolean
  replay:
    | { job: Job; from: Seq; left: number; gap: Pick<Gap, 'from' | 'to' | 'reason'> | undefined }
    | undefined
}

export class Deliveries {
  readonly #server: ModelServer
  readonly #peer: Peer
  readonly #user: () => string
  readonly places = new Map<string, Place>()

  constructor(server: ModelServer, peer: Peer, user: () => string) {
    this.#server = server
    this.#peer = peer
    this.#user = user
  }

  place(conversation: Conversation, position: Seq): Place {
    const known = this.places.get(conversation.id)
    const place = known ?? { conversation, position, unacked: [], isPaused: false, replay: undefined }
    this.places.set(conversation.id, place)
    return place
  }

  /** After `welcome`: from the named cursors, or else from those that the device has acknowledged. */
  replayAll(named: Map<string, Cursor>, device: Map<string, Cursor> | undefined): void {
    const job: Job = { id: undefined, remaining: 0 }
    for (const conversation of this.#server.conversations.values()) {
      if (!conversation.windows.has(this.#user())) continue
      const cursor = named.get(conversation.id) ?? device?.get(conversation.id)
      const place = this.place(conversation, cursor?.seq ?? 0)
      this.#startAt(place, cursor)
      if (!named.has(conversation.id) && !place.replay?.gap && this.#next(place) === undefined)
        place.replay = undefined
      else if (place.replay) {
        place.replay.job = job
        job.remaining += 1
      }
    }
    if (job.remaining === 0) this.#peer.write({ type: 'live' })
    this.pump()
  }

  /** False if one of the conversations is not the user's. */
  sync({ id, cursors, limit }: Sync): boolean {
    const places = cursors.map(({ conv }) => this.places.get(conv))
    if (places.includes(undefined)) {
      return false
    }
    const job: Job = { id, remaining: cursors.length }
    for (const [index, place] of places.entries()) {
      if (!place) continue
      this.#startAt(place, cursors[index], limit)
      if (place.replay) place.replay.job = job
    }
    this.pump()
    return true
  }

  /** Writes what is due, as far as the window has room. */
  pump(): void {
    for (const place of this.places.values()) {
      while (!place.isPaused) {
        const message = place.replay?.left === 0 ? undefined : this.#next(place)
        if (!message) break
        if (this.#unacked() >= this.#server.limits.window) return
        this.#pass(place, message.seq)
        place.unacked.push(message.seq)
        if (place.replay) place.replay.left -= 1
        this.#peer.write(
          place.replay ? { type: 'msg', ...message, replay: true } : { type: 'msg', ...message },
        )
      }
      this.#endReplay(place)
    }
  }

  /** Between two memberships lies what this user never sees. */
  #pass(place: Place, seq: Seq): void {
    const { id: conv, epoch } = place.conversation
    if (seq > place.position + 1) {
      const frame = { type: 'membership', conv, epoch, user: this.#user() } as const
      this.#peer.write({ ...frame, change: 'left', seq: place.position })
      this.#peer.write({ ...frame, change: 'joined', seq: seq - 1 })
    }
    place.position = seq
  }

  #endReplay(place: Place): void {
    const { replay, position, conversation } = place
    if (!replay) return
    const { id: conv, epoch, messages } = conversation
    const complete = this.#next(place) === undefined
    place.replay = undefined
    place.isPaused = !complete
    const range = { from: replay.from, to: position, top: messages.length, complete, recovered: !replay.gap }
    const id = replay.job.id === undefined ? {} : { id: replay.job.id }
    this.#peer.write({ type: 'synced', ...id, conv, epoch, ...range, ...(replay.gap && { gap: replay.gap }) })
    replay.job.remaining -= 1
    if (replay.job.remaining === 0) this.#peer.write({ type: 'live', ...id })
  }

  #next({ conversation, position }: Place): Message | undefined {
    const windows = conversation.windows.get(this.#user()) ?? []
    for (let index = position; index < conversation.messages.length; index++) {
      if (windows.some(([from, to]) => index + 1 > from && index + 1 <= to))
        return conversation.messages[index]
    }
    return undefined
  }

  /** The server has lost something on its own way, and waits for a `sync`. */
  breakOff(conv: string): void {
    const place = this.places.get(conv)
    if (!place || place.replay || place.isPaused) return
    const { epoch, messages } = place.conversation
    place.isPaused = true
    this.#peer.write({
      type: 'gap',
      conv,
      epoch,
      from: place.position,
      to: messages.length,
      reason: 'broker',
    })
  }

  #unacked(): number {
    let unacked = 0
    for (const place of this.places.values()) unacked += place.unacked.length
    return unacked
  }

  /** Where a replay begins that was asked to begin at `cursor`, or at the beginning. */
  #startAt(place: Place, cursor: Cursor | undefined, left = Number.MAX_SAFE_INTEGER): void {
    const { epoch, messages } = place.conversation
    const top = messages.length
    const oldest = Math.max(0, top - this.#server.limits.offlineMax)
    const seq = cursor?.seq ?? 0
    let from = Math.max(seq, oldest)
    let gap: NonNullable<Place['replay']>['gap'] =
      seq < oldest ? { from: seq, to: oldest, reason: 'overflow' } : undefined
    if (cursor && cursor.epoch !== epoch) {
      from = oldest
      gap = { from: 0, to: oldest, reason: 'epoch' }
    } else if (seq > top) {
      from = top
      gap = { from: top, to: seq, reason: 'future' }
    }
    place.position = from
    place.unacked = []
    place.isPaused = false
    place.replay = { job: { id: undefined, remaining: 0 }, from, left, gap }
  }
}
