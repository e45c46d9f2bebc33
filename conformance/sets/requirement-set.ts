// How a server fared by a frozen list of sentences.
import { clauses, type RuleId } from '../../protocol/index.ts'
import type { CheckResult, SetScore } from '../result.ts'
import { declares } from '../needs.ts'

export interface RequirementSet {
  name: string
  /** Never changed: a later list gets another name. */
  clauses: readonly RuleId[]
}

/** @param caps That the server declares. */
export function scoreOf(
  { name, clauses: wanted }: RequirementSet,
  checks: readonly Pick<CheckResult, 'rule' | 'verdict'>[],
  caps: readonly string[],
): SetScore {
  const broken = new Set(checks.filter(({ verdict }) => verdict !== 'pass').map(({ rule }) => rule))
  const seen = new Set(checks.map(({ rule }) => rule))
  const score: SetScore = { name, kept: [], broken: [], notTested: [], notApplicable: [] }
  for (const rule of wanted) {
    if (broken.has(rule)) score.broken.push(rule)
    else if (seen.has(rule)) score.kept.push(rule)
    else if (applies(rule, caps)) score.notTested.push(rule)
    else score.notApplicable.push(rule)
  }
  return score
}

function applies(rule: RuleId, caps: readonly string[]): boolean {
  const capability = clauses.find(({ id }) => id === rule)?.capability
  return capability === undefined || declares(caps, capability)
}
