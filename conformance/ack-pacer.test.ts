// Acks of the judge: few, and never more than a server takes.
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { AckPacer, type Acknowledged } from './ack-pacer.ts'
import { sendAll } from './batches.ts'
import { pass } from './outcome.ts'
import { probeCase, runFake } from './testing/run-fake.ts'

const at = (conv: string, seq: number, epoch = 'e1'): Acknowledged => ({ conv, epoch, seq })

describe('the acks of a connection', () => {
  let written: string[] = []
  let pacer: AckPacer

  beforeEach(() => {
    vi.useFakeTimers()
    written = []
    pacer = new AckPacer(
      ({ conv, epoch, seq }) => written.push(`${conv} ${epoch} ${seq}`),
      () => Date.now(),
    )
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('cover a batch with one per conversation and epoch', () => {
    for (const one of [at('a', 1), at('b', 7), at('a', 2), at('a', 1, 'e2'), at('a', 3)]) pacer.arrived(one)
    pacer.flush()
    expect(written).toEqual(['a e1 3', 'b e1 7', 'a e2 1'])
  })

  it('never name less than what came before in the same batch', () => {
    for (const seq of [5, 6, 2, 3]) pacer.arrived(at('a', seq))
    pacer.flush()
    expect(written).toEqual(['a e1 6'])
  })

  it('are not written twice', () => {
    pacer.arrived(at('a', 1))
    pacer.flush()
    pacer.flush()
    expect(written).toEqual(['a e1 1'])
  })

  it('take a quarter of the announced rates, and the rest comes later, the newest seq of each', () => {
    pacer.limit({ frameRatePerSecond: 40, frameBurst: 8 })
    for (let seq = 1; seq <= 100; seq++) {
      pacer.arrived(at('a', seq))
      pacer.flush()
    }
    expect(written).toEqual(['a e1 1', 'a e1 2'])
    vi.advanceTimersByTime(99)
    expect(written).toHaveLength(2)
    vi.advanceTimersByTime(1)
    expect(written.slice(2)).toEqual(['a e1 100'])
  })

  it('let no conversation wait for ever behind others', () => {
    pacer.limit({ frameRatePerSecond: 40, frameBurst: 4 })
    for (const conv of ['a', 'b', 'c']) pacer.arrived(at(conv, 1))
    pacer.flush()
    vi.advanceTimersByTime(100)
    pacer.arrived(at('a', 2))
    pacer.flush()
    vi.advanceTimersByTime(200)
    expect(written).toEqual(['a e1 1', 'b e1 1', 'c e1 1', 'a e1 2'])
  })

  it('stop with the connection', () => {
    pacer.limit({ frameRatePerSecond: 4, frameBurst: 4 })
    for (const conv of ['a', 'b']) pacer.arrived(at(conv, 1))
    pacer.flush()
    pacer.end()
    vi.advanceTimersByTime(10_000)
    expect(written).toEqual(['a e1 1'])
  })
})

test('messages that arrive together are acknowledged together, before anybody sees them', async () => {
  let seen: { acks: number; deliveries: number; acked: boolean } | undefined
  const one = probeCase({
    async run(t) {
      const [alice, bob] = await t.pair()
      bob.wire.freeze()
      const sents = await sendAll(alice, bob, 200)
      bob.wire.thaw()
      const last = await bob.delivery(sents.at(-1) ?? sents[0])
      const own = t.history.events.filter((event) => 'user' in event && event.user === bob.user.id)
      const acks = own.filter((event) => event.kind === 'ack')
      const deliveries = own.filter(({ kind }) => kind === 'deliver').length
      seen = { acks: acks.length, deliveries, acked: acks.at(-1)?.seq === last.seq }
      return pass('a', 'a')
    },
  })
  await runFake({}, { cases: [one] })
  expect(seen).toMatchObject({ deliveries: 200, acked: true })
  expect(seen?.acks).toBeLessThan(50)
})
