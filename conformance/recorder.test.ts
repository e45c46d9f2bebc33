// The history that a case leaves behind, and what the checker makes of it.
import { expect, test } from 'vitest'
import { expectEqual } from './expect.ts'
import { expectHistory } from './expect-history.ts'
import { pass } from './outcome.ts'
import { failures, probeCase, runFake } from './testing/run-fake.ts'

test('the history of a case is recorded in order, deliveries before their acks', async () => {
  let kinds: string[] = []
  let invalid: unknown
  const one = probeCase({
    async run(t) {
      const [alice, bob] = await t.pair()
      await bob.delivery(await alice.dm(bob))
      await bob.fence()
      bob.writeText('null')
      await bob.ended()
      invalid = t.history.events.find(({ kind }) => kind === 'invalid')
      kinds = t.history.events.map((event) =>
        'user' in event ? `${event.connection} ${event.kind}` : event.kind,
      )
      return pass('a', 'a')
    },
  })
  await runFake({}, { cases: [one] })
  expect(kinds[0]).toBe('header')
  expect(invalid).toMatchObject({ deliberate: true })
  expect(kinds.filter((kind) => kind.startsWith('bob/1'))).toEqual(
    ['connect', 'welcome', 'live', 'deliver', 'ack', 'fence', 'fenced', 'invalid', 'close'].map(
      (kind) => `bob/1 ${kind}`,
    ),
  )
  expect(kinds.filter((kind) => kind.startsWith('alice/1'))).toEqual(
    ['connect', 'welcome', 'live', 'send', 'sent'].map((kind) => `alice/1 ${kind}`),
  )
})

test('what a case does wrong on purpose is marked, and what it does right is not', async () => {
  let claims: [string, string, unknown][] = []
  const one = probeCase({
    async run(t) {
      const [alice, bob] = await t.pair()
      const { conv, epoch, seq, msgId } = await bob.delivery(await alice.dm(bob))
      alice.breaksRules = true
      await alice.send(bob, 'another', { msgId })
      await alice.ping()
      alice.breaksRules = false
      await alice.dm(bob)
      bob.breaksRules = true
      await bob.request({ type: 'ack', conv, epoch, seq: seq + 9 })
      const liar = await t.connect(t.user(), { breaksRules: true })
      claims = t.history.events.flatMap((event) => {
        const isClaim = ['connect', 'send', 'ack', 'fence'].includes(event.kind)
        if (!isClaim || !('user' in event)) return []
        return [[event.connection, event.kind, 'deliberate' in event && event.deliberate]]
      })
      return expectEqual('label', liar.label, 'carol/1')
    },
  })
  await runFake({}, { cases: [one] })
  expect(claims.filter(([label]) => label === 'alice/1')).toEqual([
    ['alice/1', 'connect', false],
    ['alice/1', 'send', false],
    ['alice/1', 'send', true],
    ['alice/1', 'fence', false],
    ['alice/1', 'send', false],
  ])
  expect(claims).toContainEqual(['bob/1', 'ack', false])
  expect(claims).toContainEqual(['bob/1', 'ack', true])
  expect(claims).toContainEqual(['carol/1', 'connect', true])
})

test('what is written outside of a session is no part of its history', async () => {
  let kinds: string[] = []
  const one = probeCase({
    async run(t) {
      const early = await t.open()
      await early.ping()
      await early.close()
      kinds = t.history.events.map(({ kind }) => kind)
      return pass('a', 'a')
    },
  })
  await runFake({}, { cases: [one] })
  expect(kinds).toEqual(['header'])
})

/** Twenty pipelined messages and a repeat, judged by their history alone. */
const traffic = probeCase({
  rules: ['ORD-03', 'ACK-03'],
  async run(t) {
    const [alice, bob] = await t.pair()
    await t.open()
    await Promise.all(Array.from({ length: 20 }, () => alice.dm(bob)))
    const { msgId } = await alice.dm(bob)
    await alice.dm(bob, 'hi', { msgId })
    await t.settle()
    return expectHistory(t.history.events, { H5: 'ORD-03', H12: 'ACK-03' })
  },
})

test('the history of a correct server passes the rules that a case names', async () => {
  const result = await runFake({}, { cases: [traffic] })
  expect(result.cases[0]).toMatchObject({ verdict: 'pass' })
  expect(result.cases[0]?.checks.map(({ rule, actual }) => [rule, actual])).toEqual([
    ['ORD-03', expect.stringMatching(/^\d+ looked at$/)],
    ['ACK-03', expect.stringMatching(/^\d+ looked at$/)],
  ])
})

test('a history shows what a server does wrong, also what the case did not ask for', async () => {
  const swapped = await runFake({ defect: 'swaps-seqs' }, { cases: [traffic] })
  expect(failures(swapped.cases)).toContainEqual(['acks/probe', 'ORD-03', 'wrong'])
  const doubled = await runFake({ defect: 'delivers-twice' }, { cases: [traffic] })
  expect(failures(doubled.cases)).toEqual([['acks/probe', 'ORD-05', 'wrong']])
  expect(doubled.cases[0]?.checks[0]?.actual).toMatch(/^expected .*, got .*: deliver ms=/)
})

test('a history in which too little happened proves nothing', async () => {
  const idle = probeCase({ run: async (t) => expectHistory(t.history.events, ['H5']) })
  expect((await runFake({}, { cases: [idle] })).cases[0]).toMatchObject({
    verdict: 'unknown',
    reason: expect.stringMatching(/^H5: /),
  })
})
