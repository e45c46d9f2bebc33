// Deduplication of what was refused: SPEC.md#deduplication.
import { randomUUID } from 'node:crypto'
import { arrivals, msgIds, sendPatiently } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectAnswer, expectEqual, expectError } from '../expect.ts'
import { all, notApplicable } from '../outcome.ts'

/** To exceed a larger burst takes too long. */
const largestBurst = 5_000

// [DED-09] A `send` that was answered with a definite error MUST NOT use up its `msgId`.
export const refusedSendLeavesItsId = defineCase({
  id: 'dedup/refused-send-leaves-its-id',
  rules: ['DED-09'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const msgId = randomUUID()
    const send = { type: 'send', msgId, to: bob.user.id, content: 'hi' }
    const wrong = [
      { ...send, content: 'x'.repeat(t.limits.maxContent + 1) },
      { ...send, content: null },
      { ...send, meta: { 'No Key': '' } },
      { ...send, to: 'no name' },
    ]
    alice.breaksRules = true
    for (const frame of wrong) t.check(expectAnswer(await alice.request(frame), 'error'))
    const sent = await alice.dm(bob, 'hi', { msgId })
    return all(
      expectEqual('duplicate', sent.duplicate, false),
      expectEqual('msgIds at bob', msgIds(await arrivals(bob, [sent])), [msgId]),
    )
  },
})

// [DED-09] … also not if it was refused for want of a right.
export const sendRefusedToAStrangerLeavesItsId = defineCase({
  id: 'dedup/send-refused-to-a-stranger-leaves-its-id',
  rules: ['DED-09'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = await t.group(alice)
    const msgId = randomUUID()
    t.check(expectError(await bob.send({ conv }, 'hi', { msgId }), 'NOT_MEMBER'))
    await (t.caps.includes('join=owner') ? alice.join(conv, bob) : bob.join(conv))
    const sent = await bob.say(conv, 'hi', { msgId })
    return all(
      expectEqual('duplicate', sent.duplicate, false),
      expectEqual('msgIds at alice', msgIds(await arrivals(alice, [sent])), [msgId]),
    )
  },
})

// [DED-09] … also not if its receiver was unknown.
export const sendToAnUnknownUserLeavesItsId = defineCase({
  id: 'dedup/send-to-an-unknown-user-leaves-its-id',
  rules: ['DED-09'],
  level: 'must',
  needs: ['directory'],
  async run(t) {
    const alice = await t.connect()
    const bob = t.user()
    const msgId = randomUUID()
    const refused = await alice.send(bob, 'hi', { msgId })
    if (refused.type === 'sent') return notApplicable('the server knows all users of this run already')
    t.check(expectError(refused, 'NOT_FOUND'))
    const session = await t.connect(bob)
    const sent = await alice.dm(bob, 'hi', { msgId })
    return all(
      expectEqual('duplicate', sent.duplicate, false),
      expectEqual('msgIds at bob', msgIds(await arrivals(session, [sent])), [msgId]),
    )
  },
})

// [DED-09] … also not if it came too fast.
export const throttledSendLeavesItsId = defineCase({
  id: 'dedup/throttled-send-leaves-its-id',
  rules: ['DED-09'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const { sendBurst } = t.limits
    if (sendBurst > largestBurst) return notApplicable(`a burst of ${sendBurst} messages takes too long`)
    const ids = Array.from({ length: sendBurst + 100 }, () => randomUUID())
    const replies = await Promise.all(ids.map((msgId) => alice.send(bob, 'hi', { msgId })))
    const refused = replies.filter((reply) => reply.type === 'error')
    for (const reply of refused) t.check(expectError(reply, 'TOO_MANY_REQUESTS'))
    const refusedIds = msgIds(refused as { msgId: string }[])
    // [LIM-02] A server may also delay what comes too fast.
    if (refusedIds.length === 0) return notApplicable('the server did not refuse any send for its rate')
    // The first may have been refused for the window, the last for the rate.
    const sents = []
    for (const msgId of new Set([...refusedIds.slice(0, 2), ...refusedIds.slice(-2)]))
      sents.push(await sendPatiently(alice, bob, 'hi', { msgId }))
    return all(
      expectEqual('duplicates', msgIds(sents.filter(({ duplicate }) => duplicate)), []),
      expectEqual('msgIds at bob', msgIds(await arrivals(bob, sents)), msgIds(sents)),
    )
  },
})

// [DED-12] The server SHOULD look for a repeat before it checks rights, so that a sender who has since lost a right
// still learns that the first attempt succeeded.
export const repeatIsAnsweredAfterTheRightIsLost = defineCase({
  id: 'dedup/repeat-is-answered-after-the-right-is-lost',
  rules: ['DED-12'],
  level: 'should',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = await t.group(alice, bob)
    const first = await bob.say(conv, 'once')
    await bob.leave(conv)
    const again = await bob.send({ conv }, 'once', { msgId: first.msgId })
    return expectEqual('answer to the repeat', { ...again, id: first.id }, { ...first, duplicate: true })
  },
})
