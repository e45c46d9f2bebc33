// The middle of the page: a table for each feature, a body of rows for each case.
import type { CaseResult, CheckResult } from '../../conformance/result.ts'
import {
  describeCounts,
  describeHistory,
  duration,
  type Group,
  isOpen,
  mergeEqual,
  type Row,
  toRows,
  verdictLabels,
} from '../summary.ts'
import { html, type Markup } from './markup.ts'

/** Of a longer trace only the beginning and the end are shown; report.json has all of it. */
const traceHead = 20
const traceTail = 60

export function renderGroup({ name, cases, counts }: Group): Markup {
  return html`<section class="group"><h2 id="group-${name}">${name} <small>${describeCounts(counts)}</small></h2>
<table>
<thead><tr><th scope="col">Verdict</th><th scope="col">Case</th><th scope="col">Clause</th><th scope="col">Expected and actual</th></tr></thead>
${toRows(cases).map(renderRow)}
</table>
</section>
`
}

export function caseAnchor({ id, encoding }: CaseResult): string {
  return `case-${id}-${encoding}`
}

function renderRow({ result, encodings }: Row): Markup {
  const { verdict, title, id, durationMs } = result
  const { mark, word } = verdictLabels[verdict]
  const [first, ...others] = result.checks.length > 0 ? renderChecks(result.checks) : [renderReason(result)]
  const span = 1 + others.length
  const lead = html`<th scope="rowgroup" rowspan="${span}"><span class="badge">${mark} ${word}</span><small>${encodings.join(', ')}</small></th>
<td class="case" rowspan="${span}">${title}<small><code>${id}</code> ${duration(durationMs)}</small></td>`
  return html`<tbody class="v-${verdict}" id="${caseAnchor(result)}">
<tr>${lead}${first}</tr>
${others.map((cells) => html`<tr>${cells}</tr>\n`)}${renderMore(result)}</tbody>
`
}

/** Equal checks once, and each sentence with the first check of it. */
function renderChecks(checks: readonly CheckResult[]): Markup[] {
  const quoted = new Set<string>()
  return mergeEqual(checks).map(({ check, times }) => {
    const { rule, sentence, verdict, expected, actual, fault } = check
    const words = quoted.has(rule) ? html`` : quote(sentence)
    quoted.add(rule)
    const how = fault === undefined || fault === 'wrong' ? undefined : html` <small>(${fault})</small>`
    const often = times === 1 ? undefined : html` <small>× ${times}</small>`
    return html`<td class="clause"><b>${rule}</b>${often} ${words}</td>
<td class="seen v-${verdict}"><dl><div><dt>expected</dt><dd>${expected}</dd></div><div><dt>actual</dt><dd>${actual}${how}</dd></div></dl></td>`
  })
}

function renderReason({ rules, reason, verdict }: CaseResult): Markup {
  return html`<td class="clause"><b>${rules.join(', ')}</b></td><td class="seen">${reason ?? verdictLabels[verdict].word}</td>`
}

/** A sentence of SPEC.md, which is Markdown: backticks are code. */
export function quote(sentence: string | undefined): Markup {
  if (sentence === undefined) return html``
  return html`<q>${sentence.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))}</q>`
}

/** How to see it again, and what went over the wires. */
function renderMore(result: CaseResult): Markup {
  const { replay, reason, checks, fullTrace, history } = result
  const parts = [
    ...(reason !== undefined && checks.length > 0 ? [html`<p>${reason}</p>`] : []),
    ...(isOpen(result) ? [html`<p class="again">Again: <code>${replay}</code></p>`] : []),
    ...(history === undefined
      ? []
      : [html`<p>History: <a href="${history.file}">${history.file}</a>. ${describeHistory(result)}.</p>`]),
    ...(fullTrace.length > 0 ? [renderTrace(fullTrace)] : []),
  ]
  return parts.length === 0 ? html`` : html`<tr class="more"><td colspan="4">${parts}</td></tr>\n`
}

function renderTrace(trace: CaseResult['fullTrace']): Markup {
  const dropped = trace.length - traceHead - traceTail
  const note = html`<span class="event">… ${dropped} more lines in report.json …</span>\n`
  const lines =
    dropped > 0
      ? [...trace.slice(0, traceHead).map(renderLine), note, ...trace.slice(-traceTail).map(renderLine)]
      : trace.map(renderLine)
  return html`<details><summary>wire trace, ${trace.length} lines</summary><pre>${lines}</pre></details>`
}

function renderLine({ ms, connection, direction, text }: CaseResult['fullTrace'][number]): Markup {
  const kind = { '>': 'out', '<': 'in', '-': 'event' }[direction]
  const time = ms.toFixed(1).padStart(9)
  return html`<span class="${kind}"><i>${time} ms</i> ${connection} ${direction} ${text}</span>\n`
}
