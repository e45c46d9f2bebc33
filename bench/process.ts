// Server processes of a bench, and what the operating system says about them.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

export interface ServerProcess {
  port: number
  /** CPU time of all threads, user and system, in microseconds. */
  cpuUs(): number
  /** Resident memory in bytes. */
  rssBytes(): number
  stop(): Promise<void>
}

/** Linux counts CPU time in these. */
const tickUs = 10_000

/** Starts `node args…` and waits for the first line on stdout that is JSON with a `port`. */
export function startProcess(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const port = portIn(line)
      if (port !== undefined) resolve(processOf(child, port))
    })
  })
}

function portIn(line: string): number | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && 'port' in value && typeof value.port === 'number')
      return value.port
    return undefined
  } catch {
    return undefined
  }
}

function processOf(child: ChildProcess, port: number): ServerProcess {
  const { pid } = child
  if (pid === undefined) throw new Error('no process id')
  return {
    port,
    cpuUs() {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')
      return (Number(fields[11]) + Number(fields[12])) * tickUs
    },
    rssBytes() {
      const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
      return Number(match?.[1] ?? 0) * 1024
    },
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit')
        child.on('exit', () => resolve())
        child.kill('SIGKILL')
      }),
  }
}
