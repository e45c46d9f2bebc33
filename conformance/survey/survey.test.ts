// A look at a server that is what it says, and at one that is not.
import { expect, test } from 'vitest'
import { testSecret } from '../../server/testing/endpoint.ts'
import { start } from '../../server/testing/start.ts'
import { fakeSecret, startFakeServer } from '../testing/fake-server.ts'
import { resolveTarget } from '../target.ts'
import { fallsShort } from './result.ts'
import { survey } from './survey.ts'
import { witnessCases, witnesses } from './witnesses.ts'

/** So that clocks run out soon, and bursts are soon over. */
const small = { helloTimeoutMs: 700, ackTimeoutMs: 900, window: 12, sendBurst: 60, connectionsPerUser: 6 }

test('every capability that can be seen has a case of the suite', () => {
  const wanted = new Set(Object.values(witnesses).filter((id) => id !== undefined))
  expect(new Set(witnessCases().map(({ id }) => id))).toEqual(wanted)
})

test('the reference server is what it says', { timeout: 60_000 }, async () => {
  const { server } = await start({ limits: small })
  const result = await survey(resolveTarget({ url: server.url, tokens: { secret: testSecret } }))
  expect(fallsShort(result)).toBe(false)
  expect(
    result.capabilities.filter(({ verdict }) => verdict === 'not-shown').map(({ name }) => name),
  ).toEqual(['durability=memory'])
  const measured = Object.fromEntries(result.measurements.map(({ name, verdict }) => [name, verdict]))
  for (const name of [
    'helloTimeoutMs',
    'ackTimeoutMs',
    'maxContent',
    'maxFrame',
    'connectionsPerUser',
    'window',
  ])
    expect(measured).toMatchObject({ [name]: 'as-announced' })
  expect(result.durationMs).toBeLessThan(58_000)
})

test('what a server only declares stands out, and so do numbers that it does not keep', {
  timeout: 60_000,
}, async () => {
  const caps = ['durability=memory', 'fence', 'devices', 'history', 'x-own']
  const fake = await startFakeServer({ caps, limits: small })
  try {
    const result = await survey(
      resolveTarget({ url: fake.url, tokens: { secret: fakeSecret }, timeoutMs: 3_000 }),
    )
    const found = Object.fromEntries(result.capabilities.map(({ name, verdict }) => [name, verdict]))
    expect(found).toMatchObject({
      fence: 'real',
      history: 'only-declared',
      groups: 'not-declared',
      'x-own': 'not-shown',
    })
    const measured = Object.fromEntries(result.measurements.map(({ name, verdict }) => [name, verdict]))
    expect(measured).toMatchObject({
      helloTimeoutMs: 'differs',
      ackTimeoutMs: 'differs',
      connectionsPerUser: 'differs',
      window: 'differs',
      maxContent: 'as-announced',
      'heartbeat, the shortest': 'not-measured',
    })
    expect(fallsShort(result)).toBe(true)
  } finally {
    await fake.close()
  }
})
