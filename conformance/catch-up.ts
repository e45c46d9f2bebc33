// What a client does after a `gap`: asks for what is missing until it has all of it. [CLI-14]
import type { Cursor, ServerMessage } from '../protocol/index.ts'

export interface CatchUpRequest {
  type: 'sync'
  id: number
  cursors: Cursor[]
  limit: number
}

export class CatchUp {
  /** Messages per request: the largest that the server takes. */
  limit = 1
  /** Of the requests that were written here and not by a case. */
  readonly #ids = new Set<number>()

  /** The request that follows from this frame, if any. */
  after(frame: ServerMessage, nextId: () => number): CatchUpRequest | undefined {
    const cursor = this.#missing(frame)
    if (!cursor) return undefined
    const id = nextId()
    this.#ids.add(id)
    return { type: 'sync', id, cursors: [cursor], limit: this.limit }
  }

  #missing(frame: ServerMessage): Cursor | undefined {
    if (frame.type === 'gap') return { conv: frame.conv, epoch: frame.epoch, seq: frame.from }
    if (frame.type !== 'synced' || frame.complete) return undefined
    const isOurs = frame.id !== undefined && this.#ids.has(frame.id)
    return isOurs ? { conv: frame.conv, epoch: frame.epoch, seq: frame.to } : undefined
  }
}
