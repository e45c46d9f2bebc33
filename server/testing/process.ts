// `chatspec serve` as a process of its own: started from dist, killed, stopped, measured.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { Endpoint, testSecret } from './endpoint.ts'
import { until } from './until.ts'

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** So that memory can be compared: a collection on request, and a young generation that does not grow with the load. */
const comparable = [
  '--expose-gc',
  '--max-semi-space-size=2',
  '--import',
  "data:text/javascript,process.on('SIGUSR2',()=>gc())",
]

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export class ServerProcess extends Endpoint {
  readonly child: ChildProcess
  readonly exit: Promise<Exit>
  private readonly written: string[]

  constructor(
    port: number,
    child: ChildProcess,
    { exit, written }: { exit: Promise<Exit>; written: string[] },
  ) {
    super(port)
    this.child = child
    this.exit = exit
    this.written = written
  }

  /** All that it wrote to stdout and stderr. */
  output(): string {
    return this.written.join('')
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.child.kill(signal)
    return await this.exit
  }

  collectGarbage(): void {
    this.child.kill('SIGUSR2')
  }

  /** Memory of its own, without mapped files, in bytes. */
  ownBytes(): number {
    const match = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))
    return Number(match?.[1] ?? Number.NaN) * 1024
  }

  openFiles(): number {
    return readdirSync(`/proc/${this.child.pid}/fd`).length
  }
}

/** Resolves when it listens. @throws Error with its output if it ends before. */
export async function serve(flags: readonly string[]): Promise<ServerProcess> {
  const { child, exit, written } = spawnServer(flags)
  const port = await until('a listening server', () => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended: ${written.join('')}`)
    return portIn(written)
  })
  return new ServerProcess(port, child, { exit, written })
}

/** Without waiting for anything. */
export function spawnServer(flags: readonly string[]): {
  child: ChildProcess
  exit: Promise<Exit>
  written: string[]
} {
  if (!existsSync(command)) throw new Error('dist is missing: npm run build')
  const child = spawn(process.execPath, [...comparable, command, 'serve', '--port', '0', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CHATSPEC_SECRET: testSecret },
  })
  const written: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => written.push(String(chunk)))
  const exit = new Promise<Exit>((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, exit, written }
}

function portIn(written: readonly string[]): number | undefined {
  const match = /listening on wss?:\/\/[^/]*:(\d+)\/ws/.exec(written.join(''))
  return match ? Number(match[1]) : undefined
}

export function limitFlags(limits: Record<string, number>): string[] {
  return Object.entries(limits).flatMap(([name, value]) => ['--limit', `${name}=${value}`])
}
