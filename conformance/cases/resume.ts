// Resume: SPEC.md#resume.
import { maxSafe } from '../../protocol/index.ts'
import {
  arrivals,
  copies,
  cursorAt,
  cursorBefore,
  msgIds,
  otherEpoch,
  pick,
  sendAll,
  sendDuring,
  seqs,
} from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectClose, expectEqual } from '../expect.ts'
import { all, clause, untestable } from '../outcome.ts'

/** A wider window takes more messages to exceed than a quick run should send. */
const widestWindow = 1_000
const beyond = 30

// [RES-02] A cursor with seq 0 and the present epoch MUST be valid.
export const deviceThatReceivedNothingResumes = defineCase({
  id: 'resume/device-that-received-nothing-resumes',
  rules: ['RES-02'],
  level: 'must',
  needs: ['resume'],
  async run(t) {
    let [alice, bob] = await t.pair()
    await bob.close()
    const sents = await sendAll(alice, bob, 3)
    const resume = { cursors: [{ ...cursorAt(sents[0]), seq: 0 }] }
    const checks = []
    // The second time the server knows better, but the cursor decides.
    for (let round = 0; round < 2; round++) {
      bob = await t.reconnect(bob, { resume })
      const [synced] = bob.seen('synced', { conv: sents[0].conv })
      checks.push(expectEqual('msgIds replayed', msgIds(copies(bob, sents)), msgIds(sents)))
      checks.push(expectEqual('from and recovered', [synced?.from, synced?.recovered], [0, true]))
      checks.push(expectEqual('resumed', bob.welcome.resumed, true))
      await bob.ack(sents[2] ?? sents[0])
    }
    return all(...checks)
  },
})

// [RES-01] After a resume exactly the messages after each cursor come, once, in seq order, and then the live ones.
// [RES-05] `recovered` is `true` only if everything after the cursor was delivered.
// [RES-13] `welcome.resumed` is `true` if every cursor can be continued without a hole.
export const resumeContinuesAtEachCursor = defineCase({
  id: 'resume/resume-continues-at-each-cursor',
  rules: ['RES-01', 'RES-05', 'RES-13'],
  level: 'must',
  needs: ['resume'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const [fromAlice, fromCarol] = [await sendAll(alice, bob, 8), await sendAll(carol, bob, 8)]
    await arrivals(bob, [...fromAlice, ...fromCarol])
    bob.wire.cut()
    const cursors = [cursorAt(fromAlice[2] ?? fromAlice[0]), cursorBefore(fromCarol[5] ?? fromCarol[0])]
    const [again, fresh] = await sendDuring(t.reconnect(bob, { resume: { cursors } }), alice, bob)
    await arrivals(again, fresh)
    const seen = ({ conv }: { conv: string }) => seqs(again.seen('msg', { conv }))
    const synced = again.seen('synced').map(({ from, recovered, gap }) => [from, recovered, gap?.reason])
    const wanted = cursors.map(({ seq }) => [seq, true, undefined])
    return [
      clause('RES-01', expectEqual('seqs', seen(fromAlice[0]), seqs([...fromAlice.slice(3), ...fresh]))),
      clause('RES-01', expectEqual('seqs', seen(fromCarol[0]), seqs(fromCarol.slice(5)))),
      clause('RES-05', expectEqual('from, recovered and gap', synced.sort(), wanted.sort())),
      clause('RES-13', expectEqual('resumed', again.welcome.resumed, true)),
    ]
  },
})

// [RES-03] A resume MUST work any number of times in a row, also from the same cursor.
export const resumeWorksAgainAndAgain = defineCase({
  id: 'resume/resume-works-again-and-again',
  rules: ['RES-03'],
  level: 'must',
  needs: ['resume'],
  async run(t) {
    let [alice, bob] = await t.pair()
    const sents = await sendAll(alice, bob, 6)
    await arrivals(bob, sents)
    const cursors = [cursorAt(sents[1] ?? sents[0])]
    const checks = []
    for (let round = 0; round < 5; round++) {
      if (round % 2 === 0) bob.wire.cut()
      bob = await t.reconnect(bob, { resume: { sessionId: bob.welcome.sessionId, cursors } })
      checks.push(expectEqual('seqs', seqs(bob.seen('msg', { conv: sents[0].conv })), seqs(sents.slice(2))))
      checks.push(expectEqual('resumed', bob.welcome.resumed, true))
    }
    return all(...checks)
  },
})

