// The suite as a whole: every case can be found, quoted and read.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { clauses } from '../../protocol/index.ts'
import { caseFiles, cases } from './index.ts'

const knownRules = new Set(clauses.map(({ id }) => id))
const maxRunLines = 25
const folder = new URL('.', import.meta.url)
const sources = readdirSync(folder).filter((name) => !name.includes('.test.'))
const text = sources.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n')

/** Lines of `run` as they stand in its file: what a compiler makes of them is not what a person reads. */
function runLines(id: string): number {
  const [, body = ''] = text.slice(text.indexOf(`id: '${id}'`)).split(/\n {2}(?:async )?run\(/, 2)
  return body.split(/\n {2}\},?\n/, 1)[0]?.split('\n').length ?? 0
}

test('every id is there once, and begins with the name of its file', () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length)
  for (const [file, members] of Object.entries(caseFiles))
    for (const { group } of Object.values(members)) expect(group).toBe(file)
})

test.each(cases.map((one) => [one.id, one] as const))(
  '%s quotes sentences of SPEC.md and is short',
  (_id, one) => {
    expect(one.rules.filter((rule) => !knownRules.has(rule))).toEqual([])
    expect(runLines(one.id)).toBeLessThanOrEqual(maxRunLines)
  },
)

test.each(cases.map((one) => [one.id, one] as const))('%s has the level of its sentences', (_id, one) => {
  const levels = clauses.filter(({ id }) => one.rules.includes(id)).map(({ level }) => level)
  expect(levels.includes('must')).toBe(one.level === 'must')
})
