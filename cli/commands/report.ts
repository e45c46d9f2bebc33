// `chatspec report <results...>`: makes reports of results that are already there; several stand side by side.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { ConformanceResult } from '../../conformance/index.ts'
import { ChatspecError } from '../../protocol/index.ts'
import { renderMatrixHtml, renderMatrixTable, renderTable, toMatrix } from '../../reports/index.ts'
import { type Format, formats, writeReports } from '../judge.ts'
import { readResult } from '../result-file.ts'
import { coloursOf, columnsOf } from '../terminal.ts'
import { listOf } from '../values.ts'

interface ReportFlags {
  out?: string
  format?: Format[]
  json?: true
}

/** Of several results there is the page and the data, nothing else. */
const matrixFormats: readonly Format[] = ['html', 'json']

const more = `
One result: its table, and with --out the files of --format. Several: a matrix of servers and sentences, and with --out
matrix.html and matrix.json. A result is the report.json of \`chatspec conform --out\`.

The exit code is 0 whatever the verdicts are, and 3 for a file that is no result.

Examples:
  $ chatspec report out/chat/report.json --format badge,html --out public
  $ chatspec report ours.json theirs.json --out public
  $ chatspec report monday.json tuesday.json --json`

export function addReport(program: Command): void {
  program
    .command('report')
    .summary('make reports of results, or put several side by side')
    .description('Reads results of chatspec conform and shows them; it judges nothing anew.')
    .argument('<results...>', 'files of JSON')
    .option('--out <dir>', 'write reports there')
    .option('--format <names>', `of ${formats.join(', ')} (default: html)`, listOf(formats))
    .option('--json', 'as JSON on stdout, no table')
    .addHelpText('after', more)
    .action((paths: string[], flags: ReportFlags) => report(paths, flags))
}

function report(paths: readonly string[], { out, format = ['html'], json }: ReportFlags): void {
  const results = paths.map(readResult)
  const [only, ...others] = results
  const isMatrix = only === undefined || others.length > 0
  const stranger = isMatrix ? format.find((name) => !matrixFormats.includes(name)) : undefined
  if (stranger !== undefined)
    throw new ChatspecError(
      'BAD_OPTION',
      `--format ${stranger} is for one result; allowed for several: html, json`,
    )
  const { stdout } = process
  const style = { columns: columnsOf(stdout), colours: coloursOf(stdout) }
  if (json) stdout.write(`${JSON.stringify(isMatrix ? toMatrix(results) : only, null, 2)}\n`)
  else stdout.write(isMatrix ? renderMatrixTable(results, style) : renderTable(only, style))
  if (out === undefined) return
  const written = isMatrix ? writeMatrix(out, results, format) : writeReports(out, only, format)
  process.stderr.write(`\n${written.map((path) => `wrote ${path}\n`).join('')}`)
}

/** Names of the files written. */
function writeMatrix(
  directory: string,
  results: readonly ConformanceResult[],
  wanted: readonly Format[],
): string[] {
  mkdirSync(directory, { recursive: true })
  return wanted.map((format) => {
    const path = join(directory, `matrix.${format}`)
    writeFileSync(
      path,
      format === 'html' ? renderMatrixHtml(results) : `${JSON.stringify(toMatrix(results), null, 2)}\n`,
    )
    return path
  })
}
