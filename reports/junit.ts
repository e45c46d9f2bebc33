// JUnit XML for continuous integration: red there exactly when something failed or stayed open.
import type { CaseResult, ConformanceResult, Verdict } from '../conformance/result.ts'
import { escapeMarkup } from './html/markup.ts'
import { byGroup, decisive, describeFault, type Group, mergeEqual, staleEntries } from './summary.ts'

/** A broken MUST is a failure; what the judge could not find out is an error; what does not apply is skipped. */
export function renderJunit(result: ConformanceResult): string {
  const { cases, counts, cutShort } = result
  const groups = byGroup(cases)
  const stale = staleEntries(result)
  const totals = attributes({
    name: `chatspec ${result.profile}: ${result.target.url}`,
    ...sums(counts, { failures: stale.length, errors: cutShort === undefined ? 0 : 1 }),
    time: inSeconds(result.durationMs),
    timestamp: result.started,
  })
  const suites = groups.map((group) => renderSuite(group, result))
  const cut = cutShort === undefined ? [] : [renderCut(cutShort)]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals}>`,
    ...suites,
    ...cut,
    ...(stale.length === 0 ? [] : [renderBaseline(stale)]),
    '</testsuites>',
    '',
  ].join('\n')
}

function renderSuite({ name, cases, counts }: Group, result: ConformanceResult): string {
  const timeMs = cases.reduce((sum, one) => sum + one.durationMs, 0)
  const suite = attributes({ name, ...sums(counts), time: inSeconds(timeMs) })
  const properties = Object.entries(describeRun(result)).map(
    ([key, value]) => `      <property ${attributes({ name: key, value })}/>`,
  )
  return [
    `  <testsuite ${suite}>`,
    '    <properties>',
    ...properties,
    '    </properties>',
    ...cases.map(renderCase),
    '  </testsuite>',
  ].join('\n')
}

function describeRun({
  target,
  tool,
  seed,
  environment,
}: ConformanceResult): Record<string, string | number> {
  return { target: target.url, tool: `${tool.name} ${tool.version}`, seed, node: environment.node }
}

function renderCase(result: CaseResult): string {
  const names = attributes({
    classname: `chatspec.${result.group}`,
    name: `${result.id} (${result.encoding})`,
    time: inSeconds(result.durationMs),
  })
  const body = renderBody(result)
  return body === undefined ? `    <testcase ${names}/>` : `    <testcase ${names}>\n${body}\n    </testcase>`
}

function renderBody(result: CaseResult): string | undefined {
  const message = result.reason ?? summary(result)
  const details = escapeMarkup(describe(result))
  switch (result.verdict) {
    case 'pass':
      return undefined
    case 'warn':
      return `      <system-out>${details}</system-out>`
    case 'fail': {
      const type = decisive(result)?.fault ?? 'wrong'
      return `      <failure ${attributes({ message, type })}>${details}</failure>`
    }
    case 'known-failure':
    case 'not-applicable':
    case 'untestable':
      return `      <skipped ${attributes({ message: `${result.verdict}: ${message}` })}/>`
    case 'unknown':
    case 'harness-error':
      return `      <error ${attributes({ message, type: result.verdict })}>${details}</error>`
  }
}

function summary(result: CaseResult): string {
  const check = decisive(result)
  if (check === undefined) return result.title
  const how = describeFault(check)
  return `${check.rule}: expected ${check.expected}, got ${check.actual}${how === undefined ? '' : ` (${how})`}`
}

function describe(result: CaseResult): string {
  const checks = mergeEqual(result.checks).flatMap(({ check, times }) => {
    const { rule, sentence = '', verdict, expected, actual } = check
    const often = times === 1 ? '' : ` (${times} times)`
    return [`${rule} ${verdict}${often}: ${sentence}`, `  expected: ${expected}`, `  actual:   ${actual}`]
  })
  const reason = result.reason === undefined ? [] : [result.reason]
  return [...reason, ...checks, ...result.trace, `again: ${result.replay}`].join('\n')
}

function renderCut(reason: string): string {
  const suite = attributes({ name: 'run', tests: 1, failures: 0, errors: 1, skipped: 0, time: inSeconds(0) })
  const error = `<error ${attributes({ message: reason, type: 'cut-short' })}/>`
  const name = attributes({ classname: 'chatspec.run', name: 'every case ran', time: inSeconds(0) })
  return `  <testsuite ${suite}>\n    <testcase ${name}>${error}</testcase>\n  </testsuite>`
}

/** An entry of the baseline that has to go is a failure, as a server that breaks something is. */
function renderBaseline(stale: readonly { name: string; why: string }[]): string {
  const number = stale.length
  const suite = attributes({
    name: 'baseline',
    tests: number,
    failures: number,
    errors: 0,
    skipped: 0,
    time: '0.000',
  })
  const lines = stale.map(({ name, why }) => {
    const one = attributes({ classname: 'chatspec.baseline', name, time: inSeconds(0) })
    return `    <testcase ${one}><failure ${attributes({ message: why, type: 'stale-baseline' })}/></testcase>`
  })
  return [`  <testsuite ${suite}>`, ...lines, '  </testsuite>'].join('\n')
}

function sums(
  counts: Readonly<Record<Verdict, number>>,
  { failures = 0, errors = 0 } = {},
): Record<string, number> {
  return {
    tests: Object.values(counts).reduce((sum, number) => sum + number, failures + errors),
    failures: counts.fail + failures,
    errors: counts['harness-error'] + counts.unknown + errors,
    skipped: counts['not-applicable'] + counts.untestable + counts['known-failure'],
  }
}

/** Line feeds and tabs would be read as spaces in an attribute. */
function attributes(values: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(values).map(([name, value]) => {
    const text = escapeMarkup(String(value)).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')
    return `${name}="${text}"`
  })
  return pairs.join(' ')
}

function inSeconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}
