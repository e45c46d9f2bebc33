// Sending much within the limits of a server, and finding it again, against the reference server.
import { expect, test } from 'vitest'
import { testSecret } from '../server/testing/endpoint.ts'
import { start } from '../server/testing/start.ts'
import { arrivals, msgIds, sendAll, sendDuring, seqs } from './batches.ts'
import { type Case, defineCase } from './case.ts'
import { expectDense, expectEqual } from './expect.ts'
import { all } from './outcome.ts'
import { runConformance } from './run.ts'
import { resolveTarget } from './target.ts'

async function verdictOf(run: Case['run'], limits = {}): Promise<unknown> {
  const { port } = await start({ limits })
  const target = resolveTarget({ url: `127.0.0.1:${port}`, tokens: { secret: testSecret } })
  const one = defineCase({ id: 'acks/probe', rules: ['ACK-01'], level: 'must', encodings: ['json'], run })
  const { cases } = await runConformance(target, { seed: 1, cases: [one] })
  return cases.map(({ verdict, reason, checks }) => ({ verdict, reason, first: checks[0]?.actual }))
}

const passed = [expect.objectContaining({ verdict: 'pass' })]

test('what is refused for its rate or for the window is sent again, and all are in seq order', async () => {
  const limits = { sendBurst: 10, sendRatePerSecond: 100, sendWindow: 7 }
  const verdict = await verdictOf(async (t) => {
    const [alice, bob] = await t.pair()
    const sents = await sendAll(alice, bob, 30)
    const arrived = await arrivals(bob, sents)
    return all(expectDense('seqs', seqs(sents)), expectEqual('arrived', msgIds(arrived), msgIds(sents)))
  }, limits)
  expect(verdict).toEqual(passed)
})

test('sending goes on while something takes time, and once more after it', async () => {
  const verdict = await verdictOf(async (t) => {
    const [alice, bob] = await t.pair()
    const [, short] = await sendDuring(Promise.resolve(), alice, bob)
    const [, long] = await sendDuring(alice.ended(50), alice, bob)
    const isMore = long.length > short.length
    return all(expectEqual('at once', seqs(short), [1, 2]), expectEqual('more in 50 ms', isMore, true))
  })
  expect(verdict).toEqual(passed)
})

test('a refusal that nobody waits for ends the case and not the judge', async () => {
  const verdict = await verdictOf(async (t) => {
    const [alice, bob] = await t.pair()
    void sendAll(alice, { conv: t.groupName() }, 3)
    return expectEqual('another message', (await alice.dm(bob)).seq, 1)
  })
  expect(verdict).toEqual(passed)
})
