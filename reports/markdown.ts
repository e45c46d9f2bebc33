// A summary in Markdown, for a pull request or a job page.
import type { CaseResult, ConformanceResult } from '../conformance/result.ts'
import {
  alsoBroken,
  byGroup,
  decisive,
  describeFault,
  describeSet,
  explain,
  isOpen,
  overallLabels,
  duration,
  shownVerdicts,
  staleEntries,
  toRows,
  verdictLabels,
} from './summary.ts'
import { visibleLine } from './visible.ts'

export function renderMarkdown(result: ConformanceResult): string {
  const { verdict, target, profile, seed, encodings, tool, environment, coverage, cutShort } = result
  const clauses = coverage.tested.length + coverage.untested.length
  const facts = [
    `target ${code(target.url)}`,
    `profile ${profile}`,
    encodings.join(' and '),
    `seed ${seed}`,
    duration(result.durationMs),
    `chatspec ${tool.version}`,
    `Node ${environment.node}`,
  ]
  const sections = [
    `## ${overallLabels[verdict]}`,
    plain(explain(result)),
    ...(cutShort === undefined ? [] : [`**The run ended early:** ${plain(cutShort)}`]),
    facts.join(' · '),
    renderGroups(result),
    ...renderProblems(result),
    ...renderStale(result),
    `Sentences of SPEC.md that oblige a server: ${coverage.tested.length} of ${clauses} tested. ${plain(describeSet(result))}`,
  ]
  return `${sections.join('\n\n')}\n`
}

function renderGroups({ cases }: ConformanceResult): string {
  const shown = shownVerdicts(cases)
  const groups = byGroup(cases)
  const head = ['feature', ...shown.map((verdict) => verdictLabels[verdict].word)]
  const lines = groups.map(({ name, counts }) => [
    plain(name),
    ...shown.map((verdict) => String(counts[verdict] || '')),
  ])
  return [head, head.map((_, index) => (index === 0 ? '---' : '--:')), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function renderProblems({ cases }: ConformanceResult): string[] {
  const rows = toRows(cases).filter(({ result }) => result.verdict !== 'pass')
  if (rows.length === 0) return []
  return ['### What did not pass', rows.map(({ result }) => renderProblem(result)).join('\n')]
}

function renderStale(result: ConformanceResult): string[] {
  const stale = staleEntries(result)
  if (stale.length === 0) return []
  return [
    '### Entries of the baseline that must go',
    stale.map(({ name, why }) => `- ${code(name)}: ${plain(why)}`).join('\n'),
  ]
}

function renderProblem(result: CaseResult): string {
  const { word, mark } = verdictLabels[result.verdict]
  const check = decisive(result)
  const others = alsoBroken(result)
  const how = check && describeFault(check)
  const head = `- ${mark} **${word}** ${code(result.id)} (${result.encoding}), ${result.rules.join(', ')}`
  const lines = [
    ...(result.reason === undefined ? [] : [plain(result.reason)]),
    ...(check?.sentence === undefined ? [] : [`_${plain(check.sentence)}_`]),
    ...(check === undefined ? [] : [`expected ${code(check.expected)}`, `actual ${code(check.actual)}`]),
    ...(how === undefined ? [] : [plain(how)]),
    ...(others.length === 0 ? [] : [`also broken: ${others.join(', ')}`]),
    ...(isOpen(result) ? [`again ${code(result.replay)}`] : []),
  ]
  return [head, ...lines].join('<br>\n  ')
}

/** A code span whose fence is longer than any run of backticks in it. */
function code(text: string): string {
  const line = visibleLine(text)
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  const pad = line.startsWith('`') || line.endsWith('`') || line === '' ? ' ' : ''
  return `${fence}${pad}${line}${pad}${fence}`
}

/** Nothing in it is markup, and GitHub makes no link, mention or issue of it: zero-width spaces break those up. */
function plain(text: string): string {
  return visibleLine(text)
    .replace(/[\\`*_{}[\]()<>#+!|~&]/g, '\\$&')
    .replace(/[@#]/g, '$&&#8203;')
    .replaceAll('://', ':&#8203;//')
}
