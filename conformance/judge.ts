// One case, once: runs it within its time and turns whatever happens into a verdict.
import type { RuleId } from '../protocol/index.ts'
import type { Case } from './case.ts'
import { isMandatory, sentence } from './catalogue.ts'
import type { CaseContext } from './context.ts'
import { within } from './deadline.ts'
import { keepHistory, type KeepHistory } from './kept-history.ts'
import { unmet } from './needs.ts'
import { type Checked, Finding, type Outcome, type Skipped, unknown } from './outcome.ts'
import type { CaseResult, CheckResult, Verdict } from './result.ts'
import { Strays } from './strays.ts'
import { formatLine } from './trace.ts'

export interface JudgeOptions {
  context: CaseContext
  startedMs: number
  timeoutMs: number
  replay: string
  /** Settles when the run is to end. */
  interrupted: Promise<void>
  /** The case is not run for this reason. */
  skip?: Skipped
  /** Takes what a case that did not pass has done and seen. */
  onHistory?: KeepHistory
}

const shownTraceLines = 20
/** A case whose time is over finds its connections closed, and has so long to notice. */
const windUpMs = 1_000
/** And one that may have stopped the server has so long to start it again. */
const reviveMs = 80_000

/** What a case came to: its checks, and why there are no more of them. */
interface Course {
  checks: Checked[]
  skipped?: Skipped
  /** Trouble of our own. */
  trouble?: string
}

export async function judge(one: Case, options: JudgeOptions): Promise<CaseResult> {
  const { context } = options
  const began = performance.now()
  const strays = new Strays()
  const hindrance = options.skip ?? unmet(one.needs ?? [], context)
  const attempted = hindrance
    ? Promise.resolve({ checks: [], skipped: hindrance })
    : strays.run(() => attempt(one, context))
  const course = await withStrays(await follow(attempted, options), strays, context)
  const { verdict, reason = listOf(context.reduced?.commands) } = conclude(one, course)
  const checks = course.checks.map((checked) => report(one, checked)).sort(decisiveFirst)
  const { reduced } = context
  const lines = verdict === 'pass' ? [] : (reduced?.fullTrace ?? context.trace.lines())
  const durationMs = Math.round(performance.now() - began)
  const history = isShortfall(verdict) ? keepHistory(one, context, options.onHistory) : undefined
  await windUp(one, context, attempted)
  return {
    id: one.id,
    title: one.title,
    group: one.group,
    encoding: context.encoding,
    level: one.level,
    rules: one.rules,
    verdict,
    ...(reason !== undefined && { reason }),
    ...(reduced && { counterexample: { path: reduced.path, commands: reduced.commands } }),
    checks,
    trace: (reduced?.trace ?? lines.slice(-shownTraceLines)).map(formatLine),
    fullTrace: lines,
    ...(history && { history }),
    startedMs: options.startedMs,
    durationMs,
    replay: options.replay,
  }
}

function isShortfall(verdict: Verdict): boolean {
  return verdict === 'fail' || verdict === 'warn' || verdict === 'unknown'
}

/** Until the case is over, its time, or the run. */
async function follow(
  attempted: Promise<Course>,
  { context, timeoutMs, interrupted }: JudgeOptions,
): Promise<Course> {
  const late = unknown(`it was not over after ${timeoutMs} ms`)
  const stopped = interrupted.then(() => ({ skipped: unknown('interrupted') }))
  const ended = (await within(Promise.race([attempted, stopped]), timeoutMs)) ?? { skipped: late }
  const checks = [...context.checks, ...('checks' in ended ? ended.checks : []), ...defects(context)]
  const broken = context.sessions.find(({ trouble }) => trouble !== undefined)
  return { ...ended, checks, ...(broken && { trouble: describe(broken.trouble) }) }
}

/** What nobody awaited counts as if the case had ended with it, unless it has failed anyway. */
async function withStrays(course: Course, strays: Strays, { rule }: CaseContext): Promise<Course> {
  if (course.trouble !== undefined || course.checks.some(({ verdict }) => verdict === 'fail')) return course
  const found = (await strays.reasons()).map((reason) => thrown(reason, rule))
  const skipped = course.skipped ?? found.find((one) => one.skipped)?.skipped
  const trouble = found.find((one) => one.trouble !== undefined)?.trouble
  return {
    checks: [...course.checks, ...found.flatMap(({ checks }) => checks)],
    ...(skipped && { skipped }),
    ...(trouble !== undefined && { trouble }),
  }
}

