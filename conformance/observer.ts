// Whose connection it is, and who watches what goes over it.
import type { ServerMessage } from '../protocol/index.ts'
import type { Ended } from './ending.ts'
import type { LooseFrame } from './loose.ts'
import type { Probe } from './probe.ts'

/** A user of one case. */
export interface User {
  /** The `sub` of its tokens. */
  id: string
  /** Short, for traces. */
  name: string
}

/** What a probe tells whoever records the history of a case. */
export interface Observer {
  /** A frame, or undefined for bytes that are none, is about to be written. */
  wrote(probe: Probe, frame: LooseFrame | undefined): void
  /** A frame arrived; nothing has answered it yet. */
  read(probe: Probe, frame: ServerMessage): void
  ended(probe: Probe, end: Ended): void
}
