// The proof itself: mutants fit the source, and what a mutant comes to is told right.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ruleIds } from '../../rules.ts'
import { judgeMutants } from './judge-mutants.ts'
import { type Mutant, mutate } from './mutant.ts'
import { prove } from './prove.ts'
import { ruleMutants } from './rule-mutants.ts'

const all = [...judgeMutants, ...ruleMutants]

function sourceOf({ file }: Mutant): string {
  return readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')
}

describe('the mutants', () => {
  it.each(all.map((mutant) => [mutant.id, mutant] as const))('%s fits the source', (_, mutant) => {
    const source = sourceOf(mutant)
    expect(mutate(source, mutant)).not.toBe(source)
  })

  it('have ids of their own, one at least for each of group K and each rule', () => {
    const ids = all.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const wanted = [...Array.from({ length: 12 }, (_, index) => `K${index + 1}`), ...ruleIds]
    expect(wanted.filter((one) => !ids.some((id) => id.split('.')[0] === one))).toEqual([])
  })
})

const sample: Mutant = {
  id: 'sample',
  what: 'a fail is no fail',
  file: 'result.ts',
  from: 'if (counts.fail > 0)',
  to: 'if (counts.fail > 9)',
  concern: /make not-conformant/,
  tests: { files: ['result.test.ts'] },
}

describe('mutate', () => {
  it('refuses a text that is not there, or more than once, or that does not change', () => {
    expect(() => mutate('a b', { ...sample, from: 'c' })).toThrow(
      /^mutant sample: its text is 0 times in result/,
    )
    expect(() => mutate('a b a', { ...sample, from: 'a' })).toThrow(/is 2 times/)
    expect(() => mutate('a b', { ...sample, from: 'a', to: 'a' })).toThrow('mutant sample changes nothing')
  })
})

describe('prove', () => {
  it('tells a mutant that is killed from one that survives, or that only others find', async () => {
    const proofs = await prove([
      sample,
      { ...sample, id: 'survivor', to: 'if (counts.fail >= 1)' },
      { ...sample, id: 'elsewhere', concern: /something else/ },
    ])
    const verdicts = Object.fromEntries(proofs.map(({ mutant, verdict }) => [mutant.id, verdict]))
    expect(verdicts).toEqual({ sample: 'killed', survivor: 'survived', elsewhere: 'elsewhere' })
    const [killed] = proofs.filter(({ mutant }) => mutant.id === 'sample')
    expect(killed?.killers.map(({ file }) => file)).toEqual(['result.test.ts', 'result.test.ts'])
  })

  it('refuses a mutant that is no program, and tests that do not run', async () => {
    await expect(prove([{ ...sample, to: 'if (((' }])).rejects.toThrow(/result\.test\.ts does not run/)
    const tests = { files: ['result.test.ts'], titled: 'no such title' }
    await expect(prove([{ ...sample, tests }])).rejects.toThrow(/no tests ran/)
  })
})
