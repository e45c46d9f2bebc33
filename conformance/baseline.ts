// Known failures of one server: each with a reason, a link and a day on which it has to be gone.
import { readFileSync } from 'node:fs'
import { ChatspecError, type Encoding, type RuleId } from '../protocol/index.ts'
import type { BaselineEntry, CaseResult, EntryStatus, JudgedEntry } from './result.ts'

const fields = ['rule', 'case', 'encoding', 'reason', 'link', 'expires']

/** @throws ChatspecError BAD_BASELINE naming the file, the entry, what came and what is allowed */
export function readBaseline(path: string): BaselineEntry[] {
  let given: unknown
  try {
    given = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new ChatspecError('BAD_BASELINE', `baseline ${path}: ${detail}`, { cause })
  }
  return resolveBaseline(given, path)
}

/** @param source Where it comes from, for the error. @throws ChatspecError BAD_BASELINE */
export function resolveBaseline(given: unknown, source = 'baseline'): BaselineEntry[] {
  if (!Array.isArray(given))
    throw bad(source, given, 'a list of {rule, case, encoding, reason, link, expires}')
  return given.map((one, index) => resolveEntry(one, `${source}, entry ${index + 1}`))
}

/**
 * A case that broke only what is known becomes a known failure; one rule more, and it stays what it was.
 * @param day Of the run, as `2026-01-31`
 */
export function applyBaseline(
  result: CaseResult,
  entries: readonly BaselineEntry[],
  day: string,
): CaseResult {
  if (!isFailing(result)) return result
  const inForce = entries.filter((entry) => entry.expires >= day && concerns(entry, result))
  const broken = result.checks.filter(({ verdict }) => verdict !== 'pass').map(({ rule }) => rule)
  const isKnown = broken.every((rule) =>
    inForce.some((entry) => entry.rule === undefined || entry.rule === rule),
  )
  if (!isKnown) return result
  const [first] = inForce
  if (first === undefined) return result
  return {
    ...result,
    verdict: 'known-failure',
    reason: `${first.reason} (${first.link}, until ${first.expires})`,
  }
}

/**
 * What became of each entry: only one that still fails holds.
 * @param isElsewhere True for what the suite has but this run did not select
 */
export function judgeBaseline(
  entries: readonly BaselineEntry[],
  results: readonly CaseResult[],
  { day, isElsewhere }: { day: string; isElsewhere: (entry: BaselineEntry) => boolean },
): JudgedEntry[] {
  return entries.map((entry) => {
    if (entry.expires < day) return { ...entry, status: 'expired' }
    const matched = results.filter((result) => concerns(entry, result))
    if (matched.length === 0) return { ...entry, status: isElsewhere(entry) ? 'not-run' : 'matches-nothing' }
    return { ...entry, status: statusOf(entry, matched) }
  })
}

/** Does the entry name the case, or a rule that it is about or that it found broken? */
export function concerns(
  entry: BaselineEntry,
  { id, encoding, rules, checks }: Pick<CaseResult, 'id' | 'encoding' | 'rules' | 'checks'>,
): boolean {
  const isAbout = (rule: RuleId): boolean =>
    rules.includes(rule) || checks.some((check) => check.rule === rule)
  return (
    (entry.case === undefined || entry.case === id) &&
    (entry.encoding === undefined || entry.encoding === encoding) &&
    (entry.rule === undefined || isAbout(entry.rule))
  )
}

function statusOf({ rule }: BaselineEntry, matched: readonly CaseResult[]): EntryStatus {
  const breaks = ({ checks, verdict }: CaseResult): boolean =>
    rule === undefined
      ? isFailing({ verdict }) || verdict === 'known-failure'
      : checks.some((check) => check.rule === rule && check.verdict !== 'pass')
  if (matched.some(breaks)) return 'holds'
  if (matched.some(({ verdict }) => verdict === 'unknown' || verdict === 'harness-error')) return 'undecided'
  const isJudged = matched.some(({ verdict }) => verdict !== 'not-applicable' && verdict !== 'untestable')
  return isJudged ? 'passes' : 'matches-nothing'
}

function isFailing({ verdict }: Pick<CaseResult, 'verdict'>): boolean {
  return verdict === 'fail' || verdict === 'warn'
}

function resolveEntry(given: unknown, where: string): BaselineEntry {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw bad(where, given, 'an object')
  const stranger = Object.keys(given).find((name) => !fields.includes(name))
  if (stranger !== undefined) throw bad(`${where}, field`, stranger, fields.join(', '))
  const entry = given as Record<string, unknown>
  const text = (name: string): string => {
    const value = entry[name]
    if (typeof value !== 'string' || value.trim() === '') throw bad(`${where}, ${name}`, value, 'a text')
    return value
  }
  if (entry.rule === undefined && entry.case === undefined)
    throw bad(`${where}, rule and case`, undefined, 'one or both')
  const link = text('link')
  if (!URL.canParse(link)) throw bad(`${where}, link`, link, 'a URL')
  return {
    ...(entry.rule !== undefined && { rule: text('rule') }),
    ...(entry.case !== undefined && { case: text('case') }),
    ...(entry.encoding !== undefined && { encoding: encodingOf(entry.encoding, where) }),
    reason: text('reason'),
    link,
    expires: dayOf(entry.expires, where),
  }
}

function encodingOf(value: unknown, where: string): Encoding {
  if (value !== 'json' && value !== 'cbor') throw bad(`${where}, encoding`, value, 'json or cbor')
  return value
}

function dayOf(value: unknown, where: string): string {
  const isDay =
    typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value))
  if (!isDay || new Date(value).toISOString().slice(0, 10) !== value)
    throw bad(`${where}, expires`, value, 'a day like 2026-12-31')
  return value
}

function bad(where: string, arrived: unknown, allowed: string): ChatspecError {
  return new ChatspecError(
    'BAD_BASELINE',
    `${where}: ${JSON.stringify(arrived) ?? 'nothing'} arrived, ${allowed} is allowed`,
  )
}
