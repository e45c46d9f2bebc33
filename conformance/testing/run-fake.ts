// Runs of the judge against a fake server, for tests of the judge.
import type { RuleId } from '../../protocol/index.ts'
import { type Case, defineCase } from '../case.ts'
import { pass } from '../outcome.ts'
import type { CaseResult, ConformanceResult } from '../result.ts'
import { type RunOptions, runConformance } from '../run.ts'
import { resolveTarget } from '../target.ts'
import { sampleCases } from './sample-cases.ts'
import { type Defect, type FakeOptions, fakeSecret, startFakeServer } from './fake-server.ts'

/** What the fake server can do; and two cases that need what it does not declare. */
const simple = sampleCases

/** Defects by which something never comes: only with them is it worth to wait no longer than this. */
const silent: readonly Defect[] = [
  'wrong-nonce',
  'silent-send',
  'mistypes-sent',
  'accepts-any-token',
  'silent-after-welcome',
]
export const shortWaitMs = 1_000

/** Runs simple cases against a fake server of its own. */
export async function runFake(
  fake: FakeOptions,
  options: RunOptions = {},
  target: object = {},
): Promise<ConformanceResult> {
  const server = await startFakeServer(fake)
  const tokens = { secret: fakeSecret }
  const waits = fake.defect && silent.includes(fake.defect) ? { timeoutMs: shortWaitMs } : {}
  const described = resolveTarget({ url: server.url, tokens, ...waits, ...target })
  try {
    return await runConformance(described, { seed: 1, cases: simple, ...options })
  } finally {
    await server.close()
  }
}

/** The first failed check of each case that failed. */
export function failures(results: readonly CaseResult[]): [string, RuleId, string][] {
  return results
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ id, checks: [first] }) => [id, first?.rule ?? '', first?.fault ?? ''])
}

/** A case that passes, in JSON only, unless told otherwise. */
export const probeCase = (definition: Partial<Case> = {}): Case =>
  defineCase({
    id: 'acks/probe',
    rules: ['ACK-01'],
    level: 'must',
    encodings: ['json'],
    run: async () => pass('a', 'a'),
    ...definition,
  })
