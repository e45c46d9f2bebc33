// What the next commit will hold beside its messages, and who waits for it.
import { Answers } from './answers.ts'
import { type Conversation, namingWrites } from './conversations.ts'
import type { Write } from './store.ts'

export class Gathering {
  readonly answers = new Answers()
  readonly touched: Conversation[] = []
  /** By key, so that the last write of a record wins. */
  readonly records = new Map<string, Write>()

  get isEmpty(): boolean {
    return this.answers.size === 0 && this.records.size === 0
  }

  /** Hands out the next seq of a conversation. */
  assign(conversation: Conversation): void {
    if (conversation.assigned === conversation.sealed) this.touched.push(conversation)
    conversation.assigned += 1
  }

  /** From now on it is complete: the writes of its records and of new conversations. */
  seal(): Write[] {
    const writes = [...this.records.values()]
    for (const conversation of this.touched) {
      conversation.sealed = conversation.assigned
      if (conversation.isNew) writes.push(...namingWrites(conversation))
    }
    return writes
  }

  committed(): void {
    for (const conversation of this.touched) {
      conversation.head = conversation.sealed
      conversation.isNew = false
    }
  }
}
