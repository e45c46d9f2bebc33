// The run on a terminal or in a log: progress while it lasts, then the table of verdicts.
import { createColors } from 'picocolors'
import type { CaseResult, ConformanceResult, Verdict } from '../conformance/result.ts'
import {
  alsoBroken,
  byGroup,
  decisive,
  describeCounts,
  describeFault,
  describeHistory,
  describeSet,
  explain,
  isOpen,
  overallLabels,
  plural,
  duration,
  shownVerdicts,
  staleEntries,
  toRows,
  verdictLabels,
} from './summary.ts'
import { visibleLine } from './visible.ts'

export interface TableStyle {
  /** Of the terminal; longer lines are wrapped. */
  columns: number
  colours: boolean
}

type Colours = ReturnType<typeof createColors>

/** The table of verdicts, what did not pass and why, and the verdict of all. */
export function renderTable(result: ConformanceResult, style: TableStyle): string {
  const paint = createColors(style.colours)
  const { coverage, cutShort, verdict } = result
  const clauses = coverage.tested.length + coverage.untested.length
  const paintOverall = {
    conformant: paint.green,
    'known-failures': paint.yellow,
    'stale-baseline': paint.red,
    'not-conformant': paint.red,
    undecided: paint.magenta,
    'harness-error': paint.yellow,
  }[verdict]
  const ending = [
    ...(cutShort === undefined ? [] : [...wrap(`The run ended early: ${cutShort}`, style.columns)]),
    paint.bold(paintOverall(overallLabels[verdict])),
    ...wrap(explain(result), style.columns),
    ...wrap(`${coverage.tested.length} of ${plural(clauses, 'clause')} tested.`, style.columns),
    ...wrap(describeSet(result), style.columns, '  '),
  ]
  const blocks = [
    describeRun(result, style),
    renderGroups(result, style, paint),
    ...renderProblems(result, style, paint),
  ]
  return `${[...blocks, renderStale(result, style, paint), renderUntested(result, style), ending]
    .map((lines) => lines.join('\n'))
    .filter(Boolean)
    .join('\n\n')}\n`
}

/** Green, red and so on, as the verdict deserves. */
export function paintVerdict(verdict: Verdict, paint: Colours): (text: string) => string {
  switch (verdict) {
    case 'pass':
      return paint.green
    case 'fail':
      return paint.red
    case 'warn':
    case 'known-failure':
    case 'harness-error':
      return paint.yellow
    case 'unknown':
      return paint.magenta
    default:
      return paint.dim
  }
}

function describeRun(
  { target, profile, encodings, seed, durationMs }: ConformanceResult,
  style: TableStyle,
): string[] {
  const facts = [encodings.join(' and '), `profile ${profile}`, `seed ${seed}`, duration(durationMs)]
  return wrap(`${target.url}: ${facts.join(', ')}`, style.columns)
}

function renderGroups(
  { cases, counts }: ConformanceResult,
  { columns }: TableStyle,
  paint: Colours,
): string[] {
  const shown = shownVerdicts(cases)
  const rows = [...byGroup(cases), { name: 'all', counts }]
  const nameWidth = Math.max(...rows.map(({ name }) => name.length), 'feature'.length)
  const heads = shown.map((verdict) => verdictLabels[verdict].word)
  const width = nameWidth + heads.reduce((sum, head) => sum + head.length + 2, 0)
  if (width > columns)
    return rows.flatMap((row) => wrap(`${row.name}: ${describeCounts(row.counts)}`, columns, '  '))
  const head = `${'feature'.padEnd(nameWidth)}${heads.map((text) => `  ${text}`).join('')}`
  const lines = rows.map(({ name, counts }) => {
    const cells = shown.map((verdict, index) => {
      const number = counts[verdict]
      const cell = String(number || '·').padStart((heads[index] ?? '').length)
      return `  ${number === 0 ? paint.dim(cell) : paintVerdict(verdict, paint)(cell)}`
    })
    return `${name.padEnd(nameWidth)}${cells.join('')}`
  })
  return [paint.dim(head), ...lines.slice(0, -1), paint.dim('─'.repeat(width)), ...lines.slice(-1)]
}

function renderProblems({ cases }: ConformanceResult, style: TableStyle, paint: Colours): string[][] {
  return toRows(cases.filter(isOpen)).map(({ result }) => renderProblem(result, style, paint))
}

function renderProblem(result: CaseResult, { columns }: TableStyle, paint: Colours): string[] {
  const { mark, word } = verdictLabels[result.verdict]
  const check = decisive(result)
  const rules = check === undefined ? result.rules.join(', ') : check.rule
  const others = alsoBroken(result)
  const how = check && describeFault(check)
  const head = `${mark} ${word}  ${result.id} (${result.encoding})  ${rules}`
  const field = (name: string, text: string): string[] =>
    wrap(`  ${name.padEnd(8)}  ${text}`, columns, ' '.repeat(12))
  return [
    paintVerdict(result.verdict, paint)(head),
    ...(result.reason?.split('\n') ?? []).flatMap((line) => wrap(`  ${line}`, columns, '  ')),
    ...(check?.sentence === undefined ? [] : wrap(`  ${check.sentence}`, columns, '  ').map(paint.dim)),
    ...(check === undefined ? [] : [...field('expected', check.expected), ...field('actual', check.actual)]),
    ...(how === undefined ? [] : field('how', how)),
    ...(others.length === 0 ? [] : field('also', `${others.join(', ')} broken`)),
    ...(result.history === undefined
      ? []
      : field('history', `${result.history.file}: ${describeHistory(result)}`)),
    // Not wrapped: it is there to be copied.
    `  ${'again'.padEnd(8)}  ${visibleLine(result.replay)}`,
  ]
}

/** What has to be changed in the baseline. */
function renderStale(result: ConformanceResult, { columns }: TableStyle, paint: Colours): string[] {
  return staleEntries(result).flatMap(({ name, why }) => {
    const [first = '', ...others] = wrap(`✗ baseline  ${name}: ${why}`, columns, '  ')
    return [paint.red(first), ...others]
  })
}

/** Reasons why something was not tested or is known to fail, each once. */
function renderUntested({ cases }: ConformanceResult, { columns }: TableStyle): string[] {
  const reasons = new Map<string, number>()
  for (const { verdict, reason } of cases) {
    if (verdict !== 'not-applicable' && verdict !== 'untestable' && verdict !== 'known-failure') continue
    const text = `${verdictLabels[verdict].word}: ${reason ?? 'no reason given'}`
    reasons.set(text, (reasons.get(text) ?? 0) + 1)
  }
  return [...reasons].flatMap(([text, number]) =>
    wrap(`${String(number).padStart(3)} ${text}`, columns, '    '),
  )
}

/** Breaks at spaces; what has none is broken where it must. Made visible first, so that no escape code hides in it. */
export function wrap(text: string, columns: number, indent = ''): string[] {
  const width = Math.max(columns, indent.length + 10)
  const lines: string[] = []
  let rest = [...visibleLine(text)]
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width)
    const at = space > indent.length ? space : width
    lines.push(rest.slice(0, at).join('').trimEnd())
    rest = [...indent, ...rest.slice(at === space ? at + 1 : at)]
  }
  return [...lines, rest.join('')]
}
