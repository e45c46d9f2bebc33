// What every report says in its own form: words for verdicts, one sentence for the whole, rows of equal outcomes.
import type {
  CaseResult,
  CheckResult,
  ConformanceResult,
  JudgedEntry,
  OverallVerdict,
  Verdict,
} from '../conformance/result.ts'

/** In the order of urgency. A mark differs by shape, because colours are not for everybody. */
export const verdictLabels: Readonly<Record<Verdict, { word: string; mark: string }>> = {
  fail: { word: 'fail', mark: '✗' },
  'harness-error': { word: 'harness error', mark: '⚠' },
  unknown: { word: 'unknown', mark: '?' },
  warn: { word: 'warn', mark: '!' },
  'known-failure': { word: 'known', mark: '≈' },
  untestable: { word: 'untestable', mark: '○' },
  'not-applicable': { word: 'not applicable', mark: '–' },
  pass: { word: 'pass', mark: '✓' },
}

export const verdictOrder = Object.keys(verdictLabels) as Verdict[]

export const overallLabels: Readonly<Record<OverallVerdict, string>> = {
  conformant: 'Conformant',
  'known-failures': 'Nothing new is broken',
  'stale-baseline': 'Baseline out of date',
  'not-conformant': 'Not conformant',
  undecided: 'Undecided',
  'harness-error': 'Harness error',
}

/** Why an entry of the baseline has to go. */
const staleReasons: Readonly<Partial<Record<JudgedEntry['status'], string>>> = {
  passes: 'it passes now',
  expired: 'it has expired',
  'matches-nothing': 'it matches nothing that was tested',
}

/** The entries of the baseline that have to go, and why. */
export function staleEntries({ baseline = [] }: ConformanceResult): { name: string; why: string }[] {
  return baseline.flatMap((entry) => {
    const why = staleReasons[entry.status]
    const name = [entry.rule, entry.case, entry.encoding].filter(Boolean).join(', ')
    return why === undefined
      ? []
      : [{ name, why: `${why}: ${entry.reason} (${entry.link}, until ${entry.expires})` }]
  })
}

/** The overall verdict in a sentence. */
export function explain({ verdict, counts, cases, baseline = [] }: ConformanceResult): string {
  const judged = counts.pass + counts.warn + counts.fail + counts['known-failure']
  switch (verdict) {
    case 'conformant': {
      const warned = counts.warn === 0 ? '' : `, ${plural(counts.warn, 'recommendation')} of them not kept`
      return `All ${plural(judged, 'case')} that could be judged keep what the protocol demands${warned}.`
    }
    case 'known-failures':
      return `${counts['known-failure']} of ${plural(judged, 'case')} broke what the protocol demands, as the baseline says; nothing else did.`
    case 'stale-baseline': {
      const stale = baseline.filter((entry) => staleReasons[entry.status] !== undefined)
      return `Nothing new is broken, but ${plural(stale.length, 'entry of the baseline', 'entries of the baseline')} must go.`
    }
    case 'not-conformant':
      return `${counts.fail} of ${plural(judged, 'case')} that could be judged broke what the protocol demands.`
    case 'undecided':
      return judged === 0
        ? 'Nothing could be judged.'
        : `Nothing failed, but too little happened to judge ${plural(counts.unknown, 'case')}.`
    case 'harness-error':
      return `Nothing failed, but the judge itself had trouble in ${counts['harness-error']} of ${plural(cases.length, 'case')}.`
  }
}

/** The score by the frozen requirements, in a sentence. */
export function describeSet({ set }: ConformanceResult): string {
  const { name, kept, broken, notTested, notApplicable } = set
  const total = kept.length + broken.length + notTested.length
  const others = notApplicable.length === 0 ? '' : `, ${notApplicable.length} not applicable`
  return `${name}: ${kept.length} of ${total} kept, ${broken.length} broken, ${notTested.length} not tested${others}.`
}

/** `12 pass, 1 fail`, without the zeros. */
export function describeCounts(counts: Readonly<Record<Verdict, number>>): string {
  const parts = verdictOrder.filter((verdict) => counts[verdict] > 0)
  return parts.map((verdict) => `${counts[verdict]} ${verdictLabels[verdict].word}`).join(', ') || 'no cases'
}

/** The columns of a table: `pass`, then what else occurs, most urgent first. */
export function shownVerdicts(cases: readonly CaseResult[]): Verdict[] {
  const others = verdictOrder.filter((verdict) => verdict !== 'pass')
  return ['pass', ...others.filter((verdict) => cases.some((one) => one.verdict === verdict))]
}

