// What the log knows about conversations: their numbers and heads. Loaded when first asked for, dropped when idle.
import { ChatspecError, type Milliseconds, type Seq } from '../../protocol/index.ts'
import { nameKey, numberKey, numberPrefix } from './layout.ts'
import type { LogReader } from './reader.ts'
import type { Store, Write } from './store.ts'

export interface Conversation {
  readonly name: string
  readonly number: number
  /** Its name and number are not on the disk yet. */
  isNew: boolean
  /** The last seq that was handed out, and the timestamp that came with it. */
  assigned: Seq
  timestamp: Milliseconds
  /** The last seq of the commit that is under way. */
  sealed: Seq
  /** The last durable seq. */
  head: Seq
}

const maxNameBytes = 1_024

export class Conversations {
  readonly #store: Store
  readonly #reader: LogReader
  readonly #capacity: number
  #nextNumber: number
  /** Twice `capacity` are kept at most, not counting those with messages under way. */
  #recent = new Map<string, Conversation>()
  #older = new Map<string, Conversation>()

  constructor(store: Store, reader: LogReader, capacity: number) {
    this.#store = store
    this.#reader = reader
    this.#capacity = capacity
    this.#nextNumber = lastNumber(store) + 1
  }

  /** @throws ChatspecError `LOG_DAMAGED` */
  get(name: string): Conversation | undefined {
    return this.#recent.get(name) ?? this.#older.get(name) ?? this.#load(name)
  }

  /**
   * One that `get` did not find.
   * @throws ChatspecError `BAD_DRAFT`
   */
  create(name: string): Conversation {
    const nameBytes = Buffer.byteLength(name)
    if (nameBytes > maxNameBytes) {
      throw new ChatspecError(
        'BAD_DRAFT',
        `the name of a conversation has ${nameBytes} bytes; allowed: ${maxNameBytes}`,
      )
    }
    const conversation = {
      name,
      number: this.#nextNumber,
      isNew: true,
      assigned: 0,
      timestamp: 0,
      sealed: 0,
      head: 0,
    }
    this.#nextNumber += 1
    this.#keep(conversation)
    return conversation
  }

  /** What was assigned and not committed is void: the next `get` loads what is durable. */
  forget(name: string): void {
    this.#recent.delete(name)
    this.#older.delete(name)
  }

  #load(name: string): Conversation | undefined {
    const number = this.#store.get(nameKey(name))?.readUInt32LE(0)
    if (number === undefined) return undefined
    if (this.#store.get(numberKey(number))?.toString() !== name) {
      throw new ChatspecError('LOG_DAMAGED', `conversation number ${number} and its name do not agree`)
    }
    const { seq, timestamp } = this.#reader.last(number)
    const conversation = { name, number, isNew: false, assigned: seq, timestamp, sealed: seq, head: seq }
    this.#keep(conversation)
    return conversation
  }

  #keep(conversation: Conversation): void {
    if (this.#recent.size >= this.#capacity) {
      for (const old of this.#older.values()) if (old.assigned !== old.head) this.#recent.set(old.name, old)
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(conversation.name, conversation)
  }
}

/** What makes a new conversation known. */
export function namingWrites({ name, number }: Conversation): Write[] {
  const value = Buffer.alloc(4)
  value.writeUInt32LE(number)
  return [
    { key: nameKey(name), value },
    { key: numberKey(number), value: Buffer.from(name) },
  ]
}

function lastNumber(store: Store): number {
  return store.floor(numberKey(0xffff_ffff), numberPrefix)?.key.readUInt32BE(1) ?? 0
}
