// Frozen requirement sets: what is in them, and that what came later does not count.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { clauses } from '../../protocol/index.ts'
import { fail, pass } from '../outcome.ts'
import { probeCase, runFake } from '../testing/run-fake.ts'
import { chatspec10 } from './chatspec-1.0.ts'
import { scoreOf } from './requirement-set.ts'

describe('chatspec/1.0', () => {
  it('is the list that it was on the day it was frozen', () => {
    const hash = createHash('sha256').update(chatspec10.clauses.join(' ')).digest('hex')
    expect({ count: chatspec10.clauses.length, hash }).toEqual({
      count: 270,
      hash: '21675a3bd0ff551bb1f2d63451cfc39ffd0f680b70866f86af64e4e3855ef636',
    })
  })

  it('holds only sentences that still oblige a server, each once', () => {
    const obliging = clauses.filter(({ party, level }) => party !== 'client' && level !== 'may')
    const ids = new Set(obliging.map(({ id }) => id))
    expect(chatspec10.clauses.filter((id) => !ids.has(id))).toEqual([])
    expect(new Set(chatspec10.clauses).size).toBe(chatspec10.clauses.length)
  })
})

describe('the score', () => {
  const set = { name: 'small/1', clauses: ['ACK-01', 'ACK-03', 'DED-01', 'HIS-01'] }

  it('counts the worst of each sentence, and leaves out what the server does not declare', () => {
    const checks = (['pass', 'fail', 'pass'] as const).map((verdict) => ({ rule: 'ACK-01', verdict }))
    expect(scoreOf(set, [...checks, { rule: 'ACK-03', verdict: 'pass' }], ['fence'])).toEqual({
      name: 'small/1',
      kept: ['ACK-03'],
      broken: ['ACK-01'],
      notTested: ['DED-01'],
      notApplicable: ['HIS-01'],
    })
    expect(scoreOf(set, [], ['history']).notTested).toEqual(['ACK-01', 'ACK-03', 'DED-01', 'HIS-01'])
  })

  it('stands in the result, and a sentence of later has no part in it', async () => {
    const cases = [
      probeCase({ run: async () => pass('a') }),
      probeCase({ id: 'acks/later', rules: ['ACK-02'], run: async () => fail('a', 'b') }),
    ]
    const result = await runFake({}, { cases, requirements: { name: 'small/1', clauses: ['ACK-01'] } })
    expect(result.verdict).toBe('not-conformant')
    expect(result.set).toMatchObject({ name: 'small/1', kept: ['ACK-01'], broken: [], notTested: [] })
    expect((await runFake({}, { cases })).set).toMatchObject({ name: 'chatspec/1.0', broken: ['ACK-02'] })
  })
})
