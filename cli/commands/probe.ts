// `chatspec probe <url>`: a first look at a server, within a minute.
import type { Command } from 'commander'
import { fallsShort, survey } from '../../conformance/index.ts'
import { createProgress } from '../../reports/index.ts'
import { exitCodes } from '../exit.ts'
import { interruptibly } from '../interruption.ts'
import { renderSurvey } from '../survey-report.ts'
import { addTarget, type TargetFlags, toTarget } from '../target-flags.ts'
import { coloursOf, columnsOf, terminalOf } from '../terminal.ts'

interface ProbeFlags extends TargetFlags {
  json?: true
}

const more = `
Each capability that welcome declares is shown by one case of the suite: "real", or "only declared". Limits, the shortest
heartbeat, the patience with silence and with those who do not read are measured beside what welcome announces. What takes
longer than a minute, or hooks, is named and left to \`chatspec conform\`. Tokens and the target file: see \`chatspec conform
--help\`. It leaves users, groups and messages there.

Exit codes: 0 nothing was found that is not as announced, 1 something was, 2 nothing could be shown, 3 no server there.

Examples:
  $ chatspec probe ws://localhost:8080/ws --secret-file chatspec-data/secret
  $ chatspec probe wss://chat.example/ws --login-url https://chat.example/login --json`

export function addProbe(program: Command): void {
  const command = program
    .command('probe')
    .summary('a first look at a server: what is real, what only declared')
    .description(
      'Finds out within a minute which capabilities a server really has, and measures what it announces.',
    )
    .argument('[url]', 'where it is: ws://, wss://, http://, https:// or host:port; the path defaults to /ws')
  addTarget(command)
  command
    .option('--json', 'as JSON on stdout')
    .addHelpText('after', more)
    .action(async (url: string | undefined, flags: ProbeFlags) => {
      process.exitCode = await probe(url, flags)
    })
}

async function probe(url: string | undefined, flags: ProbeFlags): Promise<number> {
  const target = toTarget(url, flags)
  const progress = createProgress(terminalOf(process.stderr))
  progress.update({ kind: 'note', text: `connecting to ${target.url.host}` })
  const result = await interruptibly((signal) =>
    survey(target, { signal, onProgress: (event) => progress.update(event) }),
  ).finally(() => progress.end())
  const { stdout } = process
  const style = { columns: columnsOf(stdout), colours: coloursOf(stdout) }
  stdout.write(flags.json ? `${JSON.stringify(result, null, 2)}\n` : renderSurvey(result, style))
  if (fallsShort(result)) return exitCodes.fellShort
  const isSeen =
    result.capabilities.some(({ verdict }) => verdict === 'real') ||
    result.measurements.some(({ verdict }) => verdict === 'as-announced')
  return isSeen ? exitCodes.good : exitCodes.undecided
}
