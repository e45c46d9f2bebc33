// Ordering: SPEC.md#ordering.
import { maxSafe, type Message } from '../../protocol/index.ts'
import { arrivals, atMost, firstSeq, msgIds, pick, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectHistory } from '../expect-history.ts'
import { expectDense, expectEqual, expectIncreasing, expectSame } from '../expect.ts'
import { all, clause } from '../outcome.ts'
import type { Session } from '../session.ts'

// [ORD-01] Seqs MUST be unique and strictly increasing in the order of acceptance.
// [ORD-12] `timestamp` MUST NOT decrease as `seq` grows.
export const simultaneousSendsGetSeqsOfTheirOwn = defineCase({
  id: 'ordering/simultaneous-sends-get-seqs-of-their-own',
  rules: ['ORD-01', 'ORD-12'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const inTurn = [await alice.dm(bob), await bob.dm(alice), await alice.dm(bob)]
    const atOnce = Array.from({ length: atMost(30, t) }, () => [alice.dm(bob), bob.dm(alice)]).flat()
    const sents = [...inTurn, ...(await Promise.all(atOnce)).sort((a, b) => a.seq - b.seq)]
    const times = sents.map(({ timestamp }) => timestamp)
    return [
      clause('ORD-01', expectIncreasing('seqs', seqs(sents))),
      clause(
        'ORD-12',
        expectEqual(
          'timestamps in seq order',
          times,
          [...times].sort((a, b) => a - b),
        ),
      ),
    ]
  },
})

// [ORD-02] The seqs of accepted messages MUST be 1, 2, 3, … without a hole, whatever is refused or goes elsewhere.
export const refusedAndForeignMessagesLeaveNoHole = defineCase({
  id: 'ordering/refused-and-foreign-messages-leave-no-hole',
  rules: ['ORD-02'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const toBob = []
    const toCarol = []
    for (let round = 0; round < 8; round++) {
      const sent = await alice.dm(bob, `round ${round}`)
      toBob.push(sent)
      alice.breaksRules = true
      await alice.send(bob, 'a conflict', { msgId: sent.msgId })
      alice.breaksRules = false
      await alice.send(bob, 'x'.repeat(t.limits.maxContent + 1))
      await alice.dm(bob, `round ${round}`, { msgId: sent.msgId })
      toCarol.push(await alice.dm(carol, `round ${round}`))
    }
    return all(
      expectDense('seqs to bob', seqs(toBob), firstSeq(t, toBob)),
      expectDense('seqs to carol', seqs(toCarol), firstSeq(t, toCarol)),
    )
  },
})

// [ORD-03] Sends of one connection to one conversation get seqs in the order in which they were sent.
// [ORD-05] Each connection receives a conversation in seq order.
export const pipelinedSendsKeepTheirOrder = defineCase({
  id: 'ordering/pipelined-sends-keep-their-order',
  rules: ['ORD-03', 'ORD-05'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const sents = await Promise.all(Array.from({ length: atMost(50, t) }, () => alice.dm(bob)))
    const arrived = await arrivals(bob, sents)
    return [
      clause('ORD-03', expectDense('seqs in send order', seqs(sents), sents[0]?.seq)),
      clause('ORD-05', expectIncreasing('seqs as they arrived', seqs(arrived))),
    ]
  },
})

// [ORD-02] Seqs are dense. [ORD-04] All see one order. [ORD-06] What was accepted before another was sent comes before it.
export const concurrentSendersShareOneOrder = defineCase({
  id: 'ordering/concurrent-senders-share-one-order',
  rules: ['ORD-02', 'ORD-04', 'ORD-06'],
  level: 'must',
  needs: ['groups', 'history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const conv = await t.group(alice, bob, carol)
    const chat = async (sender: Session): Promise<void> => {
      for (let count = 0; count < 20; count++) await sender.say(conv, t.random.text(20))
    }
    await Promise.all([chat(alice), chat(bob), chat(carol)])
    await t.settle()
    await t.readBack(bob, conv)
    return expectHistory(t.history.events, ['H3', 'H4', 'H6'])
  },
})

