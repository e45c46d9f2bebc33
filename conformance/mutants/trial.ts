// One server, judged once: what the suite found, and whether it found what it should.
import { type Case, cases } from '../index.ts'
import { isMandatory } from '../catalogue.ts'
import type { CaseResult } from '../result.ts'
import { runConformance, type RunOptions } from '../run.ts'
import { resolveTarget } from '../target.ts'
import { ChatspecError, type Encoding } from '../../protocol/index.ts'
import type { Defect } from './defects.ts'
import type { Oddity } from './oddities.ts'
import { Host, type HostOptions } from './server/host.ts'
import type { SwitchId } from './switches.ts'

/** `killed`: red over a sentence that the defect breaks. `half`: red over another one. */
export type Outcome = 'killed' | 'half' | 'survived'

/** What one case made of one defect. */
export interface Finding {
  case: string
  encoding: Encoding
  outcome: Outcome
  verdict: CaseResult['verdict']
  /** The sentence that went red, or why none did. */
  detail: string
}

/** A defect shows or not: nobody has to wait as long as for a stranger's server. */
const defectTimeoutMs = 6_000
const concurrency = 4

/** Judges a server of this kind, with whatever it declares. */
export async function judge(
  options: HostOptions,
  run: RunOptions & { timeoutMs?: number } = {},
): Promise<CaseResult[]> {
  const { timeoutMs, ...rest } = run
  const host = await Host.start(options)
  try {
    const target = resolveTarget({ ...host.target, ...(timeoutMs && { timeoutMs }) })
    const result = await runConformance(target, { profile: 'full', ...rest })
    return result.cases
  } finally {
    await host.close()
  }
}

/** The cases that have to notice a defect, or the whole suite, against it. */
export async function tryDefect(
  defect: Defect,
  { all = false, seed }: { all?: boolean; seed?: number } = {},
): Promise<Finding[]> {
  const { encodings, limits, caps, id } = defect
  const options: HostOptions = {
    switches: [id as SwitchId],
    ...(limits && { limits }),
    ...(caps && { caps }),
  }
  const results = await judge(options, {
    timeoutMs: defectTimeoutMs,
    concurrency,
    ...(encodings && { encodings }),
    ...(seed !== undefined && { seed }),
    ...(all ? { profile: 'quick' } : { only: defect.cases }),
  }).catch(refusedToJudge)
  return results.map((result) => ({
    case: result.id,
    encoding: result.encoding,
    verdict: result.verdict,
    ...look(defect, result),
  }))
}

/** It does not even let us in: no case has noticed anything. */
function refusedToJudge(error: unknown): CaseResult[] {
  if (error instanceof ChatspecError && error.code !== 'NO_SUCH_CASE') return []
  throw error
}

function look(
  { clauses }: Defect,
  { verdict, checks, reason }: CaseResult,
): Pick<Finding, 'outcome' | 'detail'> {
  const red = checks.filter((check) => check.verdict !== 'pass')
  const isRed = verdict === 'fail' || (verdict === 'warn' && !clauses.some(isMandatory))
  const own = red.find(({ rule }) => clauses.includes(rule))
  const shown = own ?? red[0]
  const detail = shown ? `${shown.rule}: ${shown.actual}` : (reason ?? verdict)
  return { outcome: !isRed ? 'survived' : own ? 'killed' : 'half', detail: detail.slice(0, 300) }
}

/** What a defect comes to when each case that has to notice it was tried: the least of what they made of it. */
export function outcomeOf({ cases: due }: Defect, findings: readonly Finding[]): Outcome {
  const own = findings.filter((one) => due.includes(one.case))
  if (due.some((id) => !own.some((one) => one.case === id))) return 'survived'
  const outcomes = own.map(({ outcome }) => outcome)
  return outcomes.includes('survived') ? 'survived' : outcomes.includes('half') ? 'half' : 'killed'
}

/** A correct server, as it is or with an oddity, judged in the quick profile: what the suite blames it for. */
export async function tryCorrect(
  oddity?: Oddity,
  run: RunOptions = {},
): Promise<{ alarms: CaseResult[]; cases: number }> {
  const options: HostOptions = oddity
    ? { switches: [oddity.id as SwitchId], ...(oddity.caps && { caps: oddity.caps }) }
    : {}
  const results = await judge(options, { profile: 'quick', ...run })
  return { alarms: results.filter((result) => isAlarm(result, oddity)), cases: results.length }
}

function isAlarm({ verdict, checks }: CaseResult, oddity: Oddity | undefined): boolean {
  if (verdict === 'warn')
    return checks.some((check) => check.verdict !== 'pass' && !oddity?.warns?.includes(check.rule))
  return verdict !== 'pass' && verdict !== 'not-applicable' && verdict !== 'untestable'
}

/** Cases of the suite by id. */
export function caseOf(id: string): Case | undefined {
  return cases.find((one) => one.id === id)
}
