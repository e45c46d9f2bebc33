// Moves a generation from its commits into chunks, a little with every commit, so that no commit has to wait for it.
import type { Milliseconds } from '../../protocol/index.ts'
import type { Generation } from './generation.ts'
import type { IdIndex } from './id-index.ts'
import { chunkKey, commitKey } from './layout.ts'
import { recordLength } from './record.ts'
import type { Scratch } from './scratch.ts'
import { headerBytes, seal } from './seal.ts'
import type { Step, Write } from './store.ts'

export interface FlushOptions {
  generation: Generation
  ids: IdIndex
  /** Ids of messages before this time may go. */
  oldest: Milliseconds
  chunkBytes: number
  /** Nobody else's until the flush is finished. */
  scratch: Scratch
  /** Everything of the generation can be found without it. */
  done: () => void
}

/** Deletions of commits in one step. */
const deletionsPerStep = 64
/** What a put costs beside its bytes, in bytes: it bounds a commit with many small ones. */
const bytesPerPut = 512

/** Hands out the steps of a flush; those of a commit that failed are handed out again. */
export class Flush {
  readonly #steps: Iterator<Step, void>
  #taken: Step[] = []
  #isExhausted = false

  constructor(options: FlushOptions) {
    this.#steps = flushSteps(options)
  }

  /** The writes of as many steps as `bytes` allow, for the next commit. */
  take(bytes: number): Write[] {
    let left = this.#taken.length === 0 ? bytes : 0
    while (left > 0) {
      const next = this.#steps.next()
      if (next.done) {
        this.#isExhausted = true
        break
      }
      this.#taken.push(next.value)
      left -= next.value.readBytes ?? 0
      for (const { value } of next.value.writes) left -= bytesPerPut + (value?.length ?? 0)
    }
    return this.#taken.flatMap((step) => step.writes)
  }

  get isFinished(): boolean {
    return this.#isExhausted && this.#taken.length === 0
  }

  committed(): void {
    for (const step of this.#taken.splice(0)) step.committed?.()
  }
}

function* flushSteps(options: FlushOptions): Generator<Step, void> {
  const { generation, ids, oldest, scratch, done } = options
  scratch.reset()
  yield* chunkSteps(options)
  yield* ids.add(generation, scratch)
  const { firstCommit, lastCommit } = generation
  for (let commit = firstCommit; commit <= lastCommit; commit += deletionsPerStep) {
    const count = Math.min(deletionsPerStep, lastCommit - commit + 1)
    yield { writes: Array.from({ length: count }, (_, i) => ({ key: commitKey(commit + i) })) }
  }
  yield { writes: [], committed: done }
  yield* ids.tidy(oldest)
}

function* chunkSteps({ generation, chunkBytes, scratch }: FlushOptions): Generator<Step, void> {
  const { bytes, tails } = generation
  for (const [conversation, { firstSeq, offsets }] of tails) {
    let start = 0
    while (start < offsets.length) {
      let end = start
      let length = headerBytes
      do {
        length += recordLength(bytes, offsets[end] ?? 0)
        end += 1
      } while (end < offsets.length && length + recordLength(bytes, offsets[end] ?? 0) <= chunkBytes)
      const chunk = scratch.take(length)
      copyRecords(bytes, offsets.slice(start, end), chunk)
      yield { writes: [{ key: chunkKey(conversation, firstSeq + start), value: seal(chunk, end - start) }] }
      start = end
    }
  }
}

function copyRecords(bytes: Buffer, offsets: readonly number[], chunk: Buffer): void {
  let at = headerBytes
  for (const from of offsets) at += bytes.copy(chunk, at, from, from + recordLength(bytes, from))
}
