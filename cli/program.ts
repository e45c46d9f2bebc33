// All commands with their flags, and what every command does with a failure.
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { ChatspecError } from '../protocol/index.ts'
import { addCheck } from './commands/check.ts'
import { addConform } from './commands/conform.ts'
import { addDemo } from './commands/demo.ts'
import { addList } from './commands/list.ts'
import { addProbe } from './commands/probe.ts'
import { addReport } from './commands/report.ts'
import { addServe } from './commands/serve.ts'
import { addToken } from './commands/token.ts'
import { exitCodes } from './exit.ts'

const footer = `
Examples:
  $ chatspec serve                                      a server on port 8080, messages in ./chatspec-data
  $ chatspec token --sub alice                          a token for it
  $ chatspec conform wss://chat.example/ws --login-url https://chat.example/login
  $ chatspec demo                                       all of it at once

Exit codes: 0 good, 1 what was tested fell short, 2 undecided, 3 usage, harness or environment failed.
Every command has its own help: chatspec <command> --help`

/** Runs one command line; resolves with its exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  process.exitCode = exitCodes.good
  try {
    await createProgram().parseAsync([...argv], { from: 'user' })
    return Number(process.exitCode)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.good : exitCodes.failed
    process.stderr.write(`error: ${describe(error)}\n`)
    return exitCodes.failed
  }
}

/** All commands; it throws a CommanderError instead of ending the process. */
export function createProgram(): Command {
  const program = new Command('chatspec')
    .description('Judges chat servers on WebSockets by their URL, and serves one that keeps its promises.')
    .version(readVersion())
    .addHelpText('after', footer)
    // Before the commands are made, because they inherit it.
    .exitOverride()
    .showHelpAfterError('(add --help for what is allowed)')
  for (const add of [addServe, addProbe, addConform, addCheck, addReport, addList, addToken, addDemo])
    add(program)
  return program
}

/** What went wrong for a person; the stack only where the mistake is ours. */
function describe(error: unknown): string {
  if (error instanceof ChatspecError) return error.message
  if (error instanceof Error && 'syscall' in error) return error.message
  return error instanceof Error ? `unexpected: ${error.stack}` : String(error)
}

/** package.json lies one level above `cli/`, or two above `dist/cli/`. */
function readVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {}
  }
  throw new ChatspecError('BROKEN_INSTALL', 'package.json of chatspec is missing')
}
