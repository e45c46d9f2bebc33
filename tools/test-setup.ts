// Runs once before the tests: builds dist and makes sure of a browser. What fails here fails the tests that need it.
import { ensureBrowser } from './browser.ts'
import { build, projectRoot } from './build.ts'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Empty if dist was built; else what the compiler said: tools/build.test.ts fails with it. */
    buildFailure: string
  }
}

/** Unit tests need neither dist nor a browser, so that they run in a tree that does not compile yet. */
export default async function setup(project: TestProject): Promise<void> {
  const startedAt = performance.now()
  const buildFailure = await build(projectRoot).then(() => '', messageOf)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  project.provide('buildFailure', buildFailure)
  const browser = await ensureBrowser().catch(messageOf)
  if (typeof browser !== 'string') process.env.CHROME_PATH = browser.path
  const built = buildFailure === '' ? `dist built in ${seconds} s` : 'dist DOES NOT COMPILE'
  const found =
    typeof browser === 'string' ? `NO BROWSER: ${browser}` : `browser ${browser.path} (${browser.origin})`
  console.log(`test setup: ${built}; ${found}`)
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
