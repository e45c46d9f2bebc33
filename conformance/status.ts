// How each sentence of SPEC.md is tested: by which cases, with what they need, or why by none.
import { type Clause, clauses } from '../protocol/index.ts'
import type { Case, Need, Profile } from './case.ts'
import { cases as allCases } from './cases/index.ts'
import { reasonUntested } from './exclusions.ts'
import { requirementIds } from './requirements.ts'

/** `url`: with nothing but the URL and tokens. `hooks`: the owner of the server has to help. */
export type Tested = 'url' | 'hooks' | 'excluded' | 'missing'

export interface ClauseStatus extends Omit<Clause, 'needs'> {
  /** One of the requirements that the protocol began with. */
  isRequirement: boolean
  tested: Tested
  /** Why it is excluded. */
  reason?: string
  /** Those that declare it: the judge fails a case that passes without having checked what it declares. */
  cases: { id: string; profile: Profile; needs: readonly Need[] }[]
}

export interface Shares {
  total: number
  byUrl: number
  withHooks: number
  excluded: number
  missing: number
}

/** Every sentence, in the order of SPEC.md. */
export function clauseStatuses(cases: readonly Case[] = allCases): ClauseStatus[] {
  const requirements = new Set(requirementIds)
  return clauses.map((clause) => {
    const { needs: _needs, ...shown } = clause
    const testing = cases.filter(({ rules }) => rules.includes(clause.id))
    const reason = testing.length > 0 ? undefined : reasonUntested(clause)
    return {
      ...shown,
      isRequirement: requirements.has(clause.id),
      tested: howTested(clause, testing, reason),
      ...(reason !== undefined && { reason }),
      cases: testing.map(({ id, profile, needs = [] }) => ({ id, profile, needs })),
    }
  })
}

/** Of the requirements that the protocol began with. */
export function requirementShares(statuses: readonly ClauseStatus[]): Shares {
  return sharesOf(statuses.filter(({ isRequirement }) => isRequirement))
}

/** Of all sentences that oblige a server. */
export function obligationShares(statuses: readonly ClauseStatus[]): Shares {
  return sharesOf(statuses.filter(({ party, level }) => party !== 'client' && level !== 'may'))
}

function sharesOf(statuses: readonly ClauseStatus[]): Shares {
  const count = (tested: Tested): number => statuses.filter((one) => one.tested === tested).length
  return {
    total: statuses.length,
    byUrl: count('url'),
    withHooks: count('hooks'),
    excluded: count('excluded'),
    missing: count('missing'),
  }
}

function howTested({ needs }: Clause, testing: readonly Case[], reason: string | undefined): Tested {
  if (testing.length === 0) return reason === undefined ? 'missing' : 'excluded'
  // A sentence that takes hooks to be seen kept as a whole is not tested by the part that can be seen without.
  if (needs === 'hook') return 'hooks'
  return testing.some(({ needs = [] }) => !needs.some(isHook)) ? 'url' : 'hooks'
}

/** What the owner of the server has to provide besides tokens. */
function isHook(need: Need): boolean {
  return need.startsWith('hook:') || need === 'metrics' || need === 'log'
}
