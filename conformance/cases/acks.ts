// Acks and retries: SPEC.md#acknowledgements-and-retries.
import { randomUUID } from 'node:crypto'
import { errors, maxSafe } from '../../protocol/index.ts'
import { arrivals, otherEpoch, pick, sendAll, sendDuring, sendEach, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectAnswer, expectEqual, expectError, expectNone } from '../expect.ts'
import { all, clause } from '../outcome.ts'

// [ACK-01] Every `send` MUST be answered by exactly one `sent` or `error` that carries its `id` and its `msgId`.
export const everySendGetsOneAnswer = defineCase({
  id: 'acks/every-send-gets-one-answer',
  rules: ['ACK-01'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    // Every third one has no content, and is refused.
    const sends = Array.from({ length: 15 }, (_, index) => ({ msgId: randomUUID(), good: index % 3 > 0 }))
    const to = bob.user.id
    const writes = sends.map(({ msgId, good }) =>
      alice.request({ type: 'send', msgId, to, ...(good && { content: 'hi' }) }),
    )
    await Promise.all(writes)
    await alice.fence()
    const answers = [...alice.seen('sent'), ...alice.seen('error')].map(({ msgId }) => msgId)
    return expectEqual('answered msgIds', answers.sort(), sends.map(({ msgId }) => msgId).sort())
  },
})

// [ACK-03] `sent` MUST carry the message's `conv`, `epoch`, `seq` and `timestamp`, the same in the answer to every repeat.
export const answerNamesThePlaceOfTheMessage = defineCase({
  id: 'acks/answer-names-the-place-of-the-message',
  rules: ['ACK-03'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const [first] = await sendEach(alice, bob, ['which place?', 'the next place'])
    const places = [pick(await bob.delivery(first), 'conv', 'epoch', 'seq', 'timestamp')]
    for (let repeat = 0; repeat < 3; repeat++) {
      const again = await alice.dm(bob, 'which place?', { msgId: first.msgId })
      places.push(pick(again, 'conv', 'epoch', 'seq', 'timestamp'))
    }
    return all(
      ...places.map((place) => expectEqual('place', place, pick(first, 'conv', 'epoch', 'seq', 'timestamp'))),
    )
  },
})

// [ACK-04] After a definite error that attempt MUST NOT lead to a stored or delivered message.
export const refusedMessageNeverAppears = defineCase({
  id: 'acks/refused-message-never-appears',
  rules: ['ACK-04'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const { conv, msgId } = await alice.dm(bob, 'accepted')
    const send = { type: 'send', msgId: randomUUID(), to: bob.user.id, content: 'refused' }
    alice.breaksRules = true
    const attempts = [
      alice.request({ ...send, contentType: '' }),
      alice.request({ ...send, meta: { 'No Key': 'refused' } }),
      alice.request({ ...send, content: 'x'.repeat(t.limits.maxContent + 1) }),
      alice.request({ ...send, conv }),
      alice.request({ ...send, msgId: send.msgId.replace(/^./, 'F') }),
      alice.request({ ...send, msgId }),
    ]
    const names = ['BAD_REQUEST', 'CONTENT_TOO_LARGE', 'BAD_MSGID', 'MSGID_CONFLICT'] as const
    for (const attempt of attempts) t.check(expectError(await attempt, names))
    await bob.delivery(await alice.dm(bob, 'accepted too'))
    await bob.fence(conv)
    const stored = alice.caps.includes('history') ? await alice.wholeHistory(conv) : []
    const appeared = [...bob.seen('msg', { conv }), ...stored].filter(({ content }) => content === 'refused')
    return expectEqual('refused messages that appeared', appeared, [])
  },
})

// [ACK-05] A `send` whose answer was lost gets, repeated on another connection, the seq that it has, or is accepted now.
export const lostAnswerIsFoundByRepeating = defineCase({
  id: 'acks/lost-answer-is-found-by-repeating',
  rules: ['ACK-05'],
  level: 'must',
  async run(t) {
    let [alice, bob] = await t.pair()
    const sents = []
    for (let round = 0; round < 9; round++) {
      const msgId = randomUUID()
      alice.write({ type: 'send', id: alice.nextId(), msgId, to: bob.user.id, content: 'hi' })
      // Some never get to the server, of some the answer is on its way, of some only the answer is lost.
      if (round % 3 === 0) await alice.ping()
      if (round % 3 === 1) alice.wire.close()
      else alice.wire.cut()
      alice = await t.reconnect(alice)
      sents.push(await alice.dm(bob, 'hi', { msgId }))
    }
    const arrived = (await arrivals(bob, sents)).map((msg) => pick(msg, 'msgId', 'seq'))
    const answered = sents.map((sent) => pick(sent, 'msgId', 'seq'))
    return expectEqual('once at bob, where the repeat said', arrived, answered)
  },
})

