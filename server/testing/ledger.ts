// What was promised and what was seen: every message with its place, checked against every other sight of it.
import type { Message, Send, Sent } from '../../protocol/index.ts'

interface Entry {
  send: Send
  conv: string
  from: string
  /** As `sent` named it. */
  seq?: number
}

export class Ledger {
  /** Sentences about promises that were broken; empty as long as all is well. */
  readonly faults: string[] = []
  private readonly entries = new Map<string, Entry>()
  private readonly open = new Map<string, Entry>()
  private readonly places = new Map<string, string>()
  private readonly stored = new Set<string>()
  private epoch: string | undefined
  answers = 0

  begin(send: Send, from: string, conv: string): void {
    const entry = { send, from, conv }
    this.entries.set(send.msgId, entry)
    this.open.set(send.msgId, entry)
  }

  /** `sent` arrived. */
  answered(sent: Sent): void {
    const entry = this.entries.get(sent.msgId)
    if (entry === undefined)
      return void this.faults.push(`sent for a message that nobody sent: ${sent.msgId}`)
    const wasStored = this.stored.has(sent.msgId)
    if (this.open.delete(sent.msgId)) this.answers += 1
    if (wasStored && !sent.duplicate)
      this.faults.push(`the repeat of ${sent.msgId} is not called a duplicate`)
    if (entry.seq !== undefined && entry.seq !== sent.seq) {
      this.faults.push(`${sent.msgId} was promised ${entry.seq} and then ${sent.seq}`)
    }
    entry.seq = sent.seq
    this.place(sent.conv, sent.epoch, sent.seq, sent.msgId)
  }

  /** A message was delivered, or read from history. */
  seen({ conv, epoch, seq, msgId, from, content }: Message): void {
    const entry = this.entries.get(msgId)
    const isWhole =
      entry !== undefined && entry.from === from && entry.conv === conv && entry.send.content === content
    if (!isWhole)
      return void this.faults.push(`${conv} ${seq} is no message that was sent: ${msgId} from ${from}`)
    this.place(conv, epoch, seq, msgId)
  }

  /** Everything of one conversation from `after` on, as history gave it. */
  read(conv: string, after: number, items: readonly Message[]): void {
    for (const [index, item] of items.entries()) {
      if (item.seq !== after + 1 + index)
        this.faults.push(`${conv} has ${item.seq} where ${after + 1 + index} belongs`)
      if (item.conv !== conv) this.faults.push(`${item.conv} in the history of ${conv}`)
      this.seen(item)
      this.stored.add(item.msgId)
    }
  }

  /** To be called when all conversations were read. */
  expectPromisesKept(): void {
    for (const [msgId, { conv, seq }] of this.entries) {
      if (seq !== undefined && !this.stored.has(msgId))
        this.faults.push(`${conv} ${seq} was acknowledged and is lost`)
    }
  }

  /** The sends that were not answered, in the order in which they were sent. */
  unanswered(): { send: Send; from: string; isStored: boolean }[] {
    return [...this.open].map(([msgId, { send, from }]) => ({ send, from, isStored: this.stored.has(msgId) }))
  }

  private place(conv: string, epoch: string, seq: number, msgId: string): void {
    this.epoch ??= epoch
    if (epoch !== this.epoch) this.faults.push(`the epoch changed from ${this.epoch} to ${epoch}`)
    const key = `${conv} ${seq}`
    const before = this.places.get(key)
    if (before !== undefined && before !== msgId)
      this.faults.push(`${key} was given to ${before} and to ${msgId}`)
    const elsewhere = this.entries.get(msgId)?.seq
    if (elsewhere !== undefined && elsewhere !== seq)
      this.faults.push(`${msgId} stands at ${elsewhere} and at ${seq}`)
    this.places.set(key, msgId)
  }
}
