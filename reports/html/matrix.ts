// matrix.html: servers in columns, sentences of SPEC.md in rows; no script, nothing from outside.
import { readFileSync } from 'node:fs'
import type { ConformanceResult } from '../../conformance/result.ts'
import {
  type Cell,
  type CellVerdict,
  type Matrix,
  type MatrixColumn,
  type MatrixRow,
  toMatrix,
} from '../matrix.ts'
import { overallLabels, plural } from '../summary.ts'
import { quote } from './groups.ts'
import { overallVerdicts } from './header.ts'
import { html, Markup } from './markup.ts'
import { policy } from './page.ts'

const marks: Readonly<Record<CellVerdict, { mark: string; word: string }>> = {
  pass: { mark: '✓', word: 'kept' },
  warn: { mark: '!', word: 'recommendation not kept' },
  fail: { mark: '✗', word: 'broken' },
  'not-applicable': { mark: '–', word: 'does not apply' },
  'not-tested': { mark: '·', word: 'not tested' },
}

export function renderMatrixHtml(results: readonly ConformanceResult[]): string {
  const matrix = toMatrix(results)
  const differing = matrix.rows.filter(({ differs }) => differs).length
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${plural(results.length, 'server')} side by side · chatspec</title>
<style>
${new Markup(readFileSync(new URL('./report.css', import.meta.url), 'utf8').trim())}
${new Markup(readFileSync(new URL('./matrix.css', import.meta.url), 'utf8').trim())}
</style>
</head>
<body>
<main>
<header class="v-untestable"><p class="kicker">chatspec/1 · conformance matrix</p>
<h1>${plural(results.length, 'server')} side by side</h1>
<p class="lead">${plural(matrix.rows.length, 'sentence')} of SPEC.md, of which ${differing} came out differently.</p></header>
<fieldset class="filter"><legend>Show</legend>
<label><input type="radio" name="show" id="show-all" checked>all ${matrix.rows.length}</label>
<label><input type="radio" name="show" id="show-differing">differing ${differing}</label>
</fieldset>
${renderTable(matrix)}
<ul class="legend key">${Object.values(marks).map(({ mark, word }) => html`<li>${mark} ${word}</li>`)}</ul>
</main>
</body>
</html>
`.text
}

function renderTable({ columns, rows }: Matrix): Markup {
  return html`<div class="matrix"><table>
<thead><tr><th scope="col">Clause</th>${columns.map(renderColumn)}</tr></thead>
<tbody>
${rows.map(renderRow)}</tbody>
</table></div>`
}

function renderColumn({ url, verdict, profile, kept, applicable, started }: MatrixColumn): Markup {
  return html`<th scope="col" class="v-${overallVerdicts[verdict]}"><code>${url}</code>
<span class="badge">${overallLabels[verdict]}</span>
<small>${kept} of ${applicable} kept · ${profile} · ${started.slice(0, 10)}</small></th>`
}

function renderRow({ rule, sentence, cells, differs }: MatrixRow): Markup {
  return html`<tr class="${differs ? 'differs' : 'same'}"><th scope="row"><b>${rule}</b> ${quote(sentence)}</th>${cells.map(renderCell)}</tr>
`
}

function renderCell({ verdict, actual }: Cell): Markup {
  const { mark, word } = marks[verdict]
  const more = actual === undefined ? undefined : html`<small>${actual}</small>`
  return html`<td class="v-${verdict === 'not-tested' ? 'untestable' : verdict}"><span class="badge" title="${word}">${mark}</span>${more}</td>`
}
