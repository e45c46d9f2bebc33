// `chatspec demo`, which is `npm start`: serves, judges the server through its URL like a stranger, stops it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { type ConformanceResult, resolveTarget } from '../../conformance/index.ts'
import { ChatspecError } from '../../protocol/index.ts'
import { exitCodes } from '../exit.ts'
import { judgeAndReport } from '../judge.ts'
import { findSecret, secretVariable } from '../secret.ts'
import { integer } from '../values.ts'
import { adminTokenVariable } from './serve.ts'

interface DemoFlags {
  out?: string
  seed?: number
}

const startTimeoutMs = 15_000
const stopTimeoutMs = 10_000

export function addDemo(program: Command): void {
  program
    .command('demo')
    .summary('serve, judge and report, all at once')
    .description(
      'Starts `chatspec serve` with its embedded store as a process of its own on a free port, judges it through its URL (quick profile, both encodings), writes report.json, junit.xml and report.html, and stops it.',
    )
    .option('--out <dir>', 'where reports go (default: out/<run>)')
    .option('--seed <number>', 'repeats the random choices of a run', integer(0, 0xffff_ffff))
    .addHelpText('after', '\nExample:\n  $ chatspec demo --seed 7 --out out/demo')
    .action(async (flags: DemoFlags) => {
      process.exitCode = await demo(flags)
    })
}

async function demo({ out, seed }: DemoFlags): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'chatspec-demo-'))
  const server = new ServerProcess(dataDir)
  const cleanUp = (): void => {
    server.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
  // Also when this process is told to end at once.
  process.once('exit', cleanUp)
  for (const signal of ['SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(exitCodes.failed))
  try {
    const url = await server.ready()
    process.stderr.write(`serving ${url} for this demo, judging it as a stranger would\n`)
    const secret = findSecret({ dataDir, env: {} })
    if (secret === undefined)
      throw new ChatspecError('DEMO_FAILED', `the server kept no secret in ${dataDir}`)
    const target = resolveTarget({ url, tokens: { secret: secret.value } })
    const options = {
      command: 'chatspec conform <url> --secret-file <file>',
      ...(seed !== undefined && { seed }),
    }
    return await judgeAndReport(target, options, { directory: (result) => out ?? runDirectory(result) })
  } finally {
    await server.stop()
    cleanUp()
  }
}

/** `out/2026-01-02T03-04-05Z-seed-42`: sorts by time, names what repeats it. */
function runDirectory({ started, seed }: ConformanceResult): string {
  return join('out', `${started.slice(0, 19).replaceAll(':', '-')}Z-seed-${seed}`)
}

class ServerProcess {
  readonly #child: ChildProcess
  #said = ''

  constructor(dataDir: string) {
    const main = fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url))
    const flags = [
      'serve',
      '--port',
      '0',
      '--data-dir',
      dataDir,
      '--log-level',
      'error',
      '--drain-grace',
      '0s',
    ]
    const { [secretVariable]: _secret, [adminTokenVariable]: _token, ...env } = process.env
    this.#child = spawn(process.execPath, [...process.execArgv, main, ...flags], {
      env,
      // Its own group: Ctrl-C ends the judging, and the server is stopped after it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-8_192)
      })
    }
  }

  /** The URL, once it listens. @throws ChatspecError with what the server said if it does not */
  async ready(): Promise<string> {
    const child = this.#child
    let timer: NodeJS.Timeout | undefined
    const url = new Promise<string | undefined>((resolve) => {
      const look = (): void => {
        const line = /listening on (\S+)/.exec(this.#said)
        if (line !== null) resolve(line[1])
      }
      child.stderr?.on('data', look)
      child.once('close', () => resolve(undefined))
      child.once('error', () => resolve(undefined))
      timer = setTimeout(() => resolve(undefined), startTimeoutMs)
    })
    const found = await url
    clearTimeout(timer)
    if (found !== undefined) return found
    throw new ChatspecError(
      'DEMO_FAILED',
      `the server did not start:\n${this.#said.trim() || 'it said nothing'}`,
    )
  }

  /** At once. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    const force = setTimeout(() => this.kill(), stopTimeoutMs)
    child.kill('SIGTERM')
    await gone
    clearTimeout(force)
  }
}
