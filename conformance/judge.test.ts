// What a case does, and what becomes of it.
import { expect, test } from 'vitest'
import { defaultLimits, networkHeartbeats } from '../protocol/index.ts'
import { type CaseDefinition, defineCase } from './case.ts'
import { CaseContext } from './context.ts'
import { expectThat } from './expect.ts'
import { judge } from './judge.ts'
import { clause, Finding, fail, notApplicable, pass, unknown, untestable } from './outcome.ts'
import { resolveTarget } from './target.ts'

const never = new Promise<void>(() => {})

/** Judges a case that talks to nobody. */
function judged(
  definition: Partial<CaseDefinition>,
  more: { timeoutMs?: number; interrupted?: Promise<void> } = {},
) {
  const one = defineCase({
    id: 'acks/a-case',
    rules: ['ACK-01'],
    level: 'must',
    run: async () => expectThat('it holds', true),
    ...definition,
  })
  const context = new CaseContext({
    target: resolveTarget({ url: 'ws://127.0.0.1:9', tokens: { command: 'echo token' } }),
    contact: {
      capabilities: ['durability=fsync', 'history', 'join=open'],
      limits: defaultLimits,
      heartbeat: networkHeartbeats.wifi,
      encodings: ['json'],
    },
    encoding: 'json',
    seed: 1,
    name: one.id,
    runTag: 'tag',
    nextNumber: () => 1,
  })
  return judge(one, { context, startedMs: 0, timeoutMs: 5_000, replay: 'again', interrupted: never, ...more })
}

const good = pass('a', 'a')
const bad = fail('a', 'b')

test('a check that holds passes, with the sentence that it quotes', async () => {
  const result = await judged({})
  expect(result).toMatchObject({ verdict: 'pass', title: 'a case', group: 'acks', trace: [], fullTrace: [] })
  expect(result.checks).toMatchObject([{ rule: 'ACK-01', verdict: 'pass' }])
  expect(result.checks[0]?.sentence).toMatch(/^The server MUST answer every `send`/)
})

test('a broken MUST fails, a broken SHOULD warns', async () => {
  const run = async () => bad
  expect(await judged({ run })).toMatchObject({ verdict: 'fail' })
  expect(await judged({ run, level: 'should' })).toMatchObject({ verdict: 'warn' })
  expect(await judged({ run, rules: ['ACK-08'] })).toMatchObject({ verdict: 'warn' })
})

test('a MUST that breaks on the way of a SHOULD fails', async () => {
  const run = async () => clause('ACK-01', bad)
  expect(await judged({ run, rules: ['ACK-08'], level: 'should' })).toMatchObject({ verdict: 'fail' })
})

test('the check that failed stands first', async () => {
  const run = async () => [clause('ACK-01', good), clause('ACK-03', bad)]
  const result = await judged({ run, rules: ['ACK-01', 'ACK-03'] })
  expect(result.checks.map(({ rule, verdict }) => [rule, verdict])).toEqual([
    ['ACK-03', 'fail'],
    ['ACK-01', 'pass'],
  ])
})

test('a finding ends the case, whatever was checked before is kept', async () => {
  const result = await judged({
    rules: ['ACK-01', 'ACK-03'],
    async run(t) {
      t.check(good)
      t.about('ACK-03')
      throw new Finding(bad)
    },
  })
  expect(result.checks.map(({ rule, verdict }) => [rule, verdict])).toEqual([
    ['ACK-03', 'fail'],
    ['ACK-01', 'pass'],
  ])
})

test('a failing check on the way ends the case', async () => {
  const result = await judged({
    async run(t) {
      t.check(bad)
      return good
    },
  })
  expect(result).toMatchObject({ verdict: 'fail', checks: [{ verdict: 'fail' }] })
})

test('what our own code throws is never blamed on the server', async () => {
  const run = async () => {
    throw new TypeError('x is not a function')
  }
  const result = await judged({ run })
  expect(result).toMatchObject({ verdict: 'harness-error', checks: [] })
  expect(result.reason).toContain('x is not a function')
})

test('a case that checks nothing, or not what it says, is our own trouble', async () => {
  const verdictOf = async (definition: Partial<CaseDefinition>) => {
    const { verdict, reason } = await judged(definition)
    return `${verdict}: ${reason}`
  }
  expect(await verdictOf({ run: async () => [] })).toBe('harness-error: the case checked nothing')
  expect(await verdictOf({ rules: ['ACK-01', 'ACK-03'] })).toBe(
    'harness-error: declared but not checked: ACK-03',
  )
  const run = async () => [good, clause('DM-01', good)]
  expect(await verdictOf({ run })).toBe('harness-error: checked but not declared: DM-01')
})

test.each([notApplicable('no'), untestable('no'), unknown('no')])(
  '$verdict is kept with its reason',
  async (outcome) => {
    expect(await judged({ run: async () => outcome })).toMatchObject(outcome)
    expect(await judged({ run: async () => [good, outcome] })).toMatchObject(outcome)
    expect(await judged({ run: async () => [bad, outcome] })).toMatchObject({ verdict: 'fail' })
  },
)

test('a case that never ends is unknown when its time is over', async () => {
  const result = await judged({ run: () => new Promise(() => {}) }, { timeoutMs: 20 })
  expect(result).toMatchObject({ verdict: 'unknown', reason: 'it was not over after 20 ms' })
})

test('an interrupted case is unknown', async () => {
  const result = await judged({ run: () => new Promise(() => {}) }, { interrupted: Promise.resolve() })
  expect(result).toMatchObject({ verdict: 'unknown', reason: 'interrupted' })
})

test.each<[string, string | undefined]>([
  ['history', undefined],
  ['join', undefined],
  ['join=open', undefined],
  ['durability=process', undefined],
  ['join=owner|join=open', undefined],
  ['join=owner', 'not-applicable: the server does not declare join=owner'],
  ['his', 'not-applicable: the server does not declare his'],
  ['durability=memory', 'not-applicable: the server does not declare durability=memory'],
  ['mint', 'untestable: it takes the secret of the server'],
  ['hook:kill', 'untestable: the target has no hook kill'],
  ['metrics', 'untestable: the target names no metrics'],
  ['both-encodings', 'not-applicable: the server does not speak cbor'],
])('a case that needs %s', async (need, hindrance) => {
  const { verdict, reason } = await judged({ needs: [need] })
  expect(verdict === 'pass' ? undefined : `${verdict}: ${reason}`).toBe(hindrance)
})

test('a token that takes the secret, or more users than there are, is untestable', async () => {
  const minted = await judged({ run: async (t) => expectThat(await t.token(t.user(), { exp: 1 }), true) })
  expect(minted).toMatchObject({ verdict: 'untestable', reason: 'it takes the secret of the server' })
})

test('an id that is no group and slug is refused', () => {
  for (const id of ['acks', 'acks/', 'Acks/x', 'acks/x y', 'acks/-x'])
    expect(() => defineCase({ id, rules: ['ACK-01'], level: 'must', run: async () => good })).toThrow(
      `case id ${id}:`,
    )
})
