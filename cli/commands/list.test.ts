// `chatspec list` as a process: sentences, their tests, the shares.
import { expect, it } from 'vitest'
import { clauses } from '../../protocol/index.ts'
import { chatspec } from '../testing/command.ts'

it('prints every clause once, and the shares', async () => {
  const { code, stdout } = await chatspec(['list'])
  expect(code).toBe(0)
  const ids = [...stdout.matchAll(/^([A-Z]{2,4}-\d\d) /gm)].map(([, id]) => id)
  expect(ids).toEqual(clauses.map(({ id }) => id))
  expect(stdout).toMatch(/^150 requirements .*: \d+ tested by the URL alone \(\d\d\.\d %\), \d+ with hooks/m)
})

it('says of one clause what it says, who has to keep it, and what tests it', async () => {
  const { stdout } = await chatspec(['list', 'CRS-01'])
  expect(stdout).toMatch(
    /^CRS-01 +MUST, server, durability=process +tested with hooks\n {2}\(with capability/,
  )
  expect(stdout).toMatch(/^ {2}durability\/\S+ \(\w+; needs .*hook:kill/m)
})

it('says why a clause is not tested', async () => {
  const { stdout } = await chatspec(['list', 'CRS-05'])
  expect(stdout).toMatch(/not tested\n(.*\n)+ {2}because it takes a loss of power/)
})

it('gives the same as JSON', async () => {
  const { stdout } = await chatspec(['list', 'deduplication', '--json'])
  const listing = JSON.parse(stdout) as { kind: string; clauses: { section: string; cases: object[] }[] }
  expect(listing).toMatchObject({
    kind: 'clauses',
    schemaVersion: 1,
    requirements: { total: 150, missing: 0 },
  })
  expect(listing.clauses.length).toBeGreaterThan(5)
  expect(new Set(listing.clauses.map(({ section }) => section))).toEqual(new Set(['deduplication']))
  expect(listing.clauses[0]?.cases.length).toBeGreaterThan(0)
})
