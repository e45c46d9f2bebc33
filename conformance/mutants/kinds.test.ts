// A server that does only a part is judged fairly, one defect in it stands out, and one that lies is found out.
import { describe, expect, it } from 'vitest'
import { cases, exitCode, resolveTarget, runConformance } from '../index.ts'
import type { CaseResult, ConformanceResult } from '../result.ts'
import type { RunOptions } from '../run.ts'
import { liar, partial } from './kinds.ts'
import { Host, type HostOptions } from './server/host.ts'

const wholeRunMs = 180_000

async function run(server: HostOptions, options: RunOptions = {}): Promise<ConformanceResult> {
  const host = await Host.start(server)
  try {
    return await runConformance(resolveTarget(host.target), { profile: 'quick', ...options })
  } finally {
    await host.close()
  }
}

function idsOf({ cases }: ConformanceResult, verdict: string): string[] {
  return [...new Set(cases.filter((one) => one.verdict === verdict).map(({ id }) => id))]
}

describe('a server of direct messages and acks only', () => {
  it('is conformant: what it does not declare is not applicable', { timeout: wholeRunMs }, async () => {
    const result = await run(partial)
    expect(idsOf(result, 'fail')).toEqual([])
    expect(idsOf(result, 'warn')).toEqual([])
    expect(result.verdict).toBe('conformant')
    expect(exitCode(result)).toBe(0)
    const undeclared = ['groups', 'history', 'presence', 'receipts', 'resume']
    const judged = result.cases.filter(
      ({ group, verdict }) => undeclared.includes(group) && verdict === 'pass',
    )
    // What needs no capability of them holds for everybody: a take-over, positions, a replay.
    expect(new Set(judged.map(({ group }) => group))).toEqual(new Set(['resume']))
    expect(result.counts['not-applicable']).toBeGreaterThan(100)
    expect(result.counts.pass).toBeGreaterThan(200)
  })

  it('shows one defect as one failure', { timeout: wholeRunMs }, async () => {
    const result = await run({ ...partial, switches: ['M03'] }, { encodings: ['json'] })
    expect(idsOf(result, 'fail')).toEqual(['dedup/users-share-no-ids'])
    expect(exitCode(result)).toBe(1)
  })
})

describe('a server whose welcome lies', () => {
  it('fails on what it declares and on nothing else', { timeout: wholeRunMs }, async () => {
    const only = ['groups', 'history', 'dedup', 'acks', 'offline', 'capabilities']
    const result = await run(liar, { only, encodings: ['json'] })
    const red = result.cases.filter(({ verdict }) => verdict === 'fail')
    expect(new Set(red.map(({ group }) => group))).toContain('groups')
    expect(new Set(red.map(({ group }) => group))).toContain('history')
    // Each needs what is declared, or tries it beside something else and is told that it is not there.
    const isFair = ({ id, checks }: CaseResult): boolean =>
      cases.some(
        (one) =>
          one.id === id && one.needs?.some((need) => ['groups', 'history', 'join=open'].includes(need)),
      ) || checks.some(({ actual }) => actual.includes('CAPABILITY_REQUIRED'))
    expect(red.filter((one) => !isFair(one)).map(({ id }) => id)).toEqual([])
    expect(idsOf(result, 'pass')).toContain('dedup/repeat-gets-the-first-answer')
    expect(idsOf(result, 'pass')).toContain('offline/missed-messages-arrive-on-return')
    expect(exitCode(result)).toBe(1)
  })
})
