// A badge in SVG for a README: the verdict, in a picture that loads nothing.
import type { ConformanceResult, OverallVerdict } from '../conformance/result.ts'
import { escapeMarkup } from './html/markup.ts'
import { overallLabels } from './summary.ts'

/** White text has a contrast of 4.5 to 1 at least on each of them. */
const colours: Readonly<Record<OverallVerdict, string>> = {
  conformant: '#1a7f37',
  'known-failures': '#8a5a00',
  'stale-baseline': '#c62435',
  'not-conformant': '#c62435',
  undecided: '#7c4dbd',
  'harness-error': '#b3460a',
}

/** Of the average letter at 11 px; the text is fitted to its box, whatever the font. */
const characterWidth = 6.1
const padding = 6

export function renderBadge(result: ConformanceResult): string {
  const { set, verdict } = result
  const applicable = set.kept.length + set.broken.length + set.notTested.length
  const label = set.name
  const message = `${overallLabels[verdict].toLowerCase()}, ${set.kept.length}/${applicable}`
  const [left, right] = [widthOf(label), widthOf(message)]
  const title = escapeMarkup(`${label}: ${message}`)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${title}">
<title>${title}</title>
<clipPath id="round"><rect width="${left + right}" height="20" rx="3"/></clipPath>
<g clip-path="url(#round)">
<rect width="${left}" height="20" fill="#3d444d"/>
<rect x="${left}" width="${right}" height="20" fill="${colours[verdict]}"/>
</g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">
${textOf(label, padding, left)}
${textOf(message, left + padding, right)}
</g>
</svg>
`
}

function textOf(text: string, x: number, width: number): string {
  return `<text x="${x}" y="14" textLength="${width - 2 * padding}">${escapeMarkup(text)}</text>`
}

function widthOf(text: string): number {
  return Math.round(text.length * characterWidth) + 2 * padding
}
