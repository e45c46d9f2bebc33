// The durable store behind the server: an append-only message log and a few small records, in one commit order.
import type { Message, Milliseconds, Seq } from '../protocol/index.ts'

export type Durability = 'memory' | 'process' | 'fsync'

/** A message before it has a place in its conversation. */
export type Draft = Omit<Message, 'epoch' | 'seq'>

/** `stored` and `duplicate` are reported after the commit of the message that they name. */
export type AppendOutcome =
  | { kind: 'stored' | 'duplicate'; seq: Seq; timestamp: Milliseconds }
  /** (from, msgId) names another message: nothing was stored. */
  | { kind: 'conflict' }
  /** The store failed: certainly nothing was stored, and no key is left behind. */
  | { kind: 'unavailable'; cause: Error }

export interface ReadRange {
  /** Exclusive. */
  after: Seq
  /** Inclusive. */
  upTo: Seq
  limit: number
  /** Newest first. */
  reverse?: boolean
}

export interface LogOptions {
  /** How long (from, msgId) is remembered, at least. */
  dedupWindowMs: number
  /** Now, in milliseconds since 1970: decides when dedup entries may go. */
  now: () => Milliseconds
}

/** `answers` counts the `done`s of the commit, and `seconds` is how long the store took for it. */
export type CommitListener = (commit: { answers: number; seconds: number }) => void

/** At least one component, none with U+0000, 1024 bytes of UTF-8 in all. Keys sort by component, by their UTF-8 bytes. */
export type RecordKey = readonly string[]
/** Plain JSON data. */
export type RecordValue = null | boolean | number | string | RecordValue[] | { [key: string]: RecordValue }

/**
 * One order of commits for messages and records: what was handed in earlier is durable no later.
 * Within a conversation `seq` is dense from 1 and `timestamp` never decreases.
 */
export interface MessageLog {
  readonly durability: Durability
  /** The implementation, for results and `/metrics`: `memory` or `lmdb`. */
  readonly kind: string
  /** Of every conversation in this log; another one after the numbering could not be proved to continue. */
  readonly epoch: string
  /** What opening had to drop because it was damaged, one sentence each; empty if nothing was. */
  readonly recovery: readonly string[]

  /** Seq and dedup are decided now, in call order; `done` is called after the commit, in call order, never before `append` returns. */
  append(draft: Draft, done: (outcome: AppendOutcome) => void): void
  /**
   * Answers a repeat as `append` would, and stores nothing else: false, and `done` is never called, if (from, msgId)
   * names no message yet.
   */
  answerRepeat(draft: Draft, done: (outcome: AppendOutcome) => void): boolean
  /** Called after the `done`s of one commit: the moment to flush sockets. At most one listener. */
  onCommit(listener: CommitListener): void

  /** The last seq that was handed out, durable or not; 0 for an empty conversation. */
  assignedHead(conv: string): Seq
  /** The last durable seq; 0 for an empty conversation. */
  head(conv: string): Seq
  /**
   * Durable messages of one conversation in seq order (or reversed).
   * @throws ChatspecError `LOG_DAMAGED` if they cannot be read
   */
  read(conv: string, range: ReadRange): Message[]
  /** The first durable seq whose timestamp is at least `time`; head + 1 if there is none. */
  seqAtTime(conv: string, time: Milliseconds): Seq

  /** A committed record, or undefined. */
  getRecord(key: RecordKey): RecordValue | undefined
  /** Committed records whose keys continue a prefix, in key order. */
  listRecords(prefix: RecordKey): Iterable<readonly [RecordKey, RecordValue]>
  /** `undefined` deletes. `done` is called after the commit, in order with the `done`s of `append`. */
  putRecord(key: RecordKey, value: RecordValue | undefined, done?: (failure?: Error) => void): void

  /** Commits what is pending, then releases everything; nothing else may be called from now on. */
  close(): Promise<void>
}
