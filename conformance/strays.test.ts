// What a case leaves behind: rejections that nobody awaits, and connections.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CaseContext } from './context.ts'
import { fail, Finding, pass } from './outcome.ts'
import { runConformance } from './run.ts'
import { resolveTarget } from './target.ts'
import { fakeSecret, startFakeServer } from './testing/fake-server.ts'
import { probeCase, runFake } from './testing/run-fake.ts'

// The runner of these tests takes every rejection for its own: without it, Node would end the process.
const listeners = process.listeners('unhandledRejection')
beforeAll(() => {
  for (const listener of listeners) process.off('unhandledRejection', listener)
})
afterAll(() => {
  for (const listener of listeners) process.on('unhandledRejection', listener)
})

const good = pass('a', 'a')
const bad = fail('a', 'b')
const other = { ...probeCase(), id: 'acks/other' }

async function runOne(run: (t: CaseContext) => Promise<typeof good | typeof bad>) {
  const { cases } = await runFake({}, { cases: [probeCase({ run }), other] })
  expect(cases[1]).toMatchObject({ id: 'acks/other', verdict: 'pass' })
  return cases[0]
}

/** Fails behind the back of the case, but before its end. */
async function failUnseen(t: CaseContext, error: Error): Promise<void> {
  void t.connect().then(() => {
    throw error
  })
  await (await t.connect()).ping()
  await (await t.connect()).ping()
}

test('a finding that nobody awaits is the finding of its case', async () => {
  const result = await runOne(async (t) => {
    await failUnseen(t, new Finding(bad))
    return good
  })
  expect(result).toMatchObject({ verdict: 'fail', checks: [{ verdict: 'fail' }, { verdict: 'pass' }] })
})

test('a mistake of ours that nobody awaits is trouble of its case', async () => {
  const result = await runOne(async (t) => {
    await failUnseen(t, new TypeError('x is not a function'))
    return good
  })
  expect(result).toMatchObject({ verdict: 'harness-error' })
  expect(result?.reason).toContain('x is not a function')
})

test('a case that has failed already keeps its own finding', async () => {
  const result = await runOne(async (t) => {
    await failUnseen(t, new TypeError('x is not a function'))
    return fail('c', 'd')
  })
  expect(result).toMatchObject({ verdict: 'fail', checks: [{ expected: 'c' }] })
  expect(result?.checks).toHaveLength(1)
})

test('a rejection that is awaited after all counts for nothing', async () => {
  const result = await runOne(async (t) => {
    const early = t.connect().then(() => Promise.reject(new Finding(bad)))
    await (await t.connect()).ping()
    await (await t.connect()).ping()
    await early.catch(() => {})
    return good
  })
  expect(result).toMatchObject({ verdict: 'pass' })
})

test('a rejection after the end of its case changes nothing', async () => {
  const result = await runOne(async (t) => {
    const alice = await t.connect()
    void alice.next('msg').then(() => {})
    return good
  })
  expect(result).toMatchObject({ verdict: 'pass' })
})

test('a case whose time is over leaves no connection, also none that it opens then', async () => {
  const server = await startFakeServer()
  try {
    const target = resolveTarget({ url: server.url, tokens: { secret: fakeSecret }, timeoutMs: 500 })
    const slow = probeCase({
      timeoutMs: 20,
      async run(t) {
        const alice = await t.connect()
        await alice.ended()
        await t.upgrade()
        await t.connect()
        return good
      },
    })
    const result = await runConformance(target, { seed: 1, cases: [slow] })
    expect(result.cases[0]).toMatchObject({ verdict: 'unknown' })
    await expect.poll(() => server.connections()).toBe(0)
  } finally {
    await server.close()
  }
})
