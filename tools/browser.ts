// Finds a Chromium for the browser tests, or gets one: CHROME_PATH, installed, apt on Debian, playwright's download.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const commands = ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser']
const macPaths = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

export interface Browser {
  path: string
  /** How it was found, for a person. */
  origin: string
}

/** What the search needs of the machine, so that tests can hand in another one. */
export interface Machine {
  env: Readonly<Record<string, string | undefined>>
  exists(path: string): boolean
  /** Rejects if the command cannot be started or fails. */
  run(command: string, args: readonly string[]): Promise<void>
  isRootOnDebian: boolean
  /** Where playwright keeps, or would put, its own Chromium. */
  downloadPath: string
  downloader: string
}

/** @throws Error that says what was tried and what to do. */
export async function ensureBrowser(machine: Machine = thisMachine()): Promise<Browser> {
  const given = machine.env.CHROME_PATH
  if (given) {
    if (!(await starts(machine, given)))
      throw new Error(`CHROME_PATH is ${given}, which does not start as a browser`)
    return { path: given, origin: 'CHROME_PATH' }
  }
  const tried: string[] = []
  const installed = await findInstalled(machine)
  if (installed) return { path: installed, origin: 'installed' }
  tried.push(`none of ${commands.join(', ')} is installed`)
  if (machine.isRootOnDebian) {
    const failure = await installByApt(machine)
    const found = await findInstalled(machine)
    if (found) return { path: found, origin: 'installed now by apt-get' }
    tried.push(`apt-get install chromium: ${failure}`)
  }
  const failure = await failureOf(() =>
    machine.run(process.execPath, [machine.downloader, 'install', 'chromium']),
  )
  if (await starts(machine, machine.downloadPath)) {
    return { path: machine.downloadPath, origin: 'downloaded now by playwright-core' }
  }
  tried.push(`playwright-core install chromium: ${failure}`)
  throw new Error(`no browser (${tried.join('; ')}): install Chromium or set CHROME_PATH`)
}

async function findInstalled(machine: Machine): Promise<string | undefined> {
  const folders = (machine.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates = folders.flatMap((folder) => commands.map((command) => join(folder, command)))
  for (const path of [...candidates, ...macPaths, machine.downloadPath]) {
    if (await starts(machine, path)) return path
  }
  return undefined
}

/** Asked for its version, because Ubuntu's chromium-browser can be a stub that only says to install a snap. */
async function starts(machine: Machine, path: string): Promise<boolean> {
  if (!machine.exists(path)) return false
  return (await failureOf(() => machine.run(path, ['--version']))) === 'done'
}

/** apt waits for its lock, because another test run may be installing the same package. */
async function installByApt(machine: Machine): Promise<string> {
  const apt = (...args: string[]) => machine.run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', ...args])
  return await failureOf(async () => {
    await apt('update')
    await apt('install', '-y', '--no-install-recommends', 'chromium')
  })
}

async function failureOf(action: () => Promise<void>): Promise<string> {
  try {
    await action()
    return 'done'
  } catch (cause) {
    return (
      (cause instanceof Error ? cause.message : String(cause)).trim().split('\n').slice(-1)[0] ?? 'failed'
    )
  }
}

function thisMachine(): Machine {
  const require = createRequire(import.meta.url)
  const playwright: typeof import('playwright-core') = require('playwright-core')
  return {
    env: process.env,
    exists: existsSync,
    run: async (command, args) => {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
      await promisify(execFile)(command, [...args], { env, maxBuffer: 16_777_216 })
    },
    isRootOnDebian: process.getuid?.() === 0 && isDebian(),
    downloadPath: playwright.chromium.executablePath(),
    downloader: join(dirname(require.resolve('playwright-core/package.json')), 'cli.js'),
  }
}

function isDebian(): boolean {
  // Not Ubuntu: its chromium package is a stub for snap.
  return existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
}
