// The reference server as a command and a headless Chromium: where the tests of the page take place.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'

export interface Place {
  browser: Browser
  port: number
  secret: string
  close(): Promise<void>
}

const browserFlags = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  // Plain http under any other name than localhost is no secure context.
  '--host-resolver-rules=MAP chat.example 127.0.0.1',
]

/** @throws Error if there is no browser, or the server does not start */
export async function openPlace({ flags }: { flags: readonly string[] }): Promise<Place> {
  const executablePath = process.env.CHROME_PATH
  if (!executablePath)
    throw new Error('CHROME_PATH is not set: it names the Chromium for the tests of the page')
  const browser = await chromium.launch({ executablePath, args: browserFlags })
  const folder = mkdtempSync(join(tmpdir(), 'chatspec-page-'))
  const secret = 'only for the tests of the page: 0123456789'
  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
  const server = spawn(
    process.execPath,
    [main, 'serve', '--port', '0', '--data-dir', join(folder, 'data'), ...flags],
    { env: { ...process.env, CHATSPEC_SECRET: secret }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const exited = once(server, 'exit')
  const close = async () => {
    await browser.close()
    server.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    return { browser, port: await portOf(server), secret, close }
  } catch (cause) {
    await close()
    throw cause
  }
}

/** Reads the server's log until it says where it listens. */
async function portOf(server: ChildProcess): Promise<number> {
  let notes = ''
  server.stderr?.on('data', (text) => {
    notes += String(text)
  })
  if (!server.stdout) throw new Error('the server has no stdout')
  let port: number | undefined
  for await (const line of createInterface({ input: server.stdout })) {
    const entry: unknown = JSON.parse(line)
    if (typeof entry !== 'object' || entry === null || !('port' in entry)) continue
    port = Number(entry.port)
    break
  }
  if (port === undefined) throw new Error(`the server ended without a port: ${notes}`)
  // Read on, or the server would wait for us one day.
  server.stdout.resume()
  return port
}
