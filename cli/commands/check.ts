// `chatspec check <history.jsonl>`: the checker alone, on what any client or load run recorded.
import type { Command } from 'commander'
import {
  type CheckerChoices,
  createChecker,
  defaultOptions,
  type HistoryRule,
  historyRules,
  type Minimum,
} from '../../conformance/checker/index.ts'
import { createProgress } from '../../reports/index.ts'
import { renderCheck } from '../check-report.ts'
import { exitCodes } from '../exit.ts'
import { readHistory } from '../history-file.ts'
import { coloursOf, columnsOf, terminalOf } from '../terminal.ts'
import { listOf, minimum } from '../values.ts'

interface CheckFlags {
  json?: true
  minimum?: Partial<Minimum>
  require?: HistoryRule[]
}

const rules = Object.keys(historyRules) as HistoryRule[]
/** Looking at the clock for every event would cost more than judging it. */
const eventsPerLook = 50_000
const lookMs = 2_000

const more = `
A history is a file of JSON lines: what one recorder saw, in the order it saw it. Its format stands in
conformance/checker/HISTORY.md of the package. \`chatspec conform --out\` writes one for each case that did not pass.
It is read once, as a stream; "-" is standard input.

Exit codes: 0 no rule is broken, 1 one is, 2 too little happened to judge, 3 no history, a line that is none, or a
recording that cannot be trusted (H19).

Examples:
  $ chatspec check history.jsonl
  $ gunzip --stdout run.jsonl.gz | chatspec check - --json
  $ chatspec check history.jsonl --minimum okSends=1000 --minimum faults=3`

export function addCheck(program: Command): void {
  program
    .command('check')
    .summary('judge a recorded history')
    .description(
      'Holds a history of sends, deliveries and reads against the rules H1 to H19: nothing lost, doubled, reordered or leaked.',
    )
    .argument('<history>', 'file of JSON lines, or - for standard input')
    .option(
      '--minimum <name=number>',
      `so much has to have happened: ${describeMinimum()}; repeatable`,
      minimum,
    )
    .option(
      '--require <rules>',
      `of these none may be unknown (default: ${defaultOptions.required.join(',')})`,
      listOf(rules),
    )
    .option('--json', 'the report as JSON on stdout')
    .addHelpText('after', more)
    .action(async (path: string, flags: CheckFlags) => {
      process.exitCode = await check(path, flags)
    })
}

async function check(path: string, { json, minimum: least, require }: CheckFlags): Promise<number> {
  const choices: CheckerChoices = {
    ...(least !== undefined && { minimum: least }),
    ...(require !== undefined && { required: require }),
  }
  const checker = createChecker(choices)
  const progress = createProgress(terminalOf(process.stderr))
  let events = 0
  let saidMs = performance.now()
  try {
    await readHistory(path, (event) => {
      checker.push(event)
      events += 1
      if (events % eventsPerLook !== 0 || performance.now() - saidMs < lookMs) return
      saidMs = performance.now()
      progress.update({ kind: 'note', text: `${events.toLocaleString('en')} events checked` })
    })
  } finally {
    progress.end()
  }
  const report = checker.finish()
  const { stdout } = process
  if (json) stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else stdout.write(renderCheck(report, { columns: columnsOf(stdout), colours: coloursOf(stdout) }))
  const codes = { pass: exitCodes.good, fail: exitCodes.fellShort, unknown: exitCodes.undecided }
  return report.verdict === 'harness-error' ? exitCodes.failed : codes[report.verdict]
}

function describeMinimum(): string {
  return Object.entries(defaultOptions.minimum)
    .map(([name, value]) => `${name} (${value})`)
    .join(', ')
}
