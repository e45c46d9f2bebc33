// What the checker found in a history, on a terminal.
import { createColors } from 'picocolors'
import {
  type CheckReport,
  formatHistoryLine,
  type RuleReport,
  type Violation,
} from '../conformance/checker/index.ts'
import { plural, type TableStyle, visibleLine, wrap } from '../reports/index.ts'

/** More of them say nothing new; the JSON has all that were kept. */
const shownViolations = 3

const overall: Readonly<Record<CheckReport['verdict'], string>> = {
  pass: 'No rule is broken.',
  fail: 'The history breaks what a chat server promises.',
  unknown: 'No rule is broken, but too little happened to say that all hold.',
  'harness-error': 'The recording itself is not to be trusted (H19), so nothing else in it is.',
}

export function renderCheck(report: CheckReport, style: TableStyle): string {
  const { counters, verdict, rules } = report
  const paint = createColors(style.colours)
  const paintVerdict = {
    pass: paint.green,
    fail: paint.red,
    unknown: paint.magenta,
    'harness-error': paint.yellow,
  }
  const broken = rules.filter(({ violationCount }) => violationCount > 0)
  const facts = [
    `${counters.events.toLocaleString('en')} events`,
    `${counters.okSends} of ${counters.sends} sends accepted`,
    `${counters.deliveries.toLocaleString('en')} delivered`,
    plural(counters.finalReads, 'final read'),
    plural(counters.faults, 'fault'),
  ]
  const blocks = [
    rules.flatMap((rule) => renderRule(rule, style)),
    ...broken.map((rule) => renderBroken(rule, style)),
    [paint.bold(paintVerdict[verdict](overall[verdict])), ...wrap(`${facts.join(', ')}.`, style.columns)],
  ]
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function renderRule(rule: RuleReport, { columns, colours }: TableStyle): string[] {
  const paint = createColors(colours)
  const paintRule = {
    pass: paint.green,
    fail: paint.red,
    unknown: paint.magenta,
    'not-applicable': paint.dim,
  }
  const mark = { pass: '✓', fail: '✗', unknown: '?', 'not-applicable': '–' }[rule.verdict]
  const detail =
    rule.reason ??
    (rule.violationCount > 0 ? plural(rule.violationCount, 'time') : `${rule.examined} looked at`)
  const [first = '', ...others] = wrap(
    `${mark} ${rule.rule.padEnd(3)}  ${rule.sentence} (${detail})`,
    columns,
    '       ',
  )
  return [paintRule[rule.verdict](first), ...others]
}

function renderBroken({ rule, violations, violationCount }: RuleReport, style: TableStyle): string[] {
  const hidden = violationCount - Math.min(violations.length, shownViolations)
  const more = hidden > 0 ? [`  and ${hidden} more`] : []
  return [
    `${rule}`,
    ...violations.slice(0, shownViolations).flatMap((one) => renderViolation(one, style)),
    ...more,
  ]
}

function renderViolation(
  { expected, actual, events }: Violation,
  { columns, colours }: TableStyle,
): string[] {
  const paint = createColors(colours)
  return [
    ...wrap(`  expected  ${expected}`, columns, '            '),
    ...wrap(`  actual    ${actual}`, columns, '            '),
    // Not wrapped: they are there to be searched for in the file.
    ...events.map((event) => paint.dim(`  ${visibleLine(formatHistoryLine(event))}`)),
  ]
}
