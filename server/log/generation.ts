// HOT PATH, guarded by bench/log.bench.ts: the newest messages, as the bytes of their commits, and where each lies.
// They answer reads and repeats until their chunks are written; then the whole generation goes.
import type { Milliseconds, Seq } from '../../protocol/index.ts'
import type { Draft } from '../log.ts'
import type { IdHash } from './id-hash.ts'
import { IdTable } from './id-table.ts'
import {
  type Place,
  recordConversation,
  recordFrom,
  recordHasId,
  recordLength,
  recordMsgId,
  recordRoom,
  recordSeq,
  recordTimestamp,
  writeRecord,
} from './record.ts'
import { headerBytes, seal, sealedCount } from './seal.ts'

const firstCapacity = 1_048_576

/** Consecutive messages of one conversation: where their records begin. */
export interface Tail {
  firstSeq: Seq
  offsets: number[]
}

export class Generation {
  /** Durable are the commits `firstCommit` to `lastCommit`, or none while these are 0. */
  firstCommit = 0
  lastCommit = 0
  bytes = Buffer.allocUnsafeSlow(firstCapacity)
  /** Where the next commit begins. */
  #sealedTo = 0
  /** What lies before is durable. */
  #durableTo = 0
  /** Where the next record begins. */
  #end = 0
  #gathered = 0
  readonly tails = new Map<number, Tail>()
  readonly ids = new IdTable()
  readonly #hash: IdHash

  constructor(hash: IdHash) {
    this.#hash = hash
  }

  get size(): number {
    return this.#end
  }

  /** Bytes of the commit that is being gathered. */
  get gatheredBytes(): number {
    return this.#end - this.#sealedTo
  }

  /** `hash` holds the hash of the draft's id. */
  add(draft: Draft, place: Place): void {
    this.#makeRoom(recordRoom(draft) + headerBytes)
    const at = this.#gathered === 0 ? this.#sealedTo + headerBytes : this.#end
    this.#end = writeRecord(this.bytes, at, draft, place)
    this.#gathered += 1
    this.#index(at, place.conversation, place.seq)
  }

  /** The bytes of the gathered commit; they stay as they are. */
  seal(): Buffer {
    const sealed = seal(this.bytes.subarray(this.#sealedTo, this.#end), this.#gathered)
    this.#sealedTo = this.#end
    this.#gathered = 0
    return sealed
  }

  /** What was sealed is durable now, under the number `commit`. */
  committed(commit: number): void {
    if (this.#durableTo === this.#sealedTo) return
    this.#durableTo = this.#sealedTo
    if (this.firstCommit === 0) this.firstCommit = commit
    this.lastCommit = commit
  }

  /** Begins anew, with the memory that it has: nobody may need what was in it. */
  reset(): void {
    this.firstCommit = this.lastCommit = 0
    this.#end = this.#sealedTo = this.#durableTo = 0
    this.#gathered = 0
    this.tails.clear()
    this.ids.clear()
  }

  /** Forgets everything that is not durable. */
  rollBack(): void {
    if (this.#end === this.#durableTo) return
    this.#end = this.#sealedTo = this.#durableTo
    this.#gathered = 0
    this.tails.clear()
    this.ids.clear()
    for (let at = 0; at < this.#end; ) at = this.#indexCommit(at)
  }

  /** Takes in a whole commit that was found on the disk. */
  replay(commit: number, bytes: Buffer): void {
    this.#makeRoom(bytes.length)
    this.bytes.set(bytes, this.#end)
    this.#end = this.#sealedTo = this.#indexCommit(this.#end)
    this.committed(commit)
  }

  /** Where the message with this id lies, unless it is older than `oldest`; else 0. `hash` holds the hash of the id. */
  find(from: string, msgId: string, oldest: Milliseconds): number {
    const { high, low } = this.#hash
    for (let slot = this.ids.find(high, low); slot >= 0; slot = this.ids.findAfter(slot, high, low)) {
      const at = this.ids.offsetAt(slot)
      if (recordHasId(this.bytes, at, from, msgId) && recordTimestamp(this.bytes, at) >= oldest) return at
    }
    return 0
  }

  #indexCommit(start: number): number {
    let at = start + headerBytes
    for (let left = sealedCount(this.bytes.subarray(start)); left > 0; left -= 1) {
      this.#hash.of(recordFrom(this.bytes, at), recordMsgId(this.bytes, at))
      this.#index(at, recordConversation(this.bytes, at), recordSeq(this.bytes, at))
      at += recordLength(this.bytes, at)
    }
    return at
  }

  #index(at: number, conversation: number, seq: Seq): void {
    this.ids.add(this.#hash.high, this.#hash.low, at)
    const tail = this.tails.get(conversation)
    if (tail === undefined) this.tails.set(conversation, { firstSeq: seq, offsets: [at] })
    else tail.offsets.push(at)
  }

  #makeRoom(room: number): void {
    if (this.#end + room <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.#end + room))
    this.bytes.copy(grown, 0, 0, this.#end)
    // A commit under way still reads from the old buffer, which lives until it is done.
    this.bytes = grown
  }
}
