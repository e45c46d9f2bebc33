// How cases are run: which, when, how many at a time, until when.
import { expect, test } from 'vitest'
import type { Profile } from './case.ts'
import { cases } from './cases/index.ts'
import { expectEqual, expectThat } from './expect.ts'
import { pass } from './outcome.ts'
import { type Progress, select } from './run.ts'
import { probeCase, runFake } from './testing/run-fake.ts'

test('an interrupted run still gives a result, and that is undecided', async () => {
  const stop = new AbortController()
  const onProgress = (progress: Progress): void => {
    if (progress.kind === 'finished') stop.abort()
  }
  const result = await runFake({}, { signal: stop.signal, onProgress, concurrency: 1 })
  expect(result).toMatchObject({ verdict: 'undecided', cutShort: 'interrupted' })
  expect(result.counts.unknown).toBeGreaterThan(5)
})

test('a run that takes too long ends at its deadline', async () => {
  const endless = probeCase({ run: () => new Promise(() => {}) })
  const result = await runFake(
    {},
    { cases: [endless, { ...endless, id: 'acks/other' }], concurrency: 1, deadlineMs: 50 },
  )
  expect(result).toMatchObject({ verdict: 'undecided', cutShort: 'the deadline of 50 ms passed' })
})

test('progress tells every start and every end', async () => {
  const told: Progress[] = []
  const result = await runFake({}, { onProgress: (progress) => told.push(progress) })
  const total = result.cases.length
  expect(told[0]).toMatchObject({ kind: 'contact', total })
  expect(told.filter(({ kind }) => kind === 'started')).toHaveLength(total)
  expect(told.at(-1)).toMatchObject({ kind: 'finished', done: total, total })
})

test('cases run a few at a time, an exclusive one alone', async () => {
  let running = 0
  const seen: [string, number][] = []
  const make = (index: number, exclusive: boolean) =>
    probeCase({
      id: `acks/probe-${index}`,
      exclusive,
      async run(t) {
        running++
        await t.connect()
        seen.push([exclusive ? 'exclusive' : 'side', running])
        running--
        return pass('a', 'a')
      },
    })
  const many = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => make(index, index < 2))
  await runFake({}, { cases: many, concurrency: 3 })
  expect(Math.max(...seen.map(([, count]) => count))).toBeLessThanOrEqual(3)
  expect(seen.filter(([kind]) => kind === 'exclusive')).toEqual([
    ['exclusive', 1],
    ['exclusive', 1],
  ])
})

test('cases that mostly wait begin first and take nobody a place', async () => {
  const order = async (concurrency: number) => {
    const running = new Set<string>()
    let most = 0
    const make = (index: number, patient: boolean) =>
      probeCase({
        id: `acks/${patient ? 'patient' : 'busy'}-${index}`,
        patient,
        async run(t) {
          const name = t.groupName()
          running.add(name)
          most = Math.max(most, running.size)
          for (let round = 0; round < 5; round++) await (await t.connect()).ping()
          running.delete(name)
          return pass('a', 'a')
        },
      })
    const started: string[] = []
    const onProgress = (progress: Progress): void => {
      if (progress.kind === 'started') started.push(progress.id.replace(/-.*/, ''))
    }
    const many = [0, 1, 2, 3, 4, 5].map((index) => make(index, index > 2))
    await runFake({}, { cases: many, concurrency, onProgress })
    return { started, most }
  }
  expect(await order(2)).toMatchObject({
    started: [...Array(3).fill('acks/patient'), ...Array(3).fill('acks/busy')],
    most: 5,
  })
  expect(await order(1)).toMatchObject({ most: 1 })
})

test('each profile holds the one before', () => {
  const some = (['quick', 'default', 'full'] as const).map((profile) =>
    probeCase({ profile, id: `acks/${profile}` }),
  )
  const ids = (profile: Profile) => select(some, profile).map(({ id }) => id)
  expect(ids('quick')).toEqual(['acks/quick'])
  expect(ids('default')).toEqual(['acks/quick', 'acks/default'])
  expect(ids('full')).toEqual(['acks/quick', 'acks/default', 'acks/full'])
  expect(() => select(some, 'quick', ['acks/full'])).toThrow(
    'no case of the quick profile matches acks/full, only one of --profile full; allowed',
  )
})

