// What a case finds out: a check that held or did not, or a reason why there is nothing to say.
import type { RuleId } from '../protocol/index.ts'

/**
 * How a failing server failed: it answered something else, said nothing, closed where it should not,
 * reset the connection, was gone altogether, or broke the form of WebSocket or chatspec frames.
 */
export type Fault = 'wrong' | 'silent' | 'closed' | 'reset' | 'gone' | 'malformed'

/** One check. Its `rule` defaults to the first rule of the case. */
export type Checked =
  | { verdict: 'pass'; rule?: RuleId; expected: string; actual: string }
  | { verdict: 'fail'; rule?: RuleId; expected: string; actual: string; fault: Fault }

/** Nothing to blame: the server does not promise it, the judge cannot test it, or too little happened. */
export interface Skipped {
  verdict: 'not-applicable' | 'untestable' | 'unknown'
  reason: string
}

export type Outcome = Checked | Skipped

/** Ends a case early with its outcome. Everything else that a case throws is trouble of the harness. */
export class Finding extends Error {
  override readonly name = 'Finding'
  readonly outcome: Outcome
  constructor(outcome: Outcome) {
    super('reason' in outcome ? outcome.reason : `expected ${outcome.expected}, got ${outcome.actual}`)
    this.outcome = outcome
  }
}

export function pass(expected: string, actual = expected): Checked {
  return { verdict: 'pass', expected, actual }
}

export function fail(expected: string, actual: string, fault: Fault = 'wrong'): Checked {
  return { verdict: 'fail', expected, actual, fault }
}

/** The server does not promise what this case tests. */
export function notApplicable(reason: string): Skipped {
  return { verdict: 'not-applicable', reason }
}

/** The judge lacks what it takes: a hook, the secret, enough users. */
export function untestable(reason: string): Skipped {
  return { verdict: 'untestable', reason }
}

/** Too little happened to judge. */
export function unknown(reason: string): Skipped {
  return { verdict: 'unknown', reason }
}

/** Which sentence of SPEC.md a check is about, in a case that has several. */
export function clause(rule: RuleId, checked: Checked): Checked {
  return { ...checked, rule }
}

/**
 * The first check that failed, or the last one: several looks at one sentence.
 * @throws Error if there are none, because a case that looked at nothing proves nothing
 */
export function all(...checks: readonly Checked[]): Checked {
  const decisive = checks.find((one) => one.verdict === 'fail') ?? checks.at(-1)
  if (!decisive) throw new Error('all() of no checks')
  return decisive
}
