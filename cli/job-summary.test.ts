// The job summary: appended where GitHub says, never too much.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { appendJobSummary } from './job-summary.ts'
import { temporaryFolder } from './testing/command.ts'

it('is nothing where no file is named', () => {
  expect(appendJobSummary('## Conformant', {})).toBeUndefined()
  expect(appendJobSummary('## Conformant', { GITHUB_STEP_SUMMARY: '' })).toBeUndefined()
})

it('comes behind what other steps wrote', () => {
  const path = join(temporaryFolder(), 'summary')
  writeFileSync(path, '# Before\n')
  expect(appendJobSummary('## Conformant\n', { GITHUB_STEP_SUMMARY: path })).toBe(path)
  expect(readFileSync(path, 'utf8')).toBe('# Before\n## Conformant\n\n')
})

it('is cut at a line before GitHub would show nothing of it', () => {
  const path = join(temporaryFolder(), 'summary')
  appendJobSummary(`${'ä'.repeat(99)}\n`.repeat(10_000), { GITHUB_STEP_SUMMARY: path })
  const text = readFileSync(path, 'utf8')
  expect(Buffer.byteLength(text)).toBeLessThan(1_048_576)
  expect(text).toMatch(/ä{99}\n\n… cut: /)
  expect(text).not.toContain('\ufffd')
})
