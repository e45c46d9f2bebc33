// The sentences of SPEC.md as the judge quotes and counts them.
import { clauses, type RuleId } from '../protocol/index.ts'

const byId = new Map(clauses.map((clause) => [clause.id, clause]))

/** The sentence that a check quotes. */
export function sentence(rule: RuleId): string | undefined {
  return byId.get(rule)?.text
}

/** False for a sentence that a server only should keep. */
export function isMandatory(rule: RuleId): boolean {
  return (byId.get(rule)?.level ?? 'must') === 'must'
}

/** Of the sentences that oblige a server, those that were looked at, and the others. */
export function coverage(emitted: readonly RuleId[]): { tested: RuleId[]; untested: RuleId[] } {
  const seen = new Set(emitted)
  const obliging = clauses
    .filter(({ party, level }) => party !== 'client' && level !== 'may')
    .map(({ id }) => id)
  return { tested: obliging.filter((id) => seen.has(id)), untested: obliging.filter((id) => !seen.has(id)) }
}