/** Closes everything, so that nothing of this case goes on while others run. */
async function windUp({ needs = [] }: Case, context: CaseContext, attempted: Promise<Course>): Promise<void> {
  const mayHaveStopped = needs.some((need) => need.startsWith('hook:'))
  await context.end()
  await within(attempted, mayHaveStopped ? reviveMs : windUpMs)
  // What it opened meanwhile.
  await context.end()
}

async function attempt(one: Case, context: CaseContext): Promise<Course> {
  try {
    return sort(await one.run(context), context.rule)
  } catch (error) {
    return thrown(error, context.rule)
  }
}

/** What a case came to that ended with a finding, or with a mistake of our own. */
function thrown(error: unknown, rule: RuleId | undefined): Course {
  if (error instanceof Finding) return sort(error.outcome, rule)
  return { checks: [], trouble: describe(error) }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function sort(outcomes: Outcome | readonly Outcome[], rule: RuleId | undefined): Course {
  const list = ([outcomes].flat() as Outcome[]).map((outcome) => ({
    ...(rule !== undefined && { rule }),
    ...outcome,
  }))
  const skipped = list.find((outcome) => 'reason' in outcome)
  return { checks: list.filter((outcome) => 'expected' in outcome), ...(skipped && { skipped }) }
}

function listOf(commands: readonly string[] | undefined): string | undefined {
  return commands && ['reduced to:', ...commands].join('\n')
}

/** Broken frames are the server's fault whatever the case is about. */
export function defects(context: CaseContext): Checked[] {
  return context.sessions.flatMap(({ malformed, wire }) => {
    if (!wire.violation) return malformed
    const actual = `${wire.label}: ${wire.violation}`
    return [
      ...malformed,
      { verdict: 'fail', rule: 'CON-03', expected: 'RFC 6455 is kept', actual, fault: 'malformed' },
    ]
  })
}

function conclude(one: Case, { checks, skipped, trouble }: Course): { verdict: Verdict; reason?: string } {
  if (trouble !== undefined) return { verdict: 'harness-error', reason: trouble }
  const broken = checks.filter(({ verdict }) => verdict === 'fail')
  if (broken.length > 0) return { verdict: broken.some((checked) => isMust(one, checked)) ? 'fail' : 'warn' }
  if (skipped) return { verdict: skipped.verdict, reason: skipped.reason }
  if (checks.length === 0) return { verdict: 'harness-error', reason: 'the case checked nothing' }
  const emitted = new Set(checks.map((checked) => ruleOf(one, checked)))
  const idle = one.rules.filter((rule) => !emitted.has(rule))
  const stray = [...emitted].filter((rule) => !one.rules.includes(rule))
  if (idle.length > 0)
    return { verdict: 'harness-error', reason: `declared but not checked: ${idle.join(', ')}` }
  if (stray.length > 0)
    return { verdict: 'harness-error', reason: `checked but not declared: ${stray.join(', ')}` }
  return { verdict: 'pass' }
}

function report(one: Case, checked: Checked): CheckResult {
  const rule = ruleOf(one, checked)
  const quoted = sentence(rule)
  const { expected, actual } = checked
  const kept = { rule, ...(quoted !== undefined && { sentence: quoted }), expected, actual }
  if (checked.verdict === 'pass') return { ...kept, verdict: 'pass' }
  return { ...kept, verdict: isMust(one, checked) ? 'fail' : 'warn', fault: checked.fault }
}

function ruleOf(one: Case, { rule }: Checked): string {
  return rule ?? one.rules[0]
}

function isMust(one: Case, checked: Checked): boolean {
  const rule = ruleOf(one, checked)
  // A rule that the case did not set out to test was broken on its way: the level of the case says nothing of it.
  return isMandatory(rule) && (one.level === 'must' || !one.rules.includes(rule))
}

function decisiveFirst(a: CheckResult, b: CheckResult): number {
  const order = { fail: 0, warn: 1, pass: 2 }
  return order[a.verdict] - order[b.verdict]
}