test('a case of the full profile is repeated with it', async () => {
  const cases = [probeCase({ profile: 'full' }), probeCase({ id: 'acks/other' })]
  const result = await runFake({}, { cases, profile: 'full', command: 'chatspec conform x' })
  expect(result.cases.map(({ replay }) => replay)).toEqual([
    'chatspec conform x --profile full --only acks/probe --encoding json --seed 1',
    'chatspec conform x --only acks/other --encoding json --seed 1',
  ])
})

test('the same seed gives the same order, and results come in the order of the suite', async () => {
  const order = async (seed: number) => {
    const started: string[] = []
    const onProgress = (progress: Progress): void => {
      if (progress.kind === 'started') started.push(`${progress.id} ${progress.encoding}`)
    }
    const { cases: results } = await runFake({}, { seed, onProgress, concurrency: 1 })
    return { started, results: results.map(({ id }) => id) }
  }
  const [first, again, other] = [await order(5), await order(5), await order(6)]
  expect(first).toEqual(again)
  expect(first.started).not.toEqual(other.started)
  expect(first.results).toEqual(other.results)
})

test('a target with certain users is judged with those, one case at a time', async () => {
  const users: string[] = []
  let running = 0
  const one = probeCase({
    async run(t) {
      running++
      const [alice, bob] = await t.pair()
      users.push(alice.user.id, bob.user.id)
      return expectThat('nothing else runs', running-- === 1)
    },
  })
  const others = ['a', 'b', 'c'].map((name) => ({ ...one, id: `acks/${name}` }))
  const result = await runFake({}, { cases: others }, { users: ['uma', 'ulf'] })
  expect(result.verdict).toBe('conformant')
  expect(new Set(users)).toEqual(new Set(['uma', 'ulf']))
  const crowded = await runFake(
    {},
    { cases: [probeCase({ run: async (t) => expectThat(`${t.users(3)}`, true) })] },
    { users: ['uma'] },
  )
  expect(crowded.cases[0]).toMatchObject({ verdict: 'untestable', reason: 'it takes more than 1 users' })
})

test('a case that compares both encodings runs where both are spoken, whichever of them is judged', async () => {
  const one = probeCase({
    needs: ['both-encodings'],
    async run(t) {
      const other = await t.connect(t.user(), { encoding: t.otherEncoding })
      return expectEqual('spoken', [t.encodings.length, other.encoding], [2, 'cbor'])
    },
  })
  const judged = { cases: [one], encodings: ['json'] as const }
  expect((await runFake({}, judged)).cases[0]).toMatchObject({ verdict: 'pass' })
  expect((await runFake({ encodings: ['json'] }, judged)).cases[0]).toMatchObject({
    verdict: 'not-applicable',
    reason: 'the server does not speak cbor',
  })
})

test('two runs with one seed never meet the same users', async () => {
  const ids: string[] = []
  const one = probeCase({
    async run(t) {
      ids.push(t.user().id, t.groupName())
      return pass('a', 'a')
    },
  })
  await runFake({}, { cases: [one] })
  await runFake({}, { cases: [one] })
  expect(new Set(ids).size).toBe(4)
})

test('a pattern picks cases by id, group, rule or part of an id', () => {
  const ids = (...only: string[]) => select(cases, 'quick', only).map(({ id }) => id)
  expect(ids('DED-01')).toContain('dedup/repeat-gets-the-first-answer')
  expect(ids('dedup/repeat-*')).toContain('dedup/repeat-gets-the-first-answer')
  expect(ids('ordering').every((id) => id.startsWith('ordering/'))).toBe(true)
  expect(ids('acks', 'dedup').length).toBeGreaterThan(ids('acks').length)
  expect(ids().length).toBe(cases.filter(({ profile }) => profile === 'quick').length)
})

test('a pattern that matches nothing is an error, also beside one that does', () => {
  expect(() => select(cases, 'quick', ['acks', 'no/such-case'])).toThrow(
    'no case of the quick profile matches no/such-case',
  )
})
