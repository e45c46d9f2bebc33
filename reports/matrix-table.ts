// The matrix on a terminal: one line for each sentence that came out differently, or that somebody broke.
import { createColors } from 'picocolors'
import type { ConformanceResult } from '../conformance/result.ts'
import { type Cell, type MatrixRow, toMatrix } from './matrix.ts'
import { overallLabels, plural } from './summary.ts'
import { type TableStyle, wrap } from './terminal.ts'
import { shorten, visibleLine } from './visible.ts'

const words = { pass: '✓', warn: '! warn', fail: '✗ fail', 'not-applicable': '–', 'not-tested': '·' } as const
const columnWidth = 8

export function renderMatrixTable(results: readonly ConformanceResult[], style: TableStyle): string {
  const paint = createColors(style.colours)
  const { columns, rows } = toMatrix(results)
  const servers = columns.flatMap(({ url, verdict, profile, kept, applicable, started }, index) => {
    const facts = `${overallLabels[verdict]}, ${kept} of ${applicable} kept, profile ${profile}, ${started.slice(0, 10)}`
    return wrap(`${String.fromCharCode(65 + (index % 26))}  ${url}: ${facts}`, style.columns, '   ')
  })
  const told = rows.filter(isWorthTelling)
  const letters = columns.map((_, index) => String.fromCharCode(65 + (index % 26)).padEnd(columnWidth))
  const head = paint.dim(`${'clause'.padEnd(9)}${letters.join('')}sentence`)
  const lines = told.map((row) => renderRow(row, style))
  const ending = `${plural(rows.length, 'sentence')}, ${rows.length - told.length} of them kept, or not tested, by all alike.`
  return `${[servers, told.length === 0 ? [] : [head, ...lines], [ending]]
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`
}

function isWorthTelling({ differs, cells }: MatrixRow): boolean {
  return differs || cells.some(({ verdict }) => verdict === 'fail' || verdict === 'warn')
}

function renderRow({ rule, sentence = '', cells }: MatrixRow, { columns, colours }: TableStyle): string {
  const paint = createColors(colours)
  const paints = {
    pass: paint.green,
    warn: paint.yellow,
    fail: paint.red,
    'not-applicable': paint.dim,
    'not-tested': paint.dim,
  }
  const shown = cells.map(({ verdict }: Cell) => paints[verdict](words[verdict].padEnd(columnWidth))).join('')
  const left = columns - 9 - cells.length * columnWidth
  return `${rule.padEnd(9)}${shown}${shorten(visibleLine(sentence), Math.max(20, left))}`
}