// [RES-06] A cursor of another epoch: `"recovered":false` and the reason `epoch`, even if its seq would be valid.
// [RES-14] A cursor above the top: `"recovered":false` and the reason `future`.
// [OFF-06] What is skipped is named: with `epoch` all up to `from`, with `future` the seqs from the top to the cursor.
export const cursorThatDoesNotFitIsTold = defineCase({
  id: 'resume/cursor-that-does-not-fit-is-told',
  rules: ['RES-06', 'RES-14', 'OFF-06'],
  level: 'must',
  needs: ['resume'],
  async run(t) {
    let [alice, bob] = await t.pair()
    const { conv, epoch, seq } = (await sendAll(alice, bob, 3))[1] ?? (await alice.dm(bob))
    const cursors = [
      ['RES-06', 'epoch', { conv, epoch: otherEpoch(epoch), seq }],
      ['RES-06', 'epoch', { conv, epoch: otherEpoch(epoch), seq: 0 }],
      ['RES-14', 'future', { conv, epoch, seq: 2 ** 32 + seq }],
      ['RES-14', 'future', { conv, epoch, seq: maxSafe }],
    ] as const
    for (const [rule, reason, cursor] of cursors) {
      bob = await t.reconnect(bob, { resume: { cursors: [cursor] }, breaksRules: true })
      const [synced = { from: -1, to: -1, recovered: true, gap: undefined }] = bob.seen('synced', { conv })
      const { from, to, recovered, gap } = synced
      t.check(clause(rule, expectEqual('recovered and reason', [recovered, gap?.reason], [false, reason])))
      const skipped = reason === 'epoch' ? { from: 0, to: from, reason } : { from, to: cursor.seq, reason }
      t.check(clause('OFF-06', expectEqual('gap', gap, skipped)))
      const replayed = bob.seen('msg', { conv }).length
      t.check(clause('OFF-06', expectEqual(`messages after from=${from}`, replayed, to - from)))
      t.check(clause(rule, expectEqual('live', (await arrivals(bob, [await alice.dm(bob)])).length, 1)))
    }
    return []
  },
})

// [RES-07] When a device connects again, its older connection is closed with 4507, and what was on its way to it and is
// not acknowledged is delivered on the new one.
export const newConnectionTakesOver = defineCase({
  id: 'resume/new-connection-takes-over',
  rules: ['RES-07'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair({ autoAck: false })
    const [first, ...others] = await sendAll(alice, bob, 5)
    await arrivals(bob, [first, ...others])
    await bob.ack(first)
    const again = await t.reconnect(bob, { autoAck: false })
    const closed = expectClose(await bob.ended(), 'SESSION_REPLACED')
    const repeated = copies(again, [first, ...others])
    const late = await alice.dm(bob, 'to the new one')
    await arrivals(again, [late])
    // The old one, which nobody reads any more, is replaced as well.
    again.wire.freeze()
    const third = await t.reconnect(bob)
    return all(
      closed,
      expectEqual('seqs on the new connection', seqs(repeated), seqs(others)),
      expectEqual(
        'seqs on the third',
        seqs(third.seen('msg', { conv: first.conv })),
        seqs([...others, late]),
      ),
    )
  },
})

// [RES-08] A replay MUST end with its connection, and neither continue on nor move a position of the one that follows.
export const replayEndsWithItsConnection = defineCase({
  id: 'resume/replay-ends-with-its-connection',
  rules: ['RES-08'],
  level: 'must',
  needs: ['resume'],
  async run(t) {
    const count = t.limits.window + beyond
    if (count > widestWindow || count > t.limits.offlineMax)
      return untestable(`a window of ${t.limits.window} messages takes too long to exceed`)
    const [alice, bob] = await t.pair()
    await bob.close()
    const sents = await sendAll(alice, bob, count)
    const stuck = await t.open(bob, { deviceId: bob.deviceId, autoAck: false })
    const token = await t.token(bob.user)
    stuck.sayHello({ token, resume: { cursors: [cursorBefore(sents[0])] } })
    await stuck.delivery(sents[t.limits.window - 1] ?? sents[0])
    const resuming = t.reconnect(bob, { resume: { cursors: [cursorAt(sents[9] ?? sents[0])] } })
    stuck.write({ type: 'ack', ...cursorAt(sents[0]) })
    const again = await resuming
    return expectEqual('seqs', seqs(await arrivals(again, sents.slice(10))), seqs(sents.slice(10)))
  },
})

// [RES-09] A replayed `msg` MUST have the `conv`, `epoch`, `seq`, `msgId` and `timestamp` of its first delivery.
export const replayedMessageKeepsItsPlace = defineCase({
  id: 'resume/replayed-message-keeps-its-place',
  rules: ['RES-09'],
  level: 'must',
  async run(t) {
    let [alice, bob] = await t.pair({ autoAck: false })
    const sents = await sendAll(alice, bob, 6)
    const first = await arrivals(bob, sents)
    const checks = []
    for (let round = 0; round < 2; round++) {
      bob.wire.cut()
      bob = await t.reconnect(bob, { autoAck: false })
      const again = copies(bob, sents)
      for (const [index, msg] of first.entries()) {
        const names = ['conv', 'epoch', 'seq', 'msgId', 'timestamp', 'from', 'content'] as const
        checks.push(expectEqual('replayed', pick(again[index] ?? msg, ...names), pick(msg, ...names)))
      }
      checks.push(expectEqual('msgs replayed', again.length, first.length))
    }
    return all(...checks)
  },
})
