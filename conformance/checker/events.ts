// The history of a run: what one recorder saw, in the order it saw it; one event is one line of a JSONL file.
//
// Requests (`send`, `join`, `sync` …) are recorded before they are written, everything else when it arrives, so
// the order of the lines is real time. An answer names its request by `id`, unique among a connection's open
// requests. A request without an answer has an unknown outcome: it may have happened. All senders and readers of
// a conversation have to be recorded; what others wrote before the recording is announced with `base`.
import type { Position, Timed } from './event-parts.ts'
import type { SeenEvent } from './seen-events.ts'
import type { WrittenEvent } from './written-events.ts'

export type { Position, SeenMessage } from './event-parts.ts'
export type * from './seen-events.ts'
export type * from './written-events.ts'

/** Grows when a reader of the old format would misread the new one. */
export const historyVersion = 1

/**
 * The first line.
 * @example {"kind":"header","format":"chatspec-history","version":1,"capabilities":["resume","groups"]}
 */
export interface HeaderEvent {
  kind: 'header'
  format: 'chatspec-history'
  version: typeof historyVersion
  /** As `welcome` declares them; what is not declared is not judged. Left out: nothing is known, all is judged. */
  capabilities?: string[]
}

/**
 * Seqs up to `seq` were there before the recording began; `members` belong to the group since then.
 * @example {"kind":"base","ms":0,"conv":"g:team","epoch":"k3","seq":120,"members":["alice"]}
 */
export interface BaseEvent extends Timed, Position {
  kind: 'base'
  members?: string[]
}

/**
 * Something was done to the server or the network. `kill` and `restart` are judged by H17.
 * @example {"kind":"fault","ms":9,"fault":"kill","phase":"start"}
 */
export interface FaultEvent extends Timed {
  kind: 'fault'
  fault: string
  phase: 'start' | 'stop'
}

/**
 * The harness waited until nothing was under way any more: every connection that is live has all that is its.
 * @example {"kind":"quiet","ms":20}
 */
export interface QuietEvent extends Timed {
  kind: 'quiet'
}

export type ConnectionEvent = WrittenEvent | SeenEvent

export type HistoryEvent = HeaderEvent | BaseEvent | FaultEvent | QuietEvent | ConnectionEvent
export type EventKind = HistoryEvent['kind']
