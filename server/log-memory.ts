// The log without a disk: for tests, demonstrations and measurements. What it holds ends with the process.
import { ChatspecError, type Message, type Milliseconds, type Seq } from '../protocol/index.ts'
import type {
  AppendOutcome,
  CommitListener,
  Draft,
  LogOptions,
  MessageLog,
  ReadRange,
  RecordKey,
  RecordValue,
} from './log.ts'
import { Answers } from './log/answers.ts'
import { newEpoch } from './log/epoch.ts'
import { recordKeyBytes } from './log/keys.ts'
import { answerToRepeat } from './log/payload.ts'
import { RecordTree } from './log/record-tree.ts'
import { Remembered } from './log/remembered.ts'

export function createMemoryLog(options: LogOptions): MessageLog {
  return new MemoryLog(options)
}

interface Conversation {
  /** Message `seq` is at index `seq - 1`; those from `head` on await their commit. */
  messages: Message[]
  head: Seq
}

class MemoryLog implements MessageLog {
  readonly durability = 'memory'
  readonly kind = 'memory'
  readonly epoch = newEpoch()
  readonly recovery: readonly string[] = []
  readonly #conversations = new Map<string, Conversation>()
  readonly #remembered: Remembered
  readonly #records = new RecordTree()
  #answers = new Answers()
  #touched = new Set<Conversation>()
  #recordWrites: { key: RecordKey; json: string | undefined }[] = []
  #scheduled: NodeJS.Immediate | undefined
  #listener: CommitListener = () => {}
  #closed = false

  constructor(options: LogOptions) {
    this.#remembered = new Remembered(options)
  }

  append(draft: Draft, done: (outcome: AppendOutcome) => void): void {
    this.#schedule()
    const earlier = this.#remembered.find(draft)
    this.#answers.append(earlier === undefined ? this.#store(draft) : answerToRepeat(earlier, draft), done)
  }

  answerRepeat(draft: Draft, done: (outcome: AppendOutcome) => void): boolean {
    const earlier = this.#remembered.find(draft)
    if (earlier === undefined) return false
    this.#schedule()
    this.#answers.append(answerToRepeat(earlier, draft), done)
    return true
  }

  onCommit(listener: CommitListener): void {
    this.#listener = listener
  }

  assignedHead(conv: string): Seq {
    return this.#conversations.get(conv)?.messages.length ?? 0
  }

  head(conv: string): Seq {
    return this.#conversations.get(conv)?.head ?? 0
  }

  read(conv: string, range: ReadRange): Message[] {
    const conversation = this.#conversations.get(conv)
    const to = Math.min(range.upTo, conversation?.head ?? 0)
    if (conversation === undefined || range.after >= to) return []
    if (!range.reverse)
      return conversation.messages.slice(range.after, Math.min(to, range.after + range.limit))
    return conversation.messages.slice(Math.max(range.after, to - range.limit), to).reverse()
  }

  seqAtTime(conv: string, time: Milliseconds): Seq {
    const { messages, head } = this.#conversations.get(conv) ?? { messages: [], head: 0 }
    let low = 0
    let high = head
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((messages[middle]?.timestamp ?? 0) < time) low = middle + 1
      else high = middle
    }
    return low + 1
  }

  getRecord(key: RecordKey): RecordValue | undefined {
    return this.#records.get(key)
  }

  listRecords(prefix: RecordKey): Iterable<readonly [RecordKey, RecordValue]> {
    return this.#records.list(prefix)
  }

  putRecord(key: RecordKey, value: RecordValue | undefined, done?: (failure?: Error) => void): void {
    recordKeyBytes(key)
    this.#schedule()
    this.#recordWrites.push({ key: [...key], json: value === undefined ? undefined : JSON.stringify(value) })
    if (done !== undefined) this.#answers.record(done)
  }

  async close(): Promise<void> {
    while (this.#scheduled !== undefined) {
      clearImmediate(this.#scheduled)
      this.#commit()
    }
    this.#closed = true
  }

  #store(draft: Draft): AppendOutcome {
    let conversation = this.#conversations.get(draft.conv)
    if (conversation === undefined) {
      conversation = { messages: [], head: 0 }
      this.#conversations.set(draft.conv, conversation)
    }
    const seq = conversation.messages.length + 1
    const timestamp = Math.max(draft.timestamp, conversation.messages.at(-1)?.timestamp ?? 0)
    const content = typeof draft.content === 'string' ? draft.content : draft.content.slice()
    const message: Message = { ...draft, epoch: this.epoch, seq, content, timestamp }
    conversation.messages.push(message)
    this.#touched.add(conversation)
    this.#remembered.add(message)
    return { kind: 'stored', seq, timestamp }
  }

  #schedule(): void {
    if (this.#closed) throw new ChatspecError('LOG_CLOSED', 'the log is closed')
    this.#scheduled ??= setImmediate(() => this.#commit())
  }

  #commit(): void {
    this.#scheduled = undefined
    const answers = this.#answers
    this.#answers = new Answers()
    for (const conversation of this.#touched) conversation.head = conversation.messages.length
    this.#touched.clear()
    for (const { key, json } of this.#recordWrites.splice(0)) {
      if (json === undefined) this.#records.delete(key)
      else this.#records.set(key, json)
    }
    // A few more than were added, so that no commit stops the world.
    this.#remembered.forget(answers.size + 16)
    answers.committed()
    this.#listener({ answers: answers.size, seconds: 0 })
  }
}
