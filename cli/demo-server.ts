// `chatspec serve` as a process of its own for the demo, with everything that can be done to it as hooks.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HookCommands } from '../conformance/index.ts'
import { ChatspecError } from '../protocol/index.ts'
import { adminTokenVariable } from './commands/serve.ts'
import { secretVariable } from './secret.ts'
import { stablePort } from './stable-port.ts'

const startTimeoutMs = 15_000
const stopTimeoutMs = 10_000
/** Long enough to see what a server does that is about to stop. */
const drainGrace = '1s'
/** Its standard input ends with this process, however that ended; then it ends too. */
const endWithParent = "data:text/javascript,process.stdin.on('end',()=>process.exit()).resume()"

export class DemoServer {
  readonly #dataDir: string
  readonly #adminToken = randomBytes(24).toString('base64url')
  #child: ChildProcess | undefined
  /** What it wrote for people, its last kilobytes. */
  #said = ''
  #port = 0
  #isOver = false

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  /** Starts it, on the port that it had before, and gives its URL. @throws ChatspecError with what it said if it does not start */
  async start(): Promise<string> {
    if (this.#isOver) throw new ChatspecError('DEMO_FAILED', 'the demo is over')
    // Port 0 would do, but the sockets of a server that chose it so keep others from listening there after it.
    if (this.#port === 0) this.#port = await stablePort()
    this.#said = ''
    const child = this.#spawn()
    this.#child = child
    const url = await this.#listening(child)
    if (url === undefined)
      throw new ChatspecError(
        'DEMO_FAILED',
        `the server did not start:\n${this.#said.trim() || 'it said nothing'}`,
      )
    return url
  }

  /** What a stranger cannot do by talking to it. */
  hooks(): HookCommands {
    return {
      start: async () => void (await this.start()),
      kill: () => this.#end('SIGKILL'),
      term: () => this.#end('SIGTERM'),
      restart: async () => {
        await this.#stopAtOnce()
        await this.start()
      },
      pause: async () => this.#signal('SIGSTOP'),
      resume: async () => this.#signal('SIGCONT'),
      revoke: (values) => this.#revoke(values),
      metrics: { url: `http://127.0.0.1:${this.#port}/metrics`, token: this.#adminToken },
      log: this.#logFile,
    }
  }

  /** Ends it in an orderly way, for good. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#stopAtOnce()
  }

  /** At once, for good; works on a paused process too. */
  kill(): void {
    this.#isOver = true
    this.#signal('SIGKILL')
  }

  get #logFile(): string {
    return join(this.#dataDir, 'server.log')
  }

  #spawn(): ChildProcess {
    const main = fileURLToPath(new URL(`./main${extname(import.meta.url)}`, import.meta.url))
    const flags = ['--port', String(this.#port), '--data-dir', this.#dataDir, '--drain-grace', drainGrace]
    const { [secretVariable]: _secret, ...env } = process.env
    const log = openSync(this.#logFile, 'a')
    const child = spawn(
      process.execPath,
      [...process.execArgv, '--import', endWithParent, main, 'serve', ...flags],
      {
        env: { ...env, [adminTokenVariable]: this.#adminToken },
        // Its own group: Ctrl-C ends the judging, and the server is stopped after it.
        detached: true,
        stdio: ['pipe', log, 'pipe'],
      },
    )
    closeSync(log)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-8_192)
    })
    return child
  }

  async #listening(child: ChildProcess): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined
    const url = await new Promise<string | undefined>((resolve) => {
      const look = (): void => {
        const [, found] = /listening on (\S+)/.exec(this.#said) ?? []
        if (found !== undefined) resolve(found)
      }
      child.stderr?.on('data', look)
      child.once('close', () => resolve(undefined))
      child.once('error', () => resolve(undefined))
      timer = setTimeout(() => resolve(undefined), startTimeoutMs)
    })
    clearTimeout(timer)
    return url
  }

  #isRunning(child: ChildProcess | undefined): child is ChildProcess {
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#isRunning(this.#child)) this.#child.kill(signal)
  }

  /** Done when it is gone. */
  async #end(...signals: NodeJS.Signals[]): Promise<void> {
    const child = this.#child
    if (!this.#isRunning(child)) return
    const gone = once(child, 'exit')
    const force = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    for (const signal of signals) child.kill(signal)
    await gone
    clearTimeout(force)
  }

  /** A second SIGTERM ends the grace; one that is paused has to run for it. */
  #stopAtOnce(): Promise<void> {
    return this.#end('SIGCONT', 'SIGTERM', 'SIGTERM')
  }

  async #revoke(values: Record<string, string>): Promise<void> {
    const { status } = await fetch(`http://127.0.0.1:${this.#port}/admin/revoke`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${this.#adminToken}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(values),
    })
    if (status >= 300) throw new ChatspecError('HOOK_FAILED', `hook revoke: HTTP ${status}`)
  }
}
