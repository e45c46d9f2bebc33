// What a run of the judge gives: plain JSON of a versioned shape, and the verdict that follows from it.
import type { Encoding, Heartbeat, Limits, RuleId } from '../protocol/index.ts'
import type { Profile } from './case.ts'
import type { CheckReport, HistoryRule } from './checker/index.ts'
import type { Environment } from './environment.ts'
import type { Fault } from './outcome.ts'
import type { TraceLine } from './trace.ts'

/** Grows when a reader of the old shape would misread the new one. */
export const schemaVersion = 1

/**
 * `fail`: a MUST is broken. `warn`: a SHOULD. `known-failure`: one of these, and the baseline has an entry for it.
 * `unknown`: too little happened. `harness-error`: our own trouble.
 */
export const verdicts = [
  'pass',
  'fail',
  'warn',
  'known-failure',
  'not-applicable',
  'untestable',
  'unknown',
  'harness-error',
] as const
export type Verdict = (typeof verdicts)[number]

/** One sentence of SPEC.md, looked at in one case. */
export interface CheckResult {
  rule: RuleId
  /** The sentence itself. */
  sentence?: string
  verdict: 'pass' | 'fail' | 'warn'
  expected: string
  actual: string
  fault?: Fault
}

/** Where everything that the case did and saw was written, and what the checker alone finds in it. */
export interface CaseHistory {
  /** Beside the reports, for `chatspec check`. */
  file: string
  verdict: CheckReport['verdict']
  /** Empty if the failure shows only in the case itself. */
  broken: HistoryRule[]
}

/** What a generated case was reduced to. */
export interface Counterexample {
  /** From the seed to these commands; `--replay` takes it. */
  path: string
  /** One line each. */
  commands: string[]
}

export interface CaseResult {
  id: string
  title: string
  group: string
  encoding: Encoding
  level: 'must' | 'should'
  rules: readonly RuleId[]
  verdict: Verdict
  /** Why there is no other verdict, where there is none; or what a generated case was reduced to. */
  reason?: string
  counterexample?: Counterexample
  /** Everything that was really checked; the one that decided stands first. */
  checks: CheckResult[]
  /** The last lines before the end, at most 20; empty if it passed. */
  trace: string[]
  fullTrace: TraceLine[]
  /** Of a case that did not pass, where histories are kept. */
  history?: CaseHistory
  /** Since the run began. */
  startedMs: number
  durationMs: number
  /** Runs this case again, with the same seed. */
  replay: string
}

/** A known failure: of a rule, of a case, or of a rule in a case. */
export interface BaselineEntry {
  rule?: RuleId
  case?: string
  encoding?: Encoding
  reason: string
  link: string
  /** The last day on which it counts, `2026-12-31`. */
  expires: string
}

/**
 * `holds`: it still fails. `passes`, `expired` and `matches-nothing` are failures of the baseline itself. `not-run`: this
 * run did not select what it names. `undecided`: what it names stayed open.
 */
export type EntryStatus = 'holds' | 'passes' | 'expired' | 'matches-nothing' | 'not-run' | 'undecided'

export interface JudgedEntry extends BaselineEntry {
  status: EntryStatus
}

/** How the sentences of one frozen set fared; what is in no list of it did not count. */
export interface SetScore {
  name: string
  kept: RuleId[]
  broken: RuleId[]
  notTested: RuleId[]
  /** Of capabilities that the server does not declare. */
  notApplicable: RuleId[]
}

/**
 * `conformant`: nothing failed. `known-failures`: nothing but what the baseline lists. `stale-baseline`: that, but an
 * entry of the baseline has to go. `undecided`: nothing failed, but not all was seen.
 */
export type OverallVerdict =
  | 'conformant'
  | 'known-failures'
  | 'stale-baseline'
  | 'not-conformant'
  | 'undecided'
  | 'harness-error'

export interface ConformanceResult {
  kind: 'conformance'
  schemaVersion: typeof schemaVersion
  tool: { name: 'chatspec'; version: string }
  target: {
    /** Without anything that may be a secret. */
    url: string
    capabilities: readonly string[]
    limits: Limits
    heartbeat: Heartbeat
    encodings: readonly Encoding[]
  }
  environment: Environment
  profile: Profile
  encodings: readonly Encoding[]
  only?: readonly string[]
  seed: number
  /** ISO 8601. */
  started: string
  durationMs: number
  /** Why the run ended before its last case, if it did. */
  cutShort?: string
  cases: CaseResult[]
  counts: Record<Verdict, number>
  /** What became of each known failure, where a baseline was given. */
  baseline?: JudgedEntry[]
  /** Sentences of SPEC.md that oblige a server. */
  coverage: { tested: RuleId[]; untested: RuleId[] }
  /** How the server fared by the frozen requirements, whatever SPEC.md got later. */
  set: SetScore
  verdict: OverallVerdict
}

export function countVerdicts(cases: readonly CaseResult[]): Record<Verdict, number> {
  const counts = Object.fromEntries(verdicts.map((verdict) => [verdict, 0])) as Record<Verdict, number>
  for (const { verdict } of cases) counts[verdict]++
  return counts
}

/** A proven failure outweighs trouble of our own, that an entry that has to go, and that what stayed open. */
export function overallVerdict(
  counts: Readonly<Record<Verdict, number>>,
  baseline: readonly JudgedEntry[] = [],
): OverallVerdict {
  if (counts.fail > 0) return 'not-conformant'
  if (counts['harness-error'] > 0) return 'harness-error'
  if (baseline.some(isStale)) return 'stale-baseline'
  const judged = counts.pass + counts.warn + counts['known-failure']
  if (counts.unknown > 0 || judged === 0) return 'undecided'
  return counts['known-failure'] > 0 ? 'known-failures' : 'conformant'
}

/** Has the entry to go? */
export function isStale({ status }: JudgedEntry): boolean {
  return status === 'passes' || status === 'expired' || status === 'matches-nothing'
}

const exitCodes: Readonly<Record<OverallVerdict, 0 | 1 | 2 | 3>> = {
  conformant: 0,
  'known-failures': 0,
  'stale-baseline': 1,
  'not-conformant': 1,
  undecided: 2,
  'harness-error': 3,
}

/** 0 good, 1 not conformant or a stale baseline, 2 undecided, 3 trouble of the harness. */
export function exitCode({ verdict }: Pick<ConformanceResult, 'verdict'>): 0 | 1 | 2 | 3 {
  return exitCodes[verdict]
}
