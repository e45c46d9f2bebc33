// Whole runs against a fake server, correct, broken, hanging or dying: what the result says of it.
import { renderJunit, renderTable } from '../reports/index.ts'
import { expect, test } from 'vitest'
import type { RuleId } from '../protocol/index.ts'
import { expectThat } from './expect.ts'
import { pass } from './outcome.ts'
import { type Defect, fakeSecret } from './testing/fake-server.ts'
import { failures, probeCase, runFake, shortWaitMs } from './testing/run-fake.ts'
import { mintToken } from './tokens.ts'

test('a correct server passes everything that it declares', async () => {
  const result = await runFake({})
  expect(failures(result.cases)).toEqual([])
  expect(result).toMatchObject({
    kind: 'conformance',
    schemaVersion: 1,
    verdict: 'conformant',
    target: { capabilities: ['durability=memory', 'fence', 'devices'], encodings: ['json', 'cbor'] },
    seed: 1,
    profile: 'default',
  })
  expect(result.counts['not-applicable']).toBeGreaterThan(0)
  expect(result.coverage.tested).toContain('DM-01')
  expect(result.coverage.untested).toContain('CRS-01')
  expect(JSON.stringify(result)).not.toContain(fakeSecret)
})

test.each<[Defect, string, RuleId, string]>([
  ['wrong-nonce', 'heartbeats/ping-is-answered-with-its-nonce', 'HB-01', 'silent'],
  ['silent-send', 'acks/every-send-gets-one-answer', 'ACK-01', 'silent'],
  ['hangs-up-on-send', 'direct/message-arrives-once-byte-for-byte', 'ACK-01', 'closed'],
  ['resets-on-send', 'acks/every-send-gets-one-answer', 'ACK-01', 'reset'],
  ['delivers-twice', 'direct/message-arrives-once-byte-for-byte', 'DM-01', 'wrong'],
  ['swaps-seqs', 'ordering/pipelined-sends-keep-their-order', 'ORD-03', 'wrong'],
  ['forgets-msg-ids', 'dedup/repeat-gets-the-first-answer', 'DED-01', 'wrong'],
  ['accepts-any-token', 'auth/unsigned-token-is-refused', 'AUTH-02', 'silent'],
  ['closes-without-bye', 'auth/unsigned-token-is-refused', 'ERR-09', 'wrong'],
  ['mistypes-sent', 'acks/every-send-gets-one-answer', 'ACK-01', 'malformed'],
  ['masks-messages', 'direct/message-arrives-once-byte-for-byte', 'DM-01', 'malformed'],
])('a server that %s is not conformant', async (defect, id, rule, fault) => {
  const only = [id]
  const result = await runFake({ defect }, { only })
  expect(failures(result.cases)[0]).toEqual([id, rule, fault])
  expect(result.verdict).toBe('not-conformant')
})

test('a reset that ate the error is told from silence, in words of its own', async () => {
  const result = await runFake(
    { defect: 'resets-instead-of-closing' },
    { only: ['auth/unsigned-token-is-refused'] },
  )
  const [failed] = result.cases
  expect(failed?.checks[0]).toMatchObject({
    rule: 'AUTH-02',
    fault: 'reset',
    expected: 'bye and close 4504 UNAUTHORIZED',
    actual: 'no bye, reset (RST)',
  })
  const table = renderTable(result, { columns: 200, colours: false })
  expect(table).toContain(
    'how       reset: the server reset the connection: what it wrote last, an error perhaps, is lost',
  )
  expect(table).not.toMatch(/timeout|did not come|within \d+ ms/)
  expect(renderJunit(result)).toContain('type="reset"')
})

test('a failure shows what was expected, what came, the last lines and how to see it again', async () => {
  const result = await runFake(
    { defect: 'wrong-nonce' },
    { only: ['heartbeats'], encodings: ['json'], command: 'chatspec conform x' },
  )
  const [failed] = result.cases
  expect(failed?.checks[0]).toMatchObject({
    expected: `pong n=0 at alice/1 within ${shortWaitMs} ms`,
    actual: 'it did not come; meanwhile: pong n=1',
    sentence: expect.stringMatching(/^Whoever receives a `ping` MUST/),
  })
  expect(failed?.trace.at(-1)).toMatch(/ms {2}alice\/1 < pong n=1$/)
  expect(failed?.trace.length).toBeLessThanOrEqual(20)
  expect(failed?.replay).toBe(
    'chatspec conform x --only heartbeats/ping-is-answered-with-its-nonce --encoding json --seed 1',
  )
  expect(JSON.stringify(failed)).not.toMatch(/eyJ/)
})

test('a fence with a wrong nonce proves nothing', async () => {
  const result = await runFake({ defect: 'wrong-nonce' }, { only: ['direct'], encodings: ['json'] })
  expect(failures(result.cases)).toEqual([['direct/message-arrives-once-byte-for-byte', 'HB-01', 'silent']])
})

test('without the capability a message of our own takes the place of the fence', async () => {
  const caps = ['durability=memory']
  const good = await runFake({ caps }, { only: ['direct', 'dedup'] })
  expect(good.verdict).toBe('conformant')
  for (const defect of ['delivers-twice', 'delivers-twice-late'] as const) {
    const bad = await runFake({ caps, defect }, { only: ['direct'] })
    expect(bad.verdict).toBe('not-conformant')
  }
})

test('a server that falls silent is bounded', async () => {
  const beganMs = performance.now()
  const result = await runFake({ defect: 'silent-after-welcome' })
  expect(performance.now() - beganMs).toBeLessThan(15_000)
  expect(result.verdict).toBe('not-conformant')
  expect(new Set(failures(result.cases).map(([, , fault]) => fault))).toEqual(new Set(['silent']))
})

test('a server that dies is reported once, and the rest is not blamed on it', async () => {
  const result = await runFake({ defect: 'dies-on-send' }, { concurrency: 1 })
  const unknowns = result.cases.filter(({ verdict }) => verdict === 'unknown')
  expect(result.verdict).toBe('not-conformant')
  expect(failures(result.cases).length).toBeLessThanOrEqual(2)
  expect(unknowns.length).toBeGreaterThan(5)
  expect(unknowns[0]?.reason).toMatch(/^not run: the server is gone since /)
})

test('a server that speaks one encoding is judged in that one', async () => {
  const result = await runFake({ encodings: ['cbor'] })
  expect(result.verdict).toBe('conformant')
  expect(
    new Set(result.cases.filter(({ verdict }) => verdict === 'pass').map(({ encoding }) => encoding)),
  ).toEqual(new Set(['cbor']))
})

test('a frame that spoils our own decoder is our own trouble', async () => {
  const one = probeCase({
    async run(t) {
      const alice = await t.connect()
      alice.wire.onMessage = () => {}
      alice.trouble = new Error('the decoder threw')
      return pass('a', 'a')
    },
  })
  const result = await runFake({}, { cases: [one] })
  expect(result.verdict).toBe('harness-error')
})

test('a token never stands in a result', async () => {
  const secretToken = mintToken({ sub: 'alice' }, 'x')
  const one = probeCase({
    async run(t) {
      const alice = await t.connect()
      alice.writeText(`{"token":"${secretToken}"}`)
      await alice.ended()
      return expectThat('a failure shows its trace', false)
    },
  })
  const result = await runFake({}, { cases: [one] }, { timeoutMs: shortWaitMs })
  expect(result.cases[0]?.trace.length).toBeGreaterThan(3)
  expect(JSON.stringify(result)).not.toContain(secretToken.slice(0, 20))
})
