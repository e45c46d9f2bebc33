// What all trials of a property came to: per sentence how much was looked at, and whether that is enough.
import { type Counters, type HistoryRule, historyRules } from '../checker/index.ts'
import { type Checked, clause, type Outcome, pass, type Skipped, unknown } from '../outcome.ts'
import type { RuleId } from '../../protocol/index.ts'
import type { Property } from './search.ts'
import type { Trial } from './trial.ts'

export type Minimum = Partial<Record<Exclude<keyof Counters, 'events'>, number>>

/** Without these nothing was tested, whatever a property is about. */
const atLeast: Minimum = { okSends: 5, deliveries: 5, fences: 2 }

export class Tally {
  trials = 0
  skipped: Skipped | undefined
  readonly #property: Property
  readonly #examined = new Map<HistoryRule, number>()
  readonly #demands = new Map<RuleId, number>()
  readonly #counts = new Map<string, number>()
  readonly #warnings = new Map<RuleId, Checked>()

  constructor(property: Property) {
    this.#property = property
  }

  add({ report, demands, warnings, skipped }: Trial): void {
    this.trials += 1
    this.skipped ??= skipped
    for (const { rule, verdict, examined } of report.rules)
      if (verdict === 'pass' || verdict === 'fail') add(this.#examined, rule, examined)
    for (const [rule, count] of demands) add(this.#demands, rule, count)
    for (const [name, count] of Object.entries(report.counters)) add(this.#counts, name, count)
    for (const one of warnings) if (one.rule !== undefined) this.#warnings.set(one.rule, one)
  }

  /** What there was too little of, if anything. */
  shortfall(): string | undefined {
    const { history = {}, answers = [], minimum = {} } = this.#property
    const rules = (Object.keys(history) as HistoryRule[]).filter((rule) => !this.#examined.get(rule))
    const clauses = answers.filter((rule) => !this.#demands.get(rule))
    const counts = Object.entries({ ...atLeast, ...minimum }).flatMap(([name, least]) => {
      const count = this.#counts.get(name) ?? 0
      return count < least ? [`${name} ${count}, at least ${least}`] : []
    })
    const missing = [...[...rules, ...clauses].map((rule) => `nothing about ${rule}`), ...counts]
    return missing.length > 0 ? missing.join('; ') : undefined
  }

  outcomes(): Outcome[] {
    const warned = [...this.#warnings.values()]
    if (this.skipped) return [...warned, this.skipped]
    const shortfall = this.shortfall()
    // H18: a run in which too little happened proves nothing.
    if (shortfall !== undefined)
      return [...warned, unknown(`too little happened in ${this.trials} trials: ${shortfall}`)]
    return [...this.#passes().filter(({ rule }) => !warned.some((one) => one.rule === rule)), ...warned]
  }

  #passes(): Checked[] {
    const { history = {}, answers = [] } = this.#property
    const seen = (count: number | undefined): string => `${count} looked at in ${this.trials} trials`
    return [
      ...(Object.entries(history) as [HistoryRule, RuleId][]).map(([rule, sentence]) =>
        clause(sentence, pass(`${historyRules[rule].sentence} (${rule})`, seen(this.#examined.get(rule)))),
      ),
      ...answers.map((rule) =>
        clause(rule, pass('answers as SPEC.md has them', seen(this.#demands.get(rule)))),
      ),
    ]
  }
}

function add<K>(counts: Map<K, number>, key: K, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count)
}
