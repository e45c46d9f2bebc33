// Catching up on an open connection: SPEC.md#offline-and-sync.
import { maxSafe } from '../../protocol/index.ts'
import { arrivals, cursorAt, cursorBefore, msgIds, otherEpoch, pick, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectAnswer, expectEqual, expectError, expectNone } from '../expect.ts'
import { all } from '../outcome.ts'

// [OFF-08] A `sync` from a valid cursor MUST deliver exactly the messages that follow it, up to `limit` for each
// conversation, say in `complete` whether more remain, and deliver nothing from the top.
export const syncBringsExactlyWhatFollows = defineCase({
  id: 'offline/sync-brings-exactly-what-follows',
  rules: ['OFF-08'],
  level: 'must',
  needs: ['sync'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const sents = await sendAll(alice, bob, 10)
    await arrivals(bob, sents)
    const checks = []
    for (const [after, limit] of [
      [0, 3],
      [4, 5],
      [4, 6],
      [0, 10],
      [9, 1],
      [10, 1],
    ] as const) {
      const { conv, epoch, seq } = { ...sents[0], seq: sents[0].seq - 1 + after }
      const { msgs, synced } = await bob.sync([{ conv, epoch, seq }], limit)
      const due = sents.slice(after, after + limit)
      const end = { from: seq, to: seq + due.length, top: sents.at(-1)?.seq ?? 0, recovered: true }
      const wanted = [{ ...end, complete: after + limit >= sents.length }]
      const told = synced.map((one) => pick(one, 'from', 'to', 'top', 'recovered', 'complete'))
      checks.push(expectEqual(`seqs after ${seq}, limit ${limit}`, seqs(msgs), seqs(due)))
      checks.push(expectEqual('synced', told, wanted))
    }
    return all(...checks)
  },
})

// [OFF-09] A cursor of another epoch or above the top: `synced` with `"recovered":false` and the reason; a malformed
// one: error 101, at once.
export const cursorThatCannotBeContinuedIsTold = defineCase({
  id: 'offline/cursor-that-cannot-be-continued-is-told',
  rules: ['OFF-09'],
  level: 'must',
  needs: ['sync'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const { conv, epoch, seq } = await alice.dm(bob)
    const cursors = [
      [{ conv, epoch: otherEpoch(epoch), seq }, 'epoch'],
      [{ conv, epoch, seq: seq + 1 }, 'future'],
      [{ conv, epoch, seq: maxSafe }, 'future'],
    ] as const
    bob.breaksRules = true
    for (const [cursor, reason] of cursors) {
      const told = (await bob.sync([cursor])).synced.map(({ recovered, gap }) => [recovered, gap?.reason])
      t.check(expectEqual('recovered and reason', told, [[false, reason]]))
    }
    const malformed = [
      { conv, epoch },
      { conv, epoch, seq: '1' },
      { conv: 'x', epoch, seq },
      { conv, seq },
      null,
    ]
    const replies = malformed.map((cursor) => bob.request({ type: 'sync', cursors: [cursor], limit: 1 }))
    return all(...(await Promise.all(replies)).map((reply) => expectError(reply, 'BAD_REQUEST')))
  },
})

// [OFF-10] A `sync` MUST move the position of this connection to each cursor that it names, and be answered by exactly
// one `synced` with its `id` for each of them and then one `live` with its `id`.
export const syncAnswersEachCursorOnce = defineCase({
  id: 'offline/sync-answers-each-cursor-once',
  rules: ['OFF-10'],
  level: 'must',
  needs: ['sync'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const [fromAlice, fromCarol] = [await sendAll(alice, bob, 5), await sendAll(carol, bob, 5)]
    await arrivals(bob, [...fromAlice, ...fromCarol])
    const [back, stay] = [fromAlice[1] ?? fromAlice[0], fromCarol[4] ?? fromCarol[0]]
    const { msgs, synced } = await bob.sync([cursorAt(back), cursorAt(stay)])
    const more = [await alice.dm(bob, 'more'), await carol.dm(bob, 'more')]
    await arrivals(bob, more)
    const ids = new Set([...synced.map(({ id }) => id)])
    return all(
      expectEqual('seqs replayed', seqs(msgs), seqs(fromAlice.slice(2))),
      expectEqual('synced for', synced.map(({ conv }) => conv).sort(), [back.conv, stay.conv].sort()),
      expectEqual(
        'live with this id',
        bob.seen('live', ({ id }) => id !== undefined && ids.has(id)).length,
        1,
      ),
      expectEqual('synced in all', bob.seen('synced', ({ id }) => id !== undefined).length, 2),
    )
  },
})

// [OFF-11] A `sync` that names a conversation in which the user never took part: error 103 for the whole, no replay.
export const syncOfAForeignConversationIsRefused = defineCase({
  id: 'offline/sync-of-a-foreign-conversation-is-refused',
  rules: ['OFF-11'],
  level: 'must',
  needs: ['sync'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const [own, foreign] = [await carol.dm(bob), await alice.dm(bob)]
    await carol.fence()
    const cursors = [cursorBefore(own), cursorBefore(foreign)]
    const reply = await carol.request({ type: 'sync', cursors, limit: 10 })
    const after = await carol.fence()
    return all(expectError(reply, 'NOT_MEMBER'), expectNone(after, 'msg'), expectNone(after, 'synced'))
  },
})

// [OFF-12] A `sync` whose `limit` is not between 1 and `historyMaxLimit`: error 101.
export const syncLimitIsBounded = defineCase({
  id: 'offline/sync-limit-is-bounded',
  rules: ['OFF-12'],
  level: 'must',
  needs: ['sync'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const cursors = [cursorAt(await alice.dm(bob))]
    const most = t.limits.historyMaxLimit
    const checks = []
    for (const limit of [0, most + 1, maxSafe])
      checks.push(expectError(await bob.request({ type: 'sync', cursors, limit }), 'BAD_REQUEST', 'limit'))
    for (const limit of [1, most])
      checks.push(expectAnswer(await bob.request({ type: 'sync', cursors, limit }), 'live'))
    return all(...checks)
  },
})

// [OFF-13] After a `synced` with `"complete":false` nothing of that conversation is delivered until a later `sync`.
export const pausedConversationStaysSilent = defineCase({
  id: 'offline/paused-conversation-stays-silent',
  rules: ['OFF-13'],
  level: 'must',
  needs: ['sync'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const sents = await sendAll(alice, bob, 5)
    await arrivals(bob, sents)
    const start = cursorBefore(sents[0])
    const { synced } = await bob.sync([start], 2)
    await bob.fence()
    const late = await sendAll(alice, bob, 2)
    await bob.delivery(await carol.dm(bob, 'from elsewhere'))
    const meanwhile = expectNone(await bob.fence(), 'msg', ({ conv }) => conv === start.conv)
    const { msgs } = await bob.sync([{ ...start, seq: synced[0]?.to ?? 0 }])
    const again = await alice.dm(bob, 'live again')
    return all(
      meanwhile,
      expectEqual('seqs by the next sync', seqs(msgs), seqs([...sents.slice(2), ...late])),
      expectEqual('live again', msgIds(await arrivals(bob, [again])), [again.msgId]),
    )
  },
})
