// report.html: one file without script or outside resources, to read, to filter, to print and to hand on.
import { readFileSync } from 'node:fs'
import type { ConformanceResult, OverallVerdict } from '../../conformance/result.ts'
import { byGroup, overallLabels, verdictLabels, verdictOrder } from '../summary.ts'
import { renderCoverage } from './coverage.ts'
import { renderGroup } from './groups.ts'
import { html, Markup } from './markup.ts'
import { renderHeader, renderServer, renderShortfalls } from './header.ts'

/** Nothing may load or run, whatever a server managed to get into the text. */
export const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

export function renderHtml(result: ConformanceResult): string {
  const { verdict, target, tool, cases } = result
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="${tool.name} ${tool.version}">
<title>${overallLabels[verdict]}: ${target.url} · chatspec</title>
<link rel="icon" href="${icon(verdict)}">
<style>
${style()}
</style>
</head>
<body>
<main>
${renderHeader(result)}
${renderShortfalls(result)}
${renderServer(result)}
${renderFilter(result.counts)}
${byGroup(cases).map(renderGroup)}
${renderCoverage(result)}
</main>
</body>
</html>
`.text
}

/** Radio buttons that the style sheet obeys. */
function renderFilter(counts: ConformanceResult['counts']): Markup {
  const total = verdictOrder.reduce((sum, verdict) => sum + counts[verdict], 0)
  const shown = verdictOrder.filter((verdict) => counts[verdict] > 0)
  const choices = shown.map(
    (verdict) => html`
<label class="v-${verdict}"><input type="radio" name="show" id="show-${verdict}">${counts[verdict]} ${verdictLabels[verdict].word}</label>`,
  )
  return html`<fieldset class="filter">
<legend>Show</legend>
<label><input type="radio" name="show" id="show-all" checked>all ${total}</label>${choices}
</fieldset>`
}

/** The hand-written style sheet, and one rule for each choice of the filter. */
function style(): Markup {
  const sheet = readFileSync(new URL('./report.css', import.meta.url), 'utf8')
  const rules = verdictOrder.map((verdict) => {
    const chosen = `body:has(#show-${verdict}:checked)`
    return `${chosen} tbody:not(.v-${verdict}), ${chosen} .group:not(:has(tbody.v-${verdict})) { display: none; }`
  })
  return new Markup([sheet.trim(), '@media screen {', ...rules, '}'].join('\n'))
}

function icon(overall: OverallVerdict): string {
  const colour = {
    conformant: '1a7f37',
    'known-failures': '9a6700',
    'stale-baseline': 'cf222e',
    'not-conformant': 'cf222e',
    undecided: '7c4dbd',
    'harness-error': 'bc4c00',
  }[overall]
  const disc = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><circle cx='4' cy='4' r='4' fill='#${colour}'/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(disc)}`
}
