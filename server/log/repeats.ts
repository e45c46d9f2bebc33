// HOT PATH, guarded by bench/log.bench.ts: whether a draft repeats a message that the log has, durable or not.
import type { Message, Milliseconds } from '../../protocol/index.ts'
import type { AppendOutcome, Draft, LogOptions } from '../log.ts'
import type { Conversation } from './conversations.ts'
import type { Generation } from './generation.ts'
import type { IdHash } from './id-hash.ts'
import type { IdIndex } from './id-index.ts'
import { answerToRepeat } from './payload.ts'
import type { LogReader } from './reader.ts'
import { readRecord, recordConversation, recordHasId, recordTimestamp } from './record.ts'

export interface RepeatsParts {
  options: LogOptions
  epoch: string
  hash: IdHash
  ids: IdIndex
  reader: LogReader
  generations: () => readonly Generation[]
}

export class Repeats {
  readonly #parts: RepeatsParts

  constructor(parts: RepeatsParts) {
    this.#parts = parts
  }

  /**
   * Undefined if (from, msgId) names no message yet; then `hash` holds the hash of the draft's id.
   * @param conversation What the draft names, if there is such a one.
   * @throws ChatspecError `LOG_DAMAGED`
   */
  answer(draft: Draft, conversation: Conversation | undefined): AppendOutcome | undefined {
    this.#parts.hash.of(draft.from, draft.msgId)
    const earlier = this.#find(draft, conversation)
    return earlier === undefined ? undefined : answerToRepeat(earlier, draft)
  }

  /** Ids of messages before this time are forgotten. */
  oldest(): Milliseconds {
    const { now, dedupWindowMs } = this.#parts.options
    return now() - dedupWindowMs
  }

  #find(draft: Draft, conversation: Conversation | undefined): Message | undefined {
    const { hash, ids, reader } = this.#parts
    const oldest = this.oldest()
    for (const generation of this.#parts.generations()) {
      const at = generation.find(draft.from, draft.msgId, oldest)
      if (at > 0) return this.#decode(generation.bytes, at, conversation)
    }
    for (const place of ids.find(hash.high, hash.low)) {
      const { bytes, at } = reader.find(place.conversation, place.seq)
      if (!recordHasId(bytes, at, draft.from, draft.msgId) || recordTimestamp(bytes, at) < oldest) continue
      return this.#decode(bytes, at, conversation)
    }
    return undefined
  }

  /** A message of another conversation than `expected` gets no name: its payload differs anyway. */
  #decode(bytes: Buffer, at: number, expected: Conversation | undefined): Message {
    const conv = expected?.number === recordConversation(bytes, at) ? expected.name : ''
    return readRecord(bytes, at, conv, this.#parts.epoch)
  }
}
