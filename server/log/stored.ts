// HOT PATH, guarded by bench/log.bench.ts: the durable log. Group commit: while one is under way, the next gathers.
// What lies on the disk: log/layout.ts. How it is read back: log/recovery.ts.
import { ChatspecError, type Message, type Milliseconds, type Seq } from '../../protocol/index.ts'
import type {
  AppendOutcome,
  CommitListener,
  Draft,
  LogOptions,
  MessageLog,
  ReadRange,
  RecordKey,
  RecordValue,
} from '../log.ts'
import { type Conversation, Conversations } from './conversations.ts'
import { Flush } from './flush.ts'
import { Gathering } from './gathering.ts'
import { Generation } from './generation.ts'
import type { IdIndex } from './id-index.ts'
import { commitKey } from './layout.ts'
import { LogReader } from './reader.ts'
import type { Recovered } from './recovery.ts'
import { readRecord, recordTimestamp } from './record.ts'
import { listRecords as listStoredRecords, readRecord as readStoredRecord, recordWrite } from './records.ts'
import { Repeats } from './repeats.ts'
import { Scratch } from './scratch.ts'
import type { Store } from './store.ts'
import type { LogTuning } from './tuning.ts'

export interface OpenedLog extends Recovered {
  store: Store
  options: LogOptions
  tuning: LogTuning
}

export class StoredLog implements MessageLog {
  readonly durability = 'fsync'
  readonly kind = 'lmdb'
  readonly epoch: string
  readonly recovery: readonly string[]
  readonly #store: Store
  readonly #tuning: LogTuning
  readonly #ids: IdIndex
  readonly #repeats: Repeats
  readonly #reader: LogReader
  readonly #conversations: Conversations
  #active: Generation
  /** Complete; its chunks are being written. */
  #full: Generation | undefined
  #flush: Flush | undefined
  /** Has the memory for the next active one. */
  #spare: Generation
  readonly #scratch = new Scratch()
  #gathering = new Gathering()
  #nextCommit: number
  #underWay: Promise<void> | undefined
  #isScheduled = false
  #lastCommit = { startedAt: 0, answers: 0 }
  #listener: CommitListener = () => {}
  #closed = false

