// The session in virtual time, against everything that a network, a server and a storage can do to it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Action, type Counts, happeningNames, Run } from './testing/run.ts'

const runs = Number(process.env.CHATSPEC_RUNS ?? 1_000)
/** What makes no progress happens less often. */
const rare = new Set([
  'process dies',
  'server restarts',
  'server loses its log',
  'much time passes',
  'server skips',
])

describe('a session under any sequence of faults', () => {
  it('hands over every message once and in order, and settles every send once', () => {
    const names = happeningNames.filter((name) => name !== 'server loses its log')
    const seen = check(names)
    expect(seen.handled).toBeGreaterThan(runs * 10)
    expect(seen.settled).toBeGreaterThan(runs * 10)
    expect(seen.connections).toBeGreaterThan(runs * 2)
  })

  it('tells of every message that it could not get when the server loses its log', () => {
    expect(check(happeningNames).discontinuities).toBeGreaterThan(runs / 10)
  })
})

function check(names: Action['do'][]): Counts {
  const action = fc.oneof(
    ...names.map((name) => ({
      weight: rare.has(name) ? 1 : 3,
      arbitrary: fc.record({ do: fc.constant(name), n: fc.nat(800) }),
    })),
  )
  const seen: Counts = { handled: 0, settled: 0, connections: 0, discontinuities: 0 }
  const property = fc.property(
    fc.array(action, { maxLength: 150, size: 'max' }),
    fc.nat(),
    (actions, seed) => {
      const run = new Run(seed)
      for (const one of actions) run.act(one)
      run.heal()
      const counts = run.check()
      for (const key of ['handled', 'settled', 'connections', 'discontinuities'] as const)
        seen[key] += counts[key]
    },
  )
  fc.assert(property, { numRuns: runs })
  return seen
}