/** Worth repeating: something may be wrong. The others have a reason, which stays the same. */
export function isOpen({ verdict }: CaseResult): boolean {
  return !['pass', 'known-failure', 'not-applicable', 'untestable'].includes(verdict)
}

export interface Group {
  name: string
  cases: readonly CaseResult[]
  counts: Readonly<Record<Verdict, number>>
}

/** Cases by feature, in the order in which they ran. */
export function byGroup(cases: readonly CaseResult[]): Group[] {
  const names = [...new Set(cases.map((one) => one.group))]
  return names.map((name) => {
    const members = cases.filter((one) => one.group === name)
    return { name, cases: members, counts: count(members) }
  })
}

/** One case, in one encoding or, if it passed in all of them, in several. */
export interface Row {
  result: CaseResult
  encodings: string[]
}

/** What passed in both encodings is one row; everything else is worth a look of its own. */
export function toRows(cases: readonly CaseResult[]): Row[] {
  const rows: Row[] = []
  const passed = new Map<string, Row>()
  for (const result of cases) {
    const earlier = result.verdict === 'pass' ? passed.get(result.id) : undefined
    if (earlier !== undefined) {
      earlier.encodings.push(result.encoding)
      continue
    }
    const row = { result, encodings: [result.encoding] }
    if (result.verdict === 'pass') passed.set(result.id, row)
    rows.push(row)
  }
  return rows
}

/** Checks that say the same are one that was made several times. */
export function mergeEqual(checks: readonly CheckResult[]): { check: CheckResult; times: number }[] {
  const merged = new Map<string, { check: CheckResult; times: number }>()
  for (const check of checks) {
    const key = JSON.stringify([check.rule, check.verdict, check.expected, check.actual, check.fault])
    const earlier = merged.get(key)
    if (earlier === undefined) merged.set(key, { check, times: 1 })
    else earlier.times++
  }
  return [...merged.values()]
}

const faultWords: Readonly<Record<Exclude<NonNullable<CheckResult['fault']>, 'wrong'>, string>> = {
  silent: 'nothing came in time',
  closed: 'the server ended the connection instead',
  reset: 'the server reset the connection: what it wrote last, an error perhaps, is lost with it',
  gone: 'the server is gone',
  malformed: 'what came is no frame as SPEC.md or RFC 6455 has them',
}

/** How a check failed, where that says more than that something else came. */
export function describeFault({ fault }: CheckResult): string | undefined {
  return fault === undefined || fault === 'wrong' ? undefined : `${fault}: ${faultWords[fault]}`
}

/** The check that decided, if any was made. */
export function decisive({ checks }: CaseResult): CheckResult | undefined {
  return checks[0]
}

/** Sentences that were broken besides the one that decided. */
export function alsoBroken({ checks }: CaseResult): string[] {
  const broken = checks.filter(({ verdict }) => verdict !== 'pass').map(({ rule }) => rule)
  return [...new Set(broken)].slice(1)
}

/** What `chatspec check` says of the history of a case, or undefined if none was kept. */
export function describeHistory({ history }: CaseResult): string | undefined {
  if (history === undefined) return undefined
  const { broken, verdict } = history
  if (verdict === 'harness-error') return 'chatspec check cannot judge it: the recording has a gap (H19)'
  if (broken.length > 0) return `chatspec check finds ${broken.join(', ')} broken in it`
  return 'chatspec check finds nothing in it: this shows only in the frames of the case itself'
}

/** The worst verdict that any case gave a sentence of SPEC.md. */
export function verdictOfRules(cases: readonly CaseResult[]): Map<string, CheckResult['verdict']> {
  const worst = new Map<string, CheckResult['verdict']>()
  for (const { rule, verdict } of cases.flatMap((one) => one.checks)) {
    const earlier = worst.get(rule)
    if (earlier === undefined || verdictOrder.indexOf(verdict) < verdictOrder.indexOf(earlier))
      worst.set(rule, verdict)
  }
  return worst
}

function count(cases: readonly CaseResult[]): Record<Verdict, number> {
  const counts = Object.fromEntries(verdictOrder.map((verdict) => [verdict, 0])) as Record<Verdict, number>
  for (const { verdict } of cases) counts[verdict]++
  return counts
}

export function plural(number: number, word: string, words = `${word}s`): string {
  return `${number} ${number === 1 ? word : words}`
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}
