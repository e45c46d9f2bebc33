// Properties against servers that are wrong in one way, and against the right one.
import { onTestFinished, describe, expect, test } from 'vitest'
import { testSecret } from '../../server/testing/endpoint.ts'
import { start } from '../../server/testing/start.ts'
import { defineCase } from '../case.ts'
import type { CaseResult } from '../result.ts'
import { type RunOptions, runConformance } from '../run.ts'
import { resolveTarget } from '../target.ts'
import { search } from './search.ts'
import { defects } from './testing/defects.ts'
import { standBetween } from './testing/man-in-the-middle.ts'

const timeoutMs = 120_000
/** Shrinking stops when its time is over, and the machine may be slow. */
const mostCommands = 8

async function judged(url: string, options: RunOptions): Promise<CaseResult> {
  const target = resolveTarget({ url, tokens: { secret: testSecret }, timeoutMs: 5_000 })
  const { cases } = await runConformance(target, { seed: 1, encodings: ['json'], ...options })
  const [one] = cases
  if (!one) throw new Error('nothing was judged')
  return one
}

describe('a server that', () => {
  test.each(defects)(
    '$name is found, and the path leads back to it',
    { timeout: timeoutMs },
    async (defect) => {
      const { server } = await start()
      const middle = await standBetween(server.url, defect.create())
      onTestFinished(() => middle.close())
      const options: RunOptions = { profile: 'default', only: [defect.property] }
      const found = await judged(middle.url, options)
      const { counterexample } = found
      if (!counterexample) throw new Error(`${found.verdict}: ${found.reason}`)
      expect(found.verdict).toBe('fail')
      expect(counterexample.commands.length - 1).toBeLessThanOrEqual(mostCommands)
      expect(found.reason).toContain(counterexample.commands.at(-1))
      expect(found.trace.length).toBeLessThanOrEqual(20)
      expect(found.replay).toContain(`--profile default`)
      expect(found.replay).toContain(`--seed 1 --replay ${counterexample.path}`)
      const again = await judged(middle.url, { ...options, replay: counterexample.path })
      expect(again).toMatchObject({ verdict: 'fail', counterexample })
    },
  )
})

test('the right server behind a man who changes nothing is not blamed', { timeout: timeoutMs }, async () => {
  const { server } = await start()
  const middle = await standBetween(server.url, () => ({}))
  onTestFinished(() => middle.close())
  const target = resolveTarget({ url: middle.url, tokens: { secret: testSecret } })
  const result = await runConformance(target, { seed: 1, profile: 'quick', only: ['properties'] })
  expect(result.cases.map(({ id, verdict, reason }) => [id, verdict, reason])).toEqual(
    result.cases.map(({ id, encoding }) => [
      id,
      encoding === 'json' ? 'pass' : 'not-applicable',
      encoding === 'json' ? undefined : 'the server does not speak cbor',
    ]),
  )
})

test('a path that passes now is unknown, and says what was tried', { timeout: timeoutMs }, async () => {
  const { server } = await start()
  const only = ['properties/what-is-sent-arrives-in-one-order']
  const result = await judged(server.url, { profile: 'quick', only, replay: '0' })
  expect(result.verdict).toBe('unknown')
  expect(result.reason).toMatch(/^--replay 0: it passed 6 times: given: alice, bob/)
})

test('too little of what a property is about is unknown, not passed', { timeout: timeoutMs }, async () => {
  const { server } = await start()
  const effort = { trials: 1, mostTrials: 3, searchMs: 60_000, patienceMs: 60_000, shrinkMs: 0 }
  const idle = defineCase({
    id: 'properties/idle',
    rules: ['ORD-05'],
    level: 'must',
    run: (t) =>
      search(t, { weights: { send: 1 }, history: { H7: 'ORD-05' }, minimum: { faults: 1 } }, effort),
  })
  const result = await judged(server.url, { cases: [idle] })
  expect(result.verdict).toBe('unknown')
  expect(result.reason).toMatch(/too little happened in 3 trials: faults 0, at least 1$/)
})

test('a mistake of our own is a harness error, not a counterexample', { timeout: timeoutMs }, async () => {
  const { server } = await start()
  const broken = defineCase({
    id: 'properties/broken',
    rules: ['ORD-05'],
    level: 'must',
    run(t) {
      t.fork = () => {
        throw new Error('planted')
      }
      return search(t, { weights: { send: 1 }, history: { H7: 'ORD-05' } })
    },
  })
  const result = await judged(server.url, { cases: [broken] })
  expect(result.verdict).toBe('harness-error')
  expect(result.reason).toContain('planted')
})
