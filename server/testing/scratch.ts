// A directory of a test's own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Empty at first; it goes away with the test. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'chatspec-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
