// From verdicts to the verdict, and to the exit code.
import { expect, test } from 'vitest'
import { type CaseResult, countVerdicts, exitCode, overallVerdict, type Verdict } from './result.ts'

const outcome = (...found: Verdict[]) =>
  overallVerdict(countVerdicts(found.map((verdict) => ({ verdict }) as CaseResult)))

test.each<[Verdict[], string, number]>([
  [['pass'], 'conformant', 0],
  [['pass', 'warn', 'not-applicable', 'untestable'], 'conformant', 0],
  [['warn'], 'conformant', 0],
  [['pass', 'known-failure'], 'known-failures', 0],
  [['known-failure'], 'known-failures', 0],
  [['known-failure', 'unknown'], 'undecided', 2],
  [['pass', 'unknown'], 'undecided', 2],
  [[], 'undecided', 2],
  [['not-applicable', 'untestable'], 'undecided', 2],
  [['pass', 'harness-error'], 'harness-error', 3],
  [['pass', 'unknown', 'harness-error'], 'harness-error', 3],
  [['pass', 'fail'], 'not-conformant', 1],
  [['fail', 'harness-error', 'unknown'], 'not-conformant', 1],
])('%j make %s, exit code %d', (found, verdict, code) => {
  expect(outcome(...found)).toBe(verdict)
  expect(exitCode({ verdict: outcome(...found) })).toBe(code)
})