// [ACK-06] What a device has not acknowledged MUST be delivered again when it resumes, and not again once it has.
// [ACK-08] A `msg` that may have been delivered to this device before SHOULD carry `"replay":true`.
export const unacknowledgedComesAgain = defineCase({
  id: 'acks/unacknowledged-comes-again',
  rules: ['ACK-06', 'ACK-08'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair({ autoAck: false })
    const [first, second, ...others] = await sendAll(alice, bob, 5)
    await arrivals(bob, [first, ...others])
    await bob.ack(second ?? first)
    bob.wire.cut()
    const again = await t.reconnect(bob, { autoAck: false })
    const repeated = again.seen('msg', { conv: first.conv })
    const flags = repeated.map(({ replay }) => replay)
    await again.ack(others.at(-1) ?? first)
    again.wire.cut()
    const third = await t.reconnect(bob)
    return [
      clause('ACK-06', expectEqual('seqs that come again', seqs(repeated), seqs(others))),
      clause('ACK-06', expectEqual('once acknowledged', seqs(third.seen('msg', { conv: first.conv })), [])),
      clause('ACK-08', expectEqual('replay', flags, [true, true, true])),
    ]
  },
})

// [ACK-07] Repeated deliveries MUST come in seq order and before newer messages of their conversation.
export const repeatsComeBeforeNewerMessages = defineCase({
  id: 'acks/repeats-come-before-newer-messages',
  rules: ['ACK-07'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair({ autoAck: false })
    const old = await sendAll(alice, bob, 10)
    await arrivals(bob, old)
    bob.wire.cut()
    const [again, fresh] = await sendDuring(t.reconnect(bob), alice, bob)
    const sents = [...old, ...fresh]
    return expectEqual('seqs as they came', seqs(await arrivals(again, sents)), seqs(sents))
  },
})

// [ACK-09] An `ack` above the top or of an unknown epoch: error 109; for a foreign conversation: 103; no cursor moves.
export const impossibleAckMovesNothing = defineCase({
  id: 'acks/impossible-ack-moves-nothing',
  rules: ['ACK-09'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair({ autoAck: false })
    const carol = await t.connect()
    const sents = await sendAll(alice, bob, 3)
    const foreign = await alice.dm(carol)
    await arrivals(bob, sents)
    const { conv, epoch, seq } = sents[2] ?? sents[0]
    const ack = { type: 'ack', conv, epoch, seq }
    bob.breaksRules = true
    for (const above of [seq + 1, 2 ** 31, 2 ** 32 + seq, maxSafe])
      t.check(expectError(await bob.request({ ...ack, seq: above }), 'UNRECOVERABLE_POSITION'))
    t.check(expectError(await bob.request({ ...ack, epoch: otherEpoch(epoch) }), 'UNRECOVERABLE_POSITION'))
    t.check(expectError(await bob.request({ ...ack, conv: foreign.conv, seq: 1 }), 'NOT_MEMBER'))
    bob.wire.cut()
    const again = await t.reconnect(bob)
    return expectEqual('seqs that come again', seqs(again.seen('msg', { conv })), seqs(sents))
  },
})

// [ACK-12] An `ack` at or below what was acknowledged before MUST change nothing and be no error.
export const lowerAckChangesNothing = defineCase({
  id: 'acks/lower-ack-changes-nothing',
  rules: ['ACK-12'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair({ autoAck: false })
    const sents = await sendAll(alice, bob, 4)
    await arrivals(bob, sents)
    const [first, second, third] = sents
    const { conv, epoch } = first
    for (const seq of [third?.seq, third?.seq, second?.seq, first.seq, 0])
      t.check(expectAnswer(await bob.request({ type: 'ack', conv, epoch, seq }), 'ok'))
    bob.wire.cut()
    const again = await t.reconnect(bob)
    return expectEqual('seqs that come again', seqs(again.seen('msg', { conv })), seqs(sents.slice(3)))
  },
})

// [ACK-13] An `ack` or `read` with an `id` is answered with that `id`; one without only if it is wrong, without `id`.
export const ackIsAnsweredIfItAsks = defineCase({
  id: 'acks/ack-is-answered-if-it-asks',
  rules: ['ACK-13'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair({ autoAck: false, caps: ['receipts'] })
    const { conv, epoch, seq } = await bob.delivery(await alice.dm(bob))
    bob.breaksRules = true
    const types = bob.caps.includes('receipts') ? ['ack', 'read'] : ['ack']
    for (const type of types) {
      const right = { type, conv, epoch, seq }
      t.check(expectAnswer(await bob.request(right), 'ok'))
      t.check(expectError(await bob.request({ ...right, seq: seq + 1 }), 'UNRECOVERABLE_POSITION'))
      await bob.fence()
      bob.write(right)
      t.check(expectNone(await bob.fence(), 'error'))
      bob.write({ ...right, seq: seq + 1 })
      const pushed = await bob.next('error', ({ id }) => id === undefined)
      t.check(expectEqual('code without id', pushed.code, errors.UNRECOVERABLE_POSITION.code))
    }
    return expectEqual('answers', bob.seen('ok').length + bob.seen('error').length, 3 * types.length)
  },
})

// [ACK-14] A message counts as acknowledged when the device acknowledges any higher seq, its own messages included.
export const ackCoversEverythingBelow = defineCase({
  id: 'acks/ack-covers-everything-below',
  rules: ['ACK-14'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair({ autoAck: false })
    const early = await sendAll(alice, bob, 3)
    await arrivals(bob, early)
    const own = await bob.dm(alice, 'mine')
    await bob.ack(own)
    const late = await sendAll(alice, bob, 2)
    await arrivals(bob, late)
    bob.wire.cut()
    const again = await t.reconnect(bob)
    return expectEqual('seqs that come again', seqs(again.seen('msg', { conv: own.conv })), seqs(late))
  },
})
