// What the judge of a history gives: plain JSON, a verdict per rule with its proofs.
import type { HistoryEvent } from './events.ts'
import type { HistoryRule } from './rules.ts'

/** Grows when a reader of the old shape would misread the new one. */
export const reportVersion = 1

/** `unknown`: too little happened to say `pass`. */
export type RuleVerdict = 'pass' | 'fail' | 'unknown' | 'not-applicable'

export interface Violation {
  expected: string
  actual: string
  /** The fewest events that prove it, at most 20, in the order in which they happened. */
  events: HistoryEvent[]
}

export interface RuleReport {
  rule: HistoryRule
  sentence: string
  verdict: RuleVerdict
  /** Why it is not `pass` or `fail`. */
  reason?: string
  /** How often there was something to judge. */
  examined: number
  /** All of them. */
  violationCount: number
  /** The first of them. */
  violations: Violation[]
}

export interface Counters {
  events: number
  sends: number
  okSends: number
  refusedSends: number
  /** Sends whose outcome was unknown at some time. */
  unknownSends: number
  /** Of these, the ones that turned out to be stored. Legal. */
  recoveredSends: number
  duplicateAcks: number
  deliveries: number
  replays: number
  historyItems: number
  finalReads: number
  connects: number
  resumes: number
  syncs: number
  /** Announced skips: a `gap`, or a `synced` that is not recovered. */
  gaps: number
  fences: number
  quiets: number
  faults: number
  /** Answers to requests that are not open: the server answered twice, or late. */
  strayAnswers: number
}

export interface CheckReport {
  kind: 'history-check'
  schemaVersion: typeof reportVersion
  /** `harness-error`: the recording cannot be trusted (H19), so nothing else in it can. */
  verdict: 'pass' | 'fail' | 'unknown' | 'harness-error'
  rules: RuleReport[]
  counters: Counters
}

export function noCounts(): Counters {
  return {
    events: 0,
    sends: 0,
    okSends: 0,
    refusedSends: 0,
    unknownSends: 0,
    recoveredSends: 0,
    duplicateAcks: 0,
    deliveries: 0,
    replays: 0,
    historyItems: 0,
    finalReads: 0,
    connects: 0,
    resumes: 0,
    syncs: 0,
    gaps: 0,
    fences: 0,
    quiets: 0,
    faults: 0,
    strayAnswers: 0,
  }
}
