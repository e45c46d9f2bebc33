// Finds stored messages: the newest in the generations in memory, all others in the chunks on the disk.
import { ChatspecError, type Milliseconds, type Seq } from '../../protocol/index.ts'
import type { Generation } from './generation.ts'
import { chunkKey, maxSeq, numberKey } from './layout.ts'
import { recordConversation, recordLength, recordSeq, recordTimestamp } from './record.ts'
import { headerBytes, isWhole } from './seal.ts'
import type { Entry, Store } from './store.ts'

type Visit = (bytes: Buffer, at: number) => void

/** A record, and the bytes that it lies in. */
export interface Located {
  bytes: Buffer
  at: number
}

export class LogReader {
  readonly #store: Store
  /** Oldest first. */
  readonly #generations: () => readonly Generation[]

  constructor(store: Store, generations: () => readonly Generation[]) {
    this.#store = store
    this.#generations = generations
  }

  /**
   * The last message of a conversation, durable or not: its seq and timestamp, or zeros.
   * @throws ChatspecError `LOG_DAMAGED`
   */
  last(conversation: number): { seq: Seq; timestamp: Milliseconds } {
    const located = this.#lastInMemory(conversation) ?? this.#lastOnDisk(conversation)
    if (located === undefined) return { seq: 0, timestamp: 0 }
    return {
      seq: recordSeq(located.bytes, located.at),
      timestamp: recordTimestamp(located.bytes, located.at),
    }
  }

  /**
   * Visits the records from `first` to `last`, which have to exist, in seq order.
   * @throws ChatspecError `LOG_DAMAGED`
   */
  each(conversation: number, first: Seq, last: Seq, visit: Visit): void {
    let next = first
    for (const generation of this.#generations()) {
      const tail = generation.tails.get(conversation)
      if (tail === undefined || next > last) continue
      if (next < tail.firstSeq)
        next = this.#eachOnDisk(conversation, next, Math.min(last, tail.firstSeq - 1), visit)
      for (; next <= last && next - tail.firstSeq < tail.offsets.length; next += 1) {
        visit(generation.bytes, tail.offsets[next - tail.firstSeq] ?? 0)
      }
    }
    if (next <= last) this.#eachOnDisk(conversation, next, last, visit)
  }

  /** @throws ChatspecError `LOG_DAMAGED` */
  find(conversation: number, seq: Seq): Located {
    let found: Located | undefined
    this.each(conversation, seq, seq, (bytes, at) => {
      found = { bytes, at }
    })
    return found ?? damaged(this.#store, conversation, seq)
  }

  #eachOnDisk(conversation: number, first: Seq, last: Seq, visit: Visit): Seq {
    let next = first
    const eachIn = (entry: Entry): void => {
      const bytes = checked(this.#store, entry)
      for (let at = headerBytes; at < bytes.length && next <= last; at += recordLength(bytes, at)) {
        if (recordSeq(bytes, at) !== next) continue
        visit(bytes, at)
        next += 1
      }
    }
    const begin = this.#store.floor(chunkKey(conversation, first), chunkKey(conversation, 0))
    if (begin !== undefined) eachIn(begin)
    if (next <= last) {
      for (const entry of this.#store.range(chunkKey(conversation, next), chunkKey(conversation, last + 1)))
        eachIn(entry)
    }
    return next > last ? next : damaged(this.#store, conversation, next)
  }

  #lastInMemory(conversation: number): Located | undefined {
    let found: Located | undefined
    for (const generation of this.#generations()) {
      const at = generation.tails.get(conversation)?.offsets.at(-1)
      if (at !== undefined) found = { bytes: generation.bytes, at }
    }
    return found
  }

  #lastOnDisk(conversation: number): Located | undefined {
    const entry = this.#store.floor(chunkKey(conversation, maxSeq), chunkKey(conversation, 0))
    if (entry === undefined) return undefined
    const bytes = checked(this.#store, entry)
    let at = headerBytes
    while (at + recordLength(bytes, at) < bytes.length) at += recordLength(bytes, at)
    return { bytes, at }
  }
}

/** The bytes of a chunk, if they are what was written under this key. */
function checked(store: Store, { key, value }: Entry): Buffer {
  const conversation = key.readUInt32BE(1)
  const seq = key.readUIntBE(5, 6)
  const isRight =
    isWhole(value) &&
    recordConversation(value, headerBytes) === conversation &&
    recordSeq(value, headerBytes) === seq
  return isRight ? value : damaged(store, conversation, seq)
}

function damaged(store: Store, conversation: number, seq: Seq): never {
  const name = store.get(numberKey(conversation))?.toString() ?? `number ${conversation}`
  throw new ChatspecError('LOG_DAMAGED', `conversation ${name} cannot be read at seq ${seq}`)
}
