// What the rules found so far: how much they looked at, what was wrong, and the verdicts that follow.
import type { HistoryEvent } from './events.ts'
import type { CheckerOptions } from './options.ts'
import { type CheckReport, type Counters, reportVersion, type RuleReport, type Violation } from './report.ts'
import { applies, type HistoryRule, historyRules, ruleIds } from './rules.ts'

/** A proof with more events than this is no proof for a person. */
const evidenceMax = 20
/** A violation of one of these across a restart is also one of H17. */
const survivors: ReadonlySet<HistoryRule> = new Set(['H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'H12'])

interface Tally {
  examined: number
  violationCount: number
  violations: Violation[]
  /** What is missing for a `pass` although something was examined. */
  shortfall: string | undefined
}

/** A violation as a rule reports it; evidence that it does not have may be undefined. */
export interface Finding {
  expected: string
  actual: string
  events: readonly (HistoryEvent | undefined)[]
}

/** What the verdicts depend on besides the findings. */
export interface Facts {
  options: CheckerOptions
  counters: Counters
  capabilities: readonly string[] | undefined
}

export class Findings {
  readonly tallies: Readonly<Record<HistoryRule, Tally>>
  readonly #keptViolations: number
  /** Of the last restart: the ones before it were compared when they happened. */
  #restartMs: number | undefined

  constructor({ keptViolations }: Pick<CheckerOptions, 'keptViolations'>) {
    this.#keptViolations = keptViolations
    this.tallies = Object.fromEntries(ruleIds.map((rule) => [rule, emptyTally()])) as Record<
      HistoryRule,
      Tally
    >
  }

  examine(rule: HistoryRule, count = 1): void {
    this.tallies[rule].examined += count
  }

  /** Records that the rule is broken. */
  violate(rule: HistoryRule, { expected, actual, events }: Finding): void {
    const proof = inOrder(events)
    this.#add(rule, { expected, actual, events: proof })
    if (survivors.has(rule) && this.#spansRestart(proof)) {
      this.#add('H17', { expected: `${rule} to hold across the restart: ${expected}`, actual, events: proof })
    }
  }

  restarted(ms: number): void {
    this.#restartMs = ms
    this.examine('H17')
  }

  kept(): number {
    return ruleIds.reduce((sum, rule) => sum + this.tallies[rule].violations.length, 0)
  }

  report({ options, counters, capabilities }: Facts): CheckReport {
    const rules = ruleIds.map((rule) => this.#ruleReport(rule, capabilities))
    return {
      kind: 'history-check',
      schemaVersion: reportVersion,
      verdict: overall(rules, options),
      rules,
      counters,
    }
  }

  #add(rule: HistoryRule, violation: Violation): void {
    const tally = this.tallies[rule]
    tally.violationCount += 1
    if (tally.violations.length < this.#keptViolations) tally.violations.push(violation)
  }

  #spansRestart(proof: readonly HistoryEvent[]): boolean {
    const restartMs = this.#restartMs
    if (restartMs === undefined) return false
    return proof.some((event) => msOf(event) < restartMs) && proof.some((event) => msOf(event) >= restartMs)
  }

  #ruleReport(rule: HistoryRule, capabilities: readonly string[] | undefined): RuleReport {
    const { examined, violationCount, violations, shortfall } = this.tallies[rule]
    const base = { rule, sentence: historyRules[rule].sentence, examined, violationCount, violations }
    if (violationCount > 0) return { ...base, verdict: 'fail' }
    if (!applies(rule, capabilities)) {
      return { ...base, verdict: 'not-applicable', reason: 'the server does not declare what this is about' }
    }
    if (rule === 'H17' && examined === 0) {
      return { ...base, verdict: 'not-applicable', reason: 'the server was not restarted' }
    }
    if (shortfall !== undefined) return { ...base, verdict: 'unknown', reason: shortfall }
    if (examined === 0) return { ...base, verdict: 'unknown', reason: 'nothing happened that it could judge' }
    return { ...base, verdict: 'pass' }
  }
}

/** A broken recording outweighs everything: what is proved by it is proved by nothing. */
function overall(rules: readonly RuleReport[], { required }: CheckerOptions): CheckReport['verdict'] {
  if (rules.some(({ rule, verdict }) => rule === 'H19' && verdict === 'fail')) return 'harness-error'
  if (rules.some(({ verdict }) => verdict === 'fail')) return 'fail'
  return rules.some(({ rule, verdict }) => verdict === 'unknown' && required.includes(rule))
    ? 'unknown'
    : 'pass'
}

function emptyTally(): Tally {
  return { examined: 0, violationCount: 0, violations: [], shortfall: undefined }
}

function inOrder(events: readonly (HistoryEvent | undefined)[]): HistoryEvent[] {
  const proof = [...new Set(events)].filter((event) => event !== undefined)
  return proof.sort((a, b) => msOf(a) - msOf(b)).slice(0, evidenceMax)
}

function msOf(event: HistoryEvent): number {
  return event.kind === 'header' ? 0 : event.ms
}
