// What a context is made from, and what a generated case leaves in it.
import type { Encoding } from '../protocol/index.ts'
import type { Profile } from './case.ts'
import type { Contact } from './preflight.ts'
import type { Counterexample } from './result.ts'
import type { Target } from './target.ts'
import type { TraceLine } from './trace.ts'

export interface ContextOptions {
  target: Target
  contact: Contact
  encoding: Encoding
  seed: number
  /** Of the case, for the stream of random numbers. */
  name: string
  /** Makes names of this run differ from those of every other. */
  runTag: string
  /** Counts users and devices of the whole run. */
  nextNumber: () => number
  /** Default `quick`. */
  profile?: Profile
  /** The counterexample that is to be repeated: the path to it from the seed. */
  replayPath?: string | undefined
}

/** The fewest commands found that break a rule, and what went over the wires while they did. */
export interface Reduced extends Counterexample {
  /** The lines that prove it, and all of them. */
  trace: TraceLine[]
  fullTrace: TraceLine[]
}
