// The sizes that the lmdb log works with: one place, so that tests can make everything happen with few messages.
import type { IdIndexOptions } from './id-index.ts'

export interface LogTuning extends IdIndexOptions {
  /** A generation that is larger is moved into chunks. It bounds memory, and what a restart has to move. */
  generationBytes: number
  generationMessages: number
  /** What a chunk holds at most, unless one message is larger. */
  chunkBytes: number
  /** What a flush adds to a commit; `flushFactor` times the commit's own bytes if that is more, to keep up with it. */
  flushBytes: number
  flushFactor: number
  /** Conversations in memory; the log keeps up to twice as many. */
  conversations: number
  /** After a commit with `gatherAnswers` answers or more, the next one starts no sooner than `gatherMs` after it. */
  gatherMs: number
  gatherAnswers: number
}

export const defaultTuning: Readonly<LogTuning> = {
  // Less than 8 MiB by the largest commit to expect, so that memory is not doubled for its sake.
  generationBytes: 7_340_032,
  generationMessages: 32_768,
  // Two pages of 4,096 bytes, less lmdb's header.
  chunkBytes: 8_160,
  flushBytes: 65_536,
  flushFactor: 4,
  conversations: 32_768,
  gatherMs: 2,
  gatherAnswers: 16,
  filterCapacity: 256,
  fanout: 8,
  largestBlock: 16_384,
}
