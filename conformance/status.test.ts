// Every sentence is tested or excluded with a reason, and the shares that this project promises hold.
import { describe, expect, it } from 'vitest'
import { clauses } from '../protocol/index.ts'
import { cases } from './cases/index.ts'
import { exclusions } from './exclusions.ts'
import { requirementIds } from './requirements.ts'
import { clauseStatuses, obligationShares, requirementShares } from './status.ts'

const statuses = clauseStatuses()

describe('every sentence that binds a server', () => {
  it('is tested by a case or excluded with a reason', () => {
    expect(statuses.filter(({ tested }) => tested === 'missing').map(({ id }) => id)).toEqual([])
    for (const { id, tested, reason } of statuses.filter((one) => one.cases.length === 0))
      expect({ id, tested, isWritten: (reason ?? '').length > 20 }).toEqual({
        id,
        tested: 'excluded',
        isWritten: true,
      })
  })

  it('is not excluded if a case tests it, or if it is none', () => {
    const tested = new Set(cases.flatMap(({ rules }) => rules))
    const binding = new Set(
      clauses.filter((one) => one.party !== 'client' && one.level !== 'may').map(({ id }) => id),
    )
    expect(Object.keys(exclusions).filter((id) => tested.has(id) || !binding.has(id))).toEqual([])
  })

  it('counts as missing without its only case', () => {
    const without = clauseStatuses(cases.filter(({ rules }) => !rules.includes('DED-06')))
    expect(without.find(({ id }) => id === 'DED-06')).toMatchObject({ tested: 'missing', cases: [] })
    expect(obligationShares(without).missing).toBe(1)
  })
})

describe('the requirements that the protocol began with', () => {
  it('are 150 sentences that oblige a server', () => {
    expect(requirementIds).toHaveLength(150)
    const rows = statuses.filter(({ isRequirement }) => isRequirement)
    expect(rows.map(({ id }) => id).sort()).toEqual([...requirementIds].sort())
    expect(rows.filter(({ party, level }) => party === 'client' || level === 'may')).toEqual([])
  })

  it('are tested to at least 80 % by the URL alone, and to 95 % with hooks', () => {
    const { total, byUrl, withHooks } = requirementShares(statuses)
    expect(byUrl / total).toBeGreaterThanOrEqual(0.8)
    expect((byUrl + withHooks) / total).toBeGreaterThanOrEqual(0.95)
  })
})
