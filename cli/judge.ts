// Judges one target and hands the result on: progress while it runs, the table or JSON after it, files where asked for.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { formatHistoryLine } from '../conformance/checker/index.ts'
import {
  type ConformanceResult,
  exitCode,
  type RunOptions,
  runConformance,
  type Target,
} from '../conformance/index.ts'
import {
  createProgress,
  type ProgressEvent,
  renderBadge,
  renderHtml,
  renderJson,
  renderJunit,
  renderMarkdown,
  renderTable,
} from '../reports/index.ts'
import { interruptibly } from './interruption.ts'
import { appendJobSummary } from './job-summary.ts'
import { coloursOf, columnsOf, terminalOf } from './terminal.ts'

/** What can be made of one result. */
export const files = {
  json: { name: 'report.json', render: renderJson },
  junit: { name: 'junit.xml', render: renderJunit },
  html: { name: 'report.html', render: renderHtml },
  markdown: { name: 'report.md', render: renderMarkdown },
  badge: { name: 'badge.svg', render: renderBadge },
} as const

export type Format = keyof typeof files
export const formats = Object.keys(files) as Format[]
export const defaultFormats: readonly Format[] = ['json', 'junit', 'html']

export interface Outputs {
  /** The result as JSON on standard output, instead of the table. */
  json?: boolean | undefined
  /** Where files go, if anywhere; it may depend on the result. */
  directory?: ((result: ConformanceResult) => string) | undefined
  formats?: readonly Format[] | undefined
}

/** @throws ChatspecError if there is nothing to judge */
export async function judgeAndReport(target: Target, options: RunOptions, outputs: Outputs): Promise<number> {
  const progress = createProgress(terminalOf(process.stderr))
  const histories = new Map<string, string>()
  const kept: RunOptions = {
    ...options,
    onHistory: (file, events) =>
      histories.set(file, events.map((event) => `${formatHistoryLine(event)}\n`).join('')),
  }
  let result: ConformanceResult
  try {
    progress.update({ kind: 'note', text: `connecting to ${target.url.host}` })
    const chosen = outputs.directory ? kept : options
    const onProgress = (event: ProgressEvent): void => progress.update(event)
    result = await interruptibly((signal) => runConformance(target, { ...chosen, signal, onProgress }))
  } finally {
    progress.end()
  }
  const { stdout } = process
  if (outputs.json) stdout.write(renderJson(result))
  else stdout.write(`\n${renderTable(result, { columns: columnsOf(stdout), colours: coloursOf(stdout) })}`)
  if (outputs.directory !== undefined) {
    const directory = outputs.directory(result)
    const paths = writeReports(directory, result, outputs.formats ?? defaultFormats)
    writeHistories(directory, histories)
    process.stderr.write(`\n${paths.map((path) => `wrote ${path}\n`).join('')}`)
  }
  const summary = appendJobSummary(renderMarkdown(result), process.env)
  if (summary !== undefined) process.stderr.write(`added the verdict to the job summary ${summary}\n`)
  return exitCode(result)
}

/** Names of the files written. */
export function writeReports(
  directory: string,
  result: ConformanceResult,
  wanted: readonly Format[],
): string[] {
  mkdirSync(directory, { recursive: true })
  return wanted.map((format) => {
    const { name, render } = files[format]
    const path = join(directory, name)
    writeFileSync(path, render(result))
    return path
  })
}

/** One file for each case that did not pass; the result names them. */
function writeHistories(directory: string, histories: ReadonlyMap<string, string>): void {
  for (const [file, text] of histories) {
    const path = join(directory, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}
