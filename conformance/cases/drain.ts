// A server that stops: SPEC.md#drain.
import { arrivals, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import {
  expectAnswer,
  expectBetween,
  expectClose,
  expectEqual,
  expectRefused,
  expectThat,
} from '../expect.ts'
import { all, clause } from '../outcome.ts'
import { ownFault } from '../provoke.ts'
import { whileStopping } from '../restarts.ts'

/** Timers may be so late. */
const lateMs = 4_000

// [DRN-01] When a server is told to stop, it MUST send `drain` to every connection that has its `welcome`.
// [DRN-03] Until `graceMs` have passed, every request is processed as before.
// [DRN-04] After `graceMs` the server MUST close every connection with 1012.
export const stoppingServerWorksUntilTheEnd = defineCase({
  id: 'drain/stopping-server-works-until-the-end',
  rules: ['DRN-01', 'DRN-03', 'DRN-04'],
  level: 'must',
  needs: ['hook:term', 'hook:start'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const [alice, bob] = await t.pair()
    return whileStopping(t, alice, async ({ graceMs, ...drain }) => {
      const toldAtMs = t.elapsedMs()
      const { graceMs: same, ...other } = await bob.next('drain', {}, { rule: 'DRN-01' })
      t.about('DRN-03')
      const [sent] = await ownFault(sendAll(alice, bob, 3))
      const delivered = await ownFault(arrivals(bob, [sent]))
      const { conv, epoch, seq } = sent
      const acked = await ownFault(bob.request({ type: 'ack', conv, epoch, seq }))
      const ends = await Promise.all([alice, bob].map((one) => one.ended(graceMs + lateMs)))
      const earliestMs = Math.min(...ends.map((end) => (end?.atMs ?? 0) - toldAtMs))
      return [
        clause('DRN-01', expectEqual('drain at bob', { graceMs: same, ...other }, { graceMs, ...drain })),
        clause('DRN-03', expectEqual('seqs at bob', seqs(delivered), [sent.seq])),
        clause('DRN-03', expectAnswer(acked, 'ok')),
        clause('DRN-04', expectBetween('ms to the close', earliestMs, graceMs - lateMs, graceMs + lateMs)),
        ...ends.map((end) => clause('DRN-04', expectClose(end, 'SERVICE_RESTART'))),
      ]
    })
  },
})

// [DRN-02] A stopping server answers upgrades with 503 and `Retry-After`, and a `hello` by closing with 4006.
export const stoppingServerTakesNobodyNew = defineCase({
  id: 'drain/stopping-server-takes-nobody-new',
  rules: ['DRN-02'],
  level: 'must',
  needs: ['hook:term', 'hook:start'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const [alice, early] = [await t.connect(), await t.open()]
    const token = await t.token(early.user)
    return whileStopping(t, alice, async () => {
      const late = await t.upgrade()
      early.sayHello({ token })
      return all(
        expectRefused(late, 503),
        expectThat('a Retry-After header', late.kind === 'refused' && late.headers.has('retry-after')),
        expectClose(await early.ended(), 'DRAINING'),
      )
    })
  },
})

// [ERR-05] A server that stops in an orderly way tells every connection, refuses new ones and loses nothing.
// [DRN-05] Every message that was accepted before the end MUST be there after the restart.
export const nothingIsLostByStopping = defineCase({
  id: 'drain/nothing-is-lost-by-stopping',
  rules: ['DRN-05', 'ERR-05'],
  level: 'must',
  needs: ['durability=process', 'history', 'hook:term', 'hook:start'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const [alice, bob] = await t.pair()
    const sents = await sendAll(alice, bob, 10)
    const [told, late] = await whileStopping(t, alice, async () => {
      const seen = await bob.maybe('drain')
      const refused = await t.upgrade()
      for (let more = 100; more > 0 && alice.isLive; more--) {
        const reply = await alice.send(bob, 'until the end').catch(() => undefined)
        if (reply?.type === 'sent') sents.push(reply)
      }
      return [seen?.type, refused] as const
    })
    const again = await t.reconnect(bob)
    const stored = await again.wholeHistory(sents[0].conv, { afterSeq: sents[0].seq - 1 })
    const kept = expectEqual('seqs in history', seqs(stored).slice(0, sents.length), seqs(sents))
    const announced = all(expectEqual('told', told, 'drain'), expectRefused(late, 503))
    return [clause('DRN-05', kept), clause('ERR-05', all(announced, kept))]
  },
})
