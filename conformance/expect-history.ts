// The verdicts of the history checker as checks of a case.
import type { RuleId } from '../protocol/index.ts'
import {
  type CheckerChoices,
  type CheckReport,
  checkHistory,
  type HistoryEvent,
  type HistoryRule,
  type RuleReport,
} from './checker/index.ts'
import { type Checked, clause, fail, type Outcome, pass, unknown } from './outcome.ts'
import { summarize } from './trace.ts'

/** The sentence of SPEC.md that each rule of the checker is about; H18 and H19 are about the judge itself. */
export const historySentences: Readonly<Record<Exclude<HistoryRule, 'H18' | 'H19'>, RuleId>> = {
  H1: 'HIS-08',
  H2: 'ACK-04',
  H3: 'ORD-04',
  H4: 'ORD-02',
  H5: 'ORD-03',
  H6: 'ORD-06',
  H7: 'ORD-05',
  H8: 'OFF-01',
  H9: 'ACK-08',
  H10: 'GRP-06',
  H11: 'HIS-01',
  H12: 'ACK-03',
  H13: 'HIS-08',
  H14: 'RES-05',
  H15: 'RCP-02',
  H16: 'PRS-01',
  H17: 'ORD-07',
}

/**
 * One check for each of `rules`, which may name another sentence than the usual; and one for every other
 * rule that was broken, because the history shows it whatever the case is about.
 * @throws Error if the recording itself is not to be trusted
 */
export function expectHistory(
  events: readonly HistoryEvent[],
  rules: Partial<Record<HistoryRule, RuleId>> | readonly HistoryRule[],
  choices: CheckerChoices = {},
): Outcome[] {
  const report = checkHistory(events, choices)
  requireHonest(report)
  const wanted: Partial<Record<HistoryRule, RuleId>> = isList(rules)
    ? Object.fromEntries(rules.map((rule) => [rule, sentenceOf(rule)]))
    : rules
  return report.rules.flatMap((one) => {
    const sentence = wanted[one.rule]
    if (sentence !== undefined) return [outcome(one, sentence)]
    return one.verdict === 'fail' ? [outcome(one, sentenceOf(one.rule))] : []
  })
}

/**
 * Every rule that was broken, each with its first proof.
 * @throws Error if the recording itself is not to be trusted
 */
export function historyFailures(report: CheckReport): Checked[] {
  requireHonest(report)
  return report.rules.flatMap((one) => {
    const checked = one.verdict === 'fail' ? outcome(one, sentenceOf(one.rule)) : undefined
    return checked?.verdict === 'fail' ? [checked] : []
  })
}

function requireHonest({ rules }: CheckReport): void {
  const distrust = rules.find(({ rule, verdict }) => rule === 'H19' && verdict === 'fail')
  if (distrust) throw new Error(`the recording is not whole: ${firstViolation(distrust)}`)
}

function outcome(report: RuleReport, sentence: RuleId): Outcome {
  const { rule, verdict, reason, examined } = report
  const expected = `${report.sentence} (${rule})`
  if (verdict === 'pass') return clause(sentence, pass(expected, `${examined} looked at`))
  if (verdict === 'fail') return clause(sentence, fail(expected, firstViolation(report)))
  return unknown(`${rule}: ${reason ?? verdict}`)
}

function firstViolation({ violations: [first], violationCount }: RuleReport): string {
  if (!first) return `${violationCount} violations`
  const proof = first.events.map(({ kind, ...fields }) => summarize({ type: kind, ...fields })).join('; ')
  const others = violationCount > 1 ? ` (and ${violationCount - 1} more)` : ''
  return `expected ${first.expected}, got ${first.actual}${others}: ${proof}`
}

function sentenceOf(rule: HistoryRule): RuleId {
  return rule === 'H18' || rule === 'H19' ? 'CON-01' : historySentences[rule]
}

function isList(rules: object): rules is readonly HistoryRule[] {
  return Array.isArray(rules)
}
