// Deduplication: SPEC.md#deduplication.
import { randomUUID } from 'node:crypto'
import { arrivals, msgIds, pick, sendAll, sendEach, sendPatiently, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectBetween, expectEqual, expectError, expectNone, expectSame } from '../expect.ts'
import { all, unknown, untestable } from '../outcome.ts'
import type { Session } from '../session.ts'

/** A longer window takes a quick run too long. */
const longestWindowMs = 10_000
/** Of the window; the rest is for the way of a repeat. */
const lateShare = 0.75

// [DED-01] A repeat MUST be answered with the first answer and `"duplicate":true`, and not be delivered again.
export const repeatGetsTheFirstAnswer = defineCase({
  id: 'dedup/repeat-gets-the-first-answer',
  rules: ['DED-01'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const first = await alice.dm(bob, 'once')
    await bob.delivery(first)
    await bob.fence()
    const again = await alice.dm(bob, 'once', { msgId: first.msgId })
    return all(
      expectEqual('answer to the repeat', { ...again, id: first.id }, { ...first, duplicate: true }),
      expectNone(await bob.fence(first.conv), 'msg', ({ msgId }) => msgId === first.msgId),
    )
  },
})

// [DED-01] A repeat MUST neither be stored again.
export const repeatsAreStoredOnce = defineCase({
  id: 'dedup/repeats-are-stored-once',
  rules: ['DED-01'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const [first] = await sendAll(alice, bob, 3)
    for (let repeat = 0; repeat < 3; repeat++) await alice.dm(bob, 'message 1', { msgId: first.msgId })
    const last = await alice.dm(bob)
    const stored = await bob.wholeHistory(first.conv, { afterSeq: first.seq - 1 })
    return all(
      expectEqual('copies in history', stored.filter(({ msgId }) => msgId === first.msgId).length, 1),
      expectEqual('seq after 3 messages and 3 repeats', last.seq, first.seq + 3),
    )
  },
})

// [DED-02] Two users MUST be able to use the same `msgId` independently of each other.
export const usersShareNoIds = defineCase({
  id: 'dedup/users-share-no-ids',
  rules: ['DED-02'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const msgId = randomUUID()
    // The second is in the same conversation, the third in another one with the same receiver.
    const sents = [await alice.dm(bob, 'from alice', { msgId }), await bob.dm(alice, 'from bob', { msgId })]
    const other = await carol.dm(bob, 'from carol', { msgId })
    const contents = [(await alice.delivery({ msgId })).content]
    for (const { conv } of [sents[0] ?? other, other])
      contents.push((await bob.next('msg', { msgId, conv })).content)
    return all(
      expectEqual(
        'duplicate',
        [...sents, other].map(({ duplicate }) => duplicate),
        [false, false, false],
      ),
      expectEqual('contents', contents, ['from bob', 'from alice', 'from carol']),
    )
  },
})

// [DED-03] A repeat MUST be recognised across connections, devices of the same user, and refreshed tokens.
export const repeatIsRecognisedEverywhere = defineCase({
  id: 'dedup/repeat-is-recognised-everywhere',
  rules: ['DED-03'],
  level: 'must',
  needs: ['devices'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const [first] = await sendEach(alice, bob, ['once', 'something else'])
    const repeat = async (session: Session) => {
      const again = await session.dm(bob, 'once', { msgId: first.msgId })
      const answer = { ...again, id: first.id }
      t.check(expectEqual(`answer at ${session.label}`, answer, { ...first, duplicate: true }))
    }
    await alice.refresh(await t.token(alice.user))
    await repeat(alice)
    await repeat(await t.connect(alice))
    await alice.close()
    await repeat(await t.reconnect(alice))
    return expectEqual('copies at bob', (await arrivals(bob, [first])).length, 1)
  },
})

// [DED-03] A repeat MUST be recognised across encodings.
export const repeatIsRecognisedInTheOtherEncoding = defineCase({
  id: 'dedup/repeat-is-recognised-in-the-other-encoding',
  rules: ['DED-03'],
  level: 'must',
  needs: ['devices', 'both-encodings'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const other = await t.connect(alice, { encoding: t.otherEncoding })
    const checks = []
    for (const content of [t.random.text(20), t.random.bytes(20)]) {
      const options = { contentType: 'text/x-any', meta: { reply: '1', a: '' } }
      const first = await alice.dm(bob, content, options)
      const again = await other.dm(bob, content, { ...options, msgId: first.msgId })
      const answer = { ...again, id: first.id }
      checks.push(expectEqual('answer to the repeat', answer, { ...first, duplicate: true }))
    }
    return all(...checks)
  },
})

// [DED-04] Simultaneous copies on several connections MUST become one message and get equal answers.
export const simultaneousCopiesBecomeOne = defineCase({
  id: 'dedup/simultaneous-copies-become-one',
  rules: ['DED-04'],
  level: 'must',
  needs: ['devices'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const devices = [alice, await t.connect(alice), await t.connect(alice), await t.connect(alice)]
    for (let round = 0; round < 10; round++) {
      const msgId = randomUUID()
      const answers = await Promise.all([...devices, ...devices].map((one) => one.dm(bob, 'once', { msgId })))
      const first = answers.filter(({ duplicate }) => !duplicate)
      t.check(expectEqual('answers with duplicate:false', first.length, 1))
      const places = answers.map((sent) => pick(sent, 'conv', 'epoch', 'seq', 'timestamp'))
      t.check(expectSame('place', { ...places }))
    }
    const sents = alice.seen('sent')
    const rounds = [...new Set(msgIds(sents))].map((msgId) => ({ msgId, conv: sents[0]?.conv ?? '' }))
    return expectEqual('msgIds at bob', msgIds(await arrivals(bob, rounds)), msgIds(rounds))
  },
})

