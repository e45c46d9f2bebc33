// `chatspec report` as a process: one result again, several side by side, files that are none.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { renderJson } from '../../reports/index.ts'
import { conformantResult, sampleResult } from '../../reports/testing/sample-result.ts'
import { chatspec, temporaryFolder } from '../testing/command.ts'

function write(name: string, text: string): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, text)
  return path
}

const ours = (): string => write('ours.json', renderJson(sampleResult))
const theirs = (): string => write('theirs.json', renderJson(conformantResult))

it('shows one result again, and makes the files that were asked for', async () => {
  const out = temporaryFolder()
  const { code, stdout, stderr } = await chatspec(['report', ours(), '--out', out, '--format', 'badge,html'])
  expect(stdout).toContain('✗ fail  dedup/users-share-no-ids (cbor)  DED-02')
  expect(stderr).toContain(`wrote ${join(out, 'badge.svg')}\nwrote ${join(out, 'report.html')}\n`)
  expect(readFileSync(join(out, 'badge.svg'), 'utf8')).toMatch(/^<svg /)
  expect(code).toBe(0)
})

it('puts several side by side, on the terminal and as a page', async () => {
  const out = temporaryFolder()
  const { code, stdout, stderr } = await chatspec(['report', ours(), theirs(), '--out', out])
  expect(stdout).toMatch(/^DED-02 +✗ fail +✓ +Two users MUST/m)
  expect(stderr).toContain(`wrote ${join(out, 'matrix.html')}\n`)
  expect(readFileSync(join(out, 'matrix.html'), 'utf8')).toMatch(/^<!doctype html>/)
  expect(code).toBe(0)
})

it('gives the matrix as JSON', async () => {
  const { stdout } = await chatspec(['report', ours(), theirs(), '--json'])
  const { columns, rows } = JSON.parse(stdout)
  expect(columns).toMatchObject([{ verdict: 'not-conformant' }, { verdict: 'conformant' }])
  expect(rows.find(({ rule }: { rule: string }) => rule === 'DED-02')).toMatchObject({
    cells: [{ verdict: 'fail' }, { verdict: 'pass' }],
    differs: true,
  })
})

it.each([
  ['[', /result .*: .*JSON.*; allowed: a report.json of chatspec conform/],
  ['null', /null is no result/],
  ['{"kind":"load"}', /kind "load" arrived, "conformance" is allowed/],
  ['{"kind":"conformance","schemaVersion":9}', /schemaVersion 9 arrived, 1 is allowed/],
  ['{"kind":"conformance","schemaVersion":1}', /tool is missing/],
])('refuses a file that holds %s', async (text, message) => {
  const { code, stdout, stderr } = await chatspec(['report', write('x.json', text)])
  expect(stderr).toMatch(message)
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
})

it('refuses forms that several results do not have', async () => {
  const { code, stderr } = await chatspec(['report', ours(), theirs(), '--format', 'junit'])
  expect(stderr).toContain('--format junit is for one result; allowed for several: html, json')
  expect(code).toBe(3)
})