  constructor(opened: OpenedLog) {
    this.#store = opened.store
    this.#tuning = opened.tuning
    this.epoch = opened.epoch
    this.recovery = opened.recovery
    this.#ids = opened.ids
    this.#nextCommit = opened.nextCommit
    this.#active = new Generation(opened.hash)
    this.#spare = new Generation(opened.hash)
    this.#reader = new LogReader(this.#store, () => this.#generations())
    this.#conversations = new Conversations(this.#store, this.#reader, this.#tuning.conversations)
    this.#repeats = new Repeats({
      options: opened.options,
      epoch: opened.epoch,
      hash: opened.hash,
      ids: this.#ids,
      reader: this.#reader,
      generations: () => this.#generations(),
    })
    if (opened.generation.size > 0) {
      this.#full = opened.generation
      this.#flush = this.#flushOf(this.#full)
    }
  }

  append(draft: Draft, done: (outcome: AppendOutcome) => void): void {
    this.#requireOpen()
    this.#gathering.answers.append(this.#place(draft), done)
    this.#schedule()
  }

  answerRepeat(draft: Draft, done: (outcome: AppendOutcome) => void): boolean {
    this.#requireOpen()
    const outcome = this.#placeRepeat(draft)
    if (outcome === undefined) return false
    this.#gathering.answers.append(outcome, done)
    this.#schedule()
    return true
  }

  onCommit(listener: CommitListener): void {
    this.#listener = listener
  }

  assignedHead(conv: string): Seq {
    return this.#conversations.get(conv)?.assigned ?? 0
  }

  head(conv: string): Seq {
    return this.#conversations.get(conv)?.head ?? 0
  }

  read(conv: string, range: ReadRange): Message[] {
    const conversation = this.#conversations.get(conv)
    const last = Math.min(range.upTo, conversation?.head ?? 0)
    const messages: Message[] = []
    if (conversation === undefined || range.after >= last || range.limit < 1) return messages
    const first = range.reverse ? Math.max(range.after, last - range.limit) + 1 : range.after + 1
    this.#reader.each(conversation.number, first, Math.min(last, first + range.limit - 1), (bytes, at) => {
      messages.push(readRecord(bytes, at, conv, this.epoch))
    })
    return range.reverse ? messages.reverse() : messages
  }

  seqAtTime(conv: string, time: Milliseconds): Seq {
    const conversation = this.#conversations.get(conv)
    if (conversation === undefined) return 1
    let low = 1
    let high = conversation.head + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const { bytes, at } = this.#reader.find(conversation.number, middle)
      if (recordTimestamp(bytes, at) < time) low = middle + 1
      else high = middle
    }
    return low
  }

  getRecord(key: RecordKey): RecordValue | undefined {
    return readStoredRecord(this.#store, key)
  }

  listRecords(prefix: RecordKey): Iterable<readonly [RecordKey, RecordValue]> {
    return listStoredRecords(this.#store, prefix)
  }

  putRecord(key: RecordKey, value: RecordValue | undefined, done?: (failure?: Error) => void): void {
    this.#requireOpen()
    const write = recordWrite(key, value)
    this.#gathering.records.set(write.key.toString('latin1'), write)
    if (done !== undefined) this.#gathering.answers.record(done)
    this.#schedule()
  }

  async close(): Promise<void> {
    while (this.#underWay !== undefined || !this.#gathering.isEmpty) {
      if (this.#underWay === undefined) this.#begin()
      await this.#underWay
    }
    this.#closed = true
    await this.#store.close()
  }

  /** Decides about a draft, and puts it into the gathering commit if it is new. */
  #place(draft: Draft): AppendOutcome {
    try {
      const conversation = this.#conversations.get(draft.conv)
      return (
        this.#repeats.answer(draft, conversation) ??
        this.#add(draft, conversation ?? this.#conversations.create(draft.conv))
      )
    } catch (cause) {
      return unavailable(cause)
    }
  }

  #placeRepeat(draft: Draft): AppendOutcome | undefined {
    try {
      return this.#repeats.answer(draft, this.#conversations.get(draft.conv))
    } catch (cause) {
      return unavailable(cause)
    }
  }

  #add(draft: Draft, conversation: Conversation): AppendOutcome {
    const seq = conversation.assigned + 1
    const timestamp = Math.max(draft.timestamp, conversation.timestamp)
    this.#active.add(draft, { conversation: conversation.number, seq, timestamp })
    this.#gathering.assign(conversation)
    conversation.timestamp = timestamp
    return { kind: 'stored', seq, timestamp }
  }

  #generations(): readonly Generation[] {
    return this.#full === undefined ? [this.#active] : [this.#full, this.#active]
  }

  #requireOpen(): void {
    if (this.#closed) throw new ChatspecError('LOG_CLOSED', 'the log is closed')
  }

  /**
   * The next commit starts when this turn of the event loop is over and no other is under way. Under load it waits
   * until `gatherMs` after the start of the last one: to the processor a commit is as much work with ten messages
   * as with a hundred.
   */
  #schedule(): void {
    if (this.#isScheduled || this.#underWay !== undefined || this.#gathering.isEmpty) return
    this.#isScheduled = true
    const isBusy = this.#lastCommit.answers >= this.#tuning.gatherAnswers
    const waitMs = isBusy ? this.#lastCommit.startedAt + this.#tuning.gatherMs - performance.now() : 0
    const begin = (): void => {
      this.#isScheduled = false
      if (this.#underWay === undefined && !this.#gathering.isEmpty) this.#begin()
    }
    if (waitMs > 0) setTimeout(begin, waitMs)
    else setImmediate(begin)
  }

  #begin(): void {
    const gathering = this.#gathering
    const commit = this.#nextCommit
    this.#gathering = new Gathering()
    this.#lastCommit = { startedAt: performance.now(), answers: gathering.answers.size }
    const flushBytes = Math.max(
      this.#tuning.flushBytes,
      this.#active.gatheredBytes * this.#tuning.flushFactor,
    )
    const writes = gathering.seal()
    if (this.#active.gatheredBytes > 0) writes.push({ key: commitKey(commit), value: this.#active.seal() })
    if (writes.length > 0 && this.#flush !== undefined) writes.push(...this.#flush.take(flushBytes))
    if (this.#full === undefined && this.#isFull(this.#active)) {
      this.#full = this.#active
      this.#active = this.#spare
      this.#active.reset()
    }
    // Repeats alone need no disk: what they repeat is durable.
    const stored = writes.length > 0 ? this.#store.commit(writes) : Promise.resolve()
    this.#underWay = stored.then(
      () => this.#succeeded(gathering, commit),
      (cause: Error) => this.#failed(gathering, cause),
    )
  }

  #isFull({ size, ids }: Generation): boolean {
    return size >= this.#tuning.generationBytes || ids.size >= this.#tuning.generationMessages
  }

  #succeeded(gathering: Gathering, commit: number): void {
    if (gathering.touched.length > 0) this.#nextCommit = commit + 1
    for (const generation of this.#generations()) generation.committed(commit)
    gathering.committed()
    this.#flush?.committed()
    if (this.#flush?.isFinished) this.#flush = undefined
    if (this.#flush === undefined && this.#full !== undefined) this.#flush = this.#flushOf(this.#full)
    gathering.answers.committed()
    this.#finish()
  }

  /** Nothing of it was stored; what was decided on top of it is void as well. */
  #failed(gathering: Gathering, cause: Error): void {
    const later = this.#gathering
    this.#gathering = new Gathering()
    for (const generation of this.#generations()) generation.rollBack()
    for (const { name } of [...gathering.touched, ...later.touched]) this.#conversations.forget(name)
    gathering.answers.failed(cause)
    later.answers.failed(cause)
    this.#finish()
  }

  #finish(): void {
    const { answers, startedAt } = this.#lastCommit
    this.#listener({ answers, seconds: (performance.now() - startedAt) / 1000 })
    this.#underWay = undefined
    this.#schedule()
  }

  #flushOf(generation: Generation): Flush {
    const done = (): void => {
      this.#full = undefined
      this.#spare = generation
    }
    const { chunkBytes } = this.#tuning
    const scratch = this.#scratch
    return new Flush({
      generation,
      ids: this.#ids,
      oldest: this.#repeats.oldest(),
      chunkBytes,
      scratch,
      done,
    })
  }
}

/** A store that cannot be read stores nothing either. Only a draft that no codec would have let through is the caller's fault. */
function unavailable(cause: unknown): AppendOutcome {
  if (!(cause instanceof Error) || (cause instanceof ChatspecError && cause.code === 'BAD_DRAFT')) throw cause
  return { kind: 'unavailable', cause }
}