// [ORD-04] Every observer MUST see the same message at the same place, whether live, replayed or in history.
export const everyObserverSeesTheSame = defineCase({
  id: 'ordering/every-observer-sees-the-same',
  rules: ['ORD-04'],
  level: 'must',
  needs: ['history', 'devices'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const phone = await t.connect(alice)
    const texts = Array.from({ length: atMost(6, t) }, () => alice.dm(bob, t.random.text(30)))
    const answers = Array.from({ length: atMost(6, t) }, () => bob.dm(alice, t.random.bytes(30)))
    const sents = (await Promise.all([...texts, ...answers])).sort((a, b) => a.seq - b.seq)
    const late = await t.connect(bob)
    const view = (messages: readonly Message[]) =>
      messages.map((one) => pick(one, 'conv', 'epoch', 'seq', 'msgId', 'from', 'content', 'timestamp'))
    const wanted = new Set(msgIds(sents))
    const stored = (await bob.wholeHistory(sents[0]?.conv ?? '')).filter(({ msgId }) => wanted.has(msgId))
    return expectSame('messages', {
      "alice's phone": view(await arrivals(phone, sents)),
      'a device that came later': view(await arrivals(late, sents)),
      history: view(stored),
    })
  },
})

// [ORD-08] The server MUST NOT show a message, nor a `top`, before everything with a lower seq can be read.
export const whatIsShownHasNothingMissingBelow = defineCase({
  id: 'ordering/what-is-shown-has-nothing-missing-below',
  rules: ['ORD-08'],
  level: 'must',
  needs: ['history', 'sync'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const phone = await t.connect(bob)
    const { conv, epoch, seq: first } = await phone.delivery(await alice.dm(bob, 'the first'))
    const sending = [sendAll(alice, bob, 60), sendAll(bob, alice, 60)]
    for (let round = 0, known = first - 1; round < 12; round++) {
      const { synced } = await phone.sync([{ conv, epoch, seq: first }], 1)
      const shown = Math.max(synced[0]?.top ?? first, ...seqs(bob.seen('msg', { conv })))
      const below = await phone.wholeHistory(conv, { afterSeq: known, beforeSeq: shown + 1 })
      t.check(expectDense('seqs that can be read', seqs(below), known + 1))
      t.check(expectEqual('the last of them', below.at(-1)?.seq ?? known, shown))
      known = shown
    }
    await Promise.all(sending)
    return expectDense(
      'seqs in the end',
      seqs(await phone.wholeHistory(conv, { afterSeq: first - 1 })),
      first,
    )
  },
})

// [ORD-10] If a user received one message before sending another in another conversation, the server SHOULD NOT
// deliver the second live to somebody before the first.
export const answerInAnotherConversationComesAfter = defineCase({
  id: 'ordering/answer-in-another-conversation-comes-after',
  rules: ['ORD-10'],
  level: 'should',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const [one, other] = [await t.group(alice, bob, carol), await t.group(bob, carol)]
    const inOrder = []
    for (let round = 0; round < 15; round++) {
      const cause = await alice.say(one, 'cause')
      await bob.delivery(cause)
      inOrder.push(cause, await bob.say(other, 'effect'))
    }
    return expectEqual('msgIds at carol', msgIds(await arrivals(carol, inOrder)), msgIds(inOrder))
  },
})

// [ORD-11] While a conversation is live on a connection, `msg` frames and those of `sent` with `"duplicate":false` come
// in one common order of seqs.
export const answersAndDeliveriesShareOneOrder = defineCase({
  id: 'ordering/answers-and-deliveries-share-one-order',
  rules: ['ORD-11'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const first = await alice.dm(bob, 'the first')
    await bob.delivery(first)
    await Promise.all(Array.from({ length: atMost(30, t) }, () => [alice.dm(bob), bob.dm(alice)]).flat())
    await alice.fence(first.conv)
    const places = alice.received.filter((frame) => frame.type === 'sent' || frame.type === 'msg')
    const own = places.filter(({ conv, seq }) => conv === first.conv && seq >= first.seq)
    return expectIncreasing('seqs of sent and msg at alice', seqs(own))
  },
})

// [ORD-09] The order MUST NOT depend on the clock of any client.
export const clocksOfClientsOrderNothing = defineCase({
  id: 'ordering/clocks-of-clients-order-nothing',
  rules: ['ORD-09'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const now = Date.now()
    const sents = []
    for (const clientTime of [maxSafe, now, 0, now - 1, now + 86_400_000, 1])
      sents.push(await alice.dm(bob, `sent at ${clientTime}`, { clientTime }))
    const arrived = await arrivals(bob, sents)
    return all(
      expectDense('seqs in send order', seqs(sents), sents[0]?.seq),
      expectEqual('msgIds as they arrived', msgIds(arrived), msgIds(sents)),
    )
  },
})
