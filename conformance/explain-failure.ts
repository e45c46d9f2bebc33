// A result that is no pass as an error for a test runner: what SPEC.md says, what came, the wire, how to see it again.
import type { CaseResult } from './result.ts'

export function explainFailure({ id, verdict, reason, checks, trace, replay }: CaseResult): Error {
  const broken = checks.filter((check) => check.verdict !== 'pass')
  const lines = broken.flatMap(({ rule, sentence, expected, actual, fault }) => [
    `${rule}: ${sentence ?? ''}`,
    `  expected  ${expected}`,
    `  actual    ${actual}${fault === undefined || fault === 'wrong' ? '' : ` (${fault})`}`,
  ])
  const text = [
    `${id}: ${verdict}${reason === undefined ? '' : `: ${reason}`}`,
    ...lines,
    ...trace,
    `again: ${replay}`,
  ]
  const error = new Error(text.join('\n'))
  // It would point into the judge, which is not where the mistake is.
  error.stack = ''
  return error
}