// [DED-05] However many other messages lie between, a repeat MUST be recognised within the window.
export const repeatIsRecognisedAfterManyOthers = defineCase({
  id: 'dedup/repeat-is-recognised-after-many-others',
  rules: ['DED-05'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const first = await alice.dm(bob, 'once')
    await sendAll(alice, bob, 150)
    await sendAll(alice, carol, 50)
    const again = await sendPatiently(alice, bob, 'once', { msgId: first.msgId })
    return expectEqual('answer to the repeat', { ...again, id: first.id }, { ...first, duplicate: true })
  },
})

// [DED-06] A repeat MUST be recognised for at least `dedupWindowMs`; a `msgId` that is used again after its entry expired
// is treated as new and recognised from then on.
export const repeatIsRecognisedUntilTheWindowEnds = defineCase({
  id: 'dedup/repeat-is-recognised-until-the-window-ends',
  rules: ['DED-06'],
  level: 'must',
  patient: true,
  async run(t) {
    const { dedupWindowMs } = t.limits
    if (dedupWindowMs > longestWindowMs) return untestable(`a window of ${dedupWindowMs} ms takes too long`)
    const [alice, bob] = await t.pair()
    const beganMs = t.elapsedMs()
    const first = await alice.dm(bob, 'once')
    const again = { msgId: first.msgId }
    await alice.ended(beganMs + dedupWindowMs * lateShare - t.elapsedMs())
    const repeat = await alice.dm(bob, 'once', again)
    if (t.elapsedMs() - beganMs > dedupWindowMs) return unknown('the repeat came after the window')
    const { seq, duplicate } = repeat
    t.check(expectEqual('answer to a late repeat', { seq, duplicate }, { seq: first.seq, duplicate: true }))
    await alice.ended(dedupWindowMs)
    // [VAR-14] It may be recognised for longer; if it is not, it is new.
    const [fresh, second] = await dmTwice(alice, bob, again)
    return expectEqual('repeat of what is new', second.seq, fresh.seq)
  },
})

/** The same message twice. */
async function dmTwice(from: Session, to: Session, options: { msgId: string }) {
  return [await from.dm(to, 'once', options), await from.dm(to, 'once', options)] as const
}

// [DED-08] The `msgId` of an accepted message with another conversation, content, `contentType` or `meta`: error 106,
// and that message stays as it is.
export const sameIdForAnotherMessageIsAConflict = defineCase({
  id: 'dedup/same-id-for-another-message-is-a-conflict',
  rules: ['DED-08'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const options = { msgId: randomUUID(), contentType: 'text/plain', meta: { a: '1' } }
    const first = await alice.dm(bob, 'first', options)
    alice.breaksRules = true
    for (const [to, content, other] of [
      [bob, 'second', {}],
      [bob, 'first ', {}],
      [carol, 'first', {}],
      [bob, 'first', { contentType: 'text/html' }],
      [bob, 'first', { meta: { a: '2' } }],
      [bob, 'first', { meta: { a: '1', b: '' } }],
    ] as const)
      t.check(expectError(await alice.send(to, content, { ...options, ...other }), 'MSGID_CONFLICT'))
    const again = await alice.dm(bob, 'first', options)
    const contents = (await arrivals(bob, [first])).map(({ content }) => content)
    return all(
      expectEqual('answer to a true repeat', { ...again, id: first.id }, { ...first, duplicate: true }),
      expectEqual('contents at bob', contents, ['first']),
      expectNone(await carol.fence(), 'msg'),
    )
  },
})

// [DED-10] A difference in `clientTime`, in the choice between `to` and `conv`, or in unknown fields: no conflict.
export const unimportantDifferenceIsNoConflict = defineCase({
  id: 'dedup/unimportant-difference-is-no-conflict',
  rules: ['DED-10'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const first = await alice.dm(bob, 'once', { clientTime: 1 })
    const { msgId, conv } = first
    const send = { type: 'send', msgId, to: bob.user.id, content: 'once' }
    const { to: _to, ...toNobody } = send
    const repeats = [
      send,
      { ...send, clientTime: 2 },
      { ...toNobody, conv },
      { ...send, from: 'somebody', timestamp: 5, attempt: 2, 'x-unknown': { deep: [null, 1.5] } },
    ]
    const checks = []
    for (const repeat of repeats) {
      const again = await alice.request(repeat)
      checks.push(expectEqual('answer', { ...again, id: first.id }, { ...first, duplicate: true }))
    }
    return all(...checks)
  },
})

// [DED-11] Nothing in a frame but its `msgId` MUST influence whether it is recognised as a repeat.
export const nothingButTheIdMakesARepeat = defineCase({
  id: 'dedup/nothing-but-the-id-makes-a-repeat',
  rules: ['DED-11'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const to = bob.user.id
    const flags = [{}, { duplicate: true }, { dup: true, retry: 3, replay: true }, { clientTime: 1 }]
    const sents = []
    for (const flag of flags) {
      const reply = await alice.request({ type: 'send', msgId: randomUUID(), to, content: 'same', ...flag })
      if (reply.type === 'sent') sents.push(reply)
      t.check(expectEqual('duplicate', reply.type === 'sent' && reply.duplicate, false))
    }
    return expectEqual('seqs at bob', seqs(await arrivals(bob, sents)), seqs(sents))
  },
})

// [DED-13] `dedupWindowMs` SHOULD be at least 300 000.
export const windowIsLongEnough = defineCase({
  id: 'dedup/window-is-long-enough',
  rules: ['DED-13'],
  level: 'should',
  async run(t) {
    const { dedupWindowMs } = (await t.connect()).welcome.limits
    return expectBetween('dedupWindowMs', dedupWindowMs, 300_000, Number.MAX_SAFE_INTEGER)
  },
})
