// Runs the built command as a person would, in a folder of its own, without the secrets of this machine or its job summary.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

export interface Surroundings {
  cwd?: string
  env?: Record<string, string>
}

/** A folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'chatspec-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A command under way; it is killed with the test if it has not ended. */
export class Running {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  readonly #ended: Promise<unknown>

  constructor(args: readonly string[], { cwd, env = {} }: Surroundings = {}) {
    const {
      CHATSPEC_SECRET: _,
      CHATSPEC_ADMIN_TOKEN: __,
      GITHUB_STEP_SUMMARY: ___,
      ...inherited
    } = process.env
    this.child = spawn(process.execPath, [main, ...args], { cwd, env: { ...inherited, ...env } })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.#ended = once(this.child, 'close')
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }

  async finished(): Promise<Finished> {
    await this.#ended
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr }
  }

  /** Waits until the notes for people match. @throws if the command ends before */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stderr)
      if (match !== null) return match
      const { stderr, exitCode, signalCode } = this.child
      if (exitCode !== null || signalCode !== null || stderr === null)
        throw new Error(`ended without ${pattern}: ${this.stderr}`)
      await Promise.race([once(stderr, 'data'), this.#ended])
    }
  }
}

export async function chatspec(args: readonly string[], surroundings?: Surroundings): Promise<Finished> {
  return await new Running(args, surroundings).finished()
}
