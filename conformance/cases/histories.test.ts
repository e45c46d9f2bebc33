// The histories that cases leave behind: what breaks a rule on purpose says so, and nothing else breaks one.
import { expect, test } from 'vitest'
import { testSecret } from '../../server/testing/endpoint.ts'
import { start } from '../../server/testing/start.ts'
import type { Case } from '../case.ts'
import { checkHistory } from '../checker/index.ts'
import { runConformance } from '../run.ts'
import { resolveTarget } from '../target.ts'
import { cases } from './index.ts'

/** Their cases wait for clocks, and write little. */
const slow = new Set(['heartbeats', 'limits', 'leaks', 'presence'])

test('no case writes what a client may not write without saying so', { timeout: 60_000 }, async () => {
  const { server } = await start()
  const found: string[] = []
  let events = 0
  const watched = (one: Case): Case => ({
    ...one,
    async run(t) {
      const outcome = await one.run(t)
      const { rules } = checkHistory(t.history.events)
      events += t.history.events.length
      const dishonest = rules.find(({ rule, verdict }) => rule === 'H19' && verdict === 'fail')
      if (dishonest) found.push(`${one.id}: ${dishonest.violations[0]?.actual}`)
      return outcome
    },
  })
  const quick = cases.filter(
    ({ group, profile, patient }) => profile === 'quick' && !patient && !slow.has(group),
  )
  const target = resolveTarget({ url: server.url, tokens: { secret: testSecret } })
  await runConformance(target, { seed: 1, encodings: ['json'], cases: quick.map(watched) })
  expect(found).toEqual([])
  expect(events).toBeGreaterThan(1_000)
})
