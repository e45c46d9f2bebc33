// What can be done to a server besides talking to it: commands of its owner, or functions of a test.
import { spawn } from 'node:child_process'
import { ChatspecError } from '../protocol/index.ts'
import { within } from './deadline.ts'

export const hookNames = ['start', 'kill', 'term', 'restart', 'pause', 'resume', 'revoke'] as const
export type HookName = (typeof hookNames)[number]

/** Done when it returns; `revoke` gets `{ sub }` or `{ jti }`. */
export type HookFunction = (values: Record<string, string>) => Promise<void>

/** As described: a shell command (values replace `{sub}` and `{jti}`) or a function. */
export type HookCommands = Partial<Record<HookName, string | HookFunction>> & {
  /** URL of Prometheus metrics, with the bearer token that it takes, if any. */
  metrics?: string | Metrics
  /** Path of the server's log file. */
  log?: string
}

export interface Metrics {
  url: string
  token?: string
}

export interface Hooks {
  functions: Partial<Record<HookName, HookFunction>>
  metrics?: Metrics
  log?: string
}

/** A command that takes longer has failed. */
const hookTimeoutMs = 30_000

export function resolveHooks({ metrics, log, ...commands }: HookCommands): Hooks {
  const functions: Hooks['functions'] = {}
  for (const name of hookNames) {
    const given = commands[name]
    if (given)
      functions[name] = typeof given === 'string' ? (values) => runCommand(name, given, values) : given
  }
  const described = typeof metrics === 'string' ? { url: metrics } : metrics
  return { functions, ...(described && { metrics: described }), ...(log && { log }) }
}

/** Ends with the shell itself, not with what it left in the background: `start` may end in `&`. */
async function runCommand(name: HookName, template: string, values: Record<string, string>): Promise<void> {
  const command = template.replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole)
  const shell = spawn('/bin/sh', ['-c', command], { stdio: 'ignore' })
  const ended = new Promise<string>((resolve) => {
    shell.once('error', (error) => resolve(error.message))
    shell.once('exit', (code, signal) => resolve(code === 0 ? '' : `exit ${code ?? signal}`))
  })
  const problem = (await within(ended, hookTimeoutMs)) ?? `it still runs after ${hookTimeoutMs} ms`
  if (shell.exitCode === null) shell.kill()
  if (problem) throw new ChatspecError('HOOK_FAILED', `hook ${name}: ${problem}`)
}
