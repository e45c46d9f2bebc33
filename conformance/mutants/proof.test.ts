// The suite proves itself: every defect is noticed, and what is right is not blamed. `npm run prove` does more of it.
import { describe, expect, it } from 'vitest'
import { type CleanProof, prove } from './proof.ts'

const allMs = 600_000
const clean = { runs: 0, all: false, clean: 0, odd: 0 }

/** What was blamed, if anything. */
function blamed(proofs: readonly CleanProof[]): string[] {
  return proofs.flatMap(({ id, blamed: list }) =>
    list.map((one) => `${id}: ${one.case} ${one.encoding} ${one.detail}`),
  )
}

describe('the suite', () => {
  it('kills every defect by the cases named for it', { timeout: allMs }, async () => {
    const { defects, mutationScore } = await prove({ ...clean, runs: 1, concurrency: 10 })
    const alive = defects.filter(({ outcome }) => outcome !== 'killed')
    const shown = alive.map(({ id, findings }) => [
      id,
      ...findings.filter((one) => one.outcome !== 'killed').map(({ detail }) => detail),
    ])
    expect(shown).toEqual([])
    expect(mutationScore).toBe(1)
  })

  it('does not blame the correct server', { timeout: allMs }, async () => {
    const { clean: proofs, falseAlarms } = await prove({ ...clean, clean: 2, concurrency: 2 })
    expect(blamed(proofs)).toEqual([])
    expect(falseAlarms).toMatchObject({ runs: 2, alarms: 0 })
  })

  it('does not blame a legal oddity', { timeout: allMs }, async () => {
    const encodings = ['json'] as const
    const only = ['dedup', 'ordering', 'offline', 'resume', 'history']
    const { clean: proofs } = await prove({ ...clean, odd: 1, concurrency: 4, cleanRun: { encodings, only } })
    expect(proofs.length).toBeGreaterThanOrEqual(12)
    expect(blamed(proofs)).toEqual([])
  })
})
