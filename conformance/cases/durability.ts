// Durability and restarts: SPEC.md#durability.
import { randomUUID } from 'node:crypto'
import { arrivals, cursorAt, msgIds, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectBetween, expectDense, expectEqual, expectThat } from '../expect.ts'
import { all, clause } from '../outcome.ts'
import { comeBack, startMs } from '../restarts.ts'

// [CRS-09] `welcome` MUST declare exactly one level of durability.
export const oneLevelIsDeclared = defineCase({
  id: 'durability/one-level-is-declared',
  rules: ['CRS-09'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const levels = alice.caps.filter((cap) => cap.startsWith('durability='))
    const isOne = levels.length === 1 && /=(memory|process|fsync)$/.test(`${levels[0]}`)
    return expectThat('one of durability=memory, =process, =fsync', isOne, levels)
  },
})

// [ACK-02] `sent` is written only when the message is stored at the declared durability.
// [CRS-01] After the process was killed, every message whose `sent` was written MUST be in history once, at its seq.
// [CRS-02] The repeat of a `send` that was stored but not answered MUST get the seq of the stored message.
// [ORD-07] No seq is given twice. [CRS-08] The server SHOULD be ready within 30 s.
export const acceptedMessagesSurviveAKill = defineCase({
  id: 'durability/accepted-messages-survive-a-kill',
  rules: ['ACK-02', 'CRS-01', 'CRS-02', 'ORD-07', 'CRS-08'],
  level: 'must',
  needs: ['durability=process', 'history', 'hook:kill', 'hook:start'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const [alice, bob] = await t.pair()
    const ids = Array.from({ length: 200 }, () => randomUUID())
    const sending = Promise.allSettled(ids.map((msgId) => alice.send(bob, 'hi', { msgId })))
    const { conv } = await bob.delivery({ msgId: ids[20] ?? '' })
    const readyMs = await comeBack(t, 'kill')
    await sending
    const again = await t.reconnect(alice)
    const stored = new Map((await again.wholeHistory(conv)).map(({ msgId, seq }) => [msgId, seq]))
    const answered = alice.seen('sent').map(({ msgId, seq }) => ({ msgId, seq, stored: stored.get(msgId) }))
    const lost = answered.filter((one) => one.stored === undefined)
    t.check(clause('ACK-02', expectEqual('answered, but not stored', lost, [])))
    t.check(clause('CRS-01', expectEqual('answered, but not stored there', moved(answered), [])))
    t.about('CRS-02')
    const repeated = []
    for (const id of ids) {
      const { msgId, seq } = await again.dm(bob, 'hi', { msgId: id })
      repeated.push({ msgId, seq, stored: stored.get(msgId) ?? seq })
    }
    const inTheEnd = seqs(await again.wholeHistory(conv))
    return [
      clause('CRS-02', expectEqual('stored, but answered otherwise', moved(repeated), [])),
      clause('ORD-07', expectDense('seqs in the end', inTheEnd, inTheEnd[0])),
      clause('CRS-08', expectBetween('ms until ready', readyMs, 0, startMs)),
    ]
  },
})

// [DED-07] A repeat MUST be recognised after a restart as far as the message itself survived it.
export const repeatIsRecognisedAfterARestart = defineCase({
  id: 'durability/repeat-is-recognised-after-a-restart',
  rules: ['DED-07'],
  level: 'must',
  needs: ['durability=process', 'hook:restart'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const [alice, bob] = await t.pair()
    const [first] = await sendAll(alice, bob, 20)
    await comeBack(t, 'restart')
    const again = await t.reconnect(alice)
    const repeat = await again.dm(bob, 'message 1', { msgId: first.msgId })
    return expectEqual('answer to the repeat', { ...repeat, id: first.id }, { ...first, duplicate: true })
  },
})

// [ORD-07] A seq MUST NOT be given a second time in the same conversation and epoch, also not after a restart.
export const numberingGoesOnAfterARestart = defineCase({
  id: 'durability/numbering-goes-on-after-a-restart',
  rules: ['ORD-07'],
  level: 'must',
  needs: ['hook:restart'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const [alice, bob] = await t.pair()
    const before = await sendAll(alice, bob, 5)
    await comeBack(t, 'restart')
    const [sender, receiver] = [await t.reconnect(alice), await t.reconnect(bob)]
    const after = await sendAll(sender, receiver, 5)
    const places = [...before, ...after].map(({ epoch, seq }) => `${epoch} ${seq}`)
    return expectEqual('places given out', places.length, new Set(places).size)
  },
})

// [GRP-09] Memberships and their windows MUST survive a restart as far as messages do.
export const membershipsSurviveARestart = defineCase({
  id: 'durability/memberships-survive-a-restart',
  rules: ['GRP-09'],
  level: 'must',
  needs: ['durability=process', 'groups', 'history', 'hook:restart'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const conv = await t.group(alice, carol)
    await sendAll(alice, { conv }, 3)
    await alice.join(conv, bob)
    await alice.leave(conv, carol)
    const own = await sendAll(alice, { conv }, 3)
    await comeBack(t, 'restart')
    const [owner, member, former] = [
      await t.reconnect(alice),
      await t.reconnect(bob),
      await t.reconnect(carol),
    ]
    const late = await owner.say(conv, 'after the restart')
    const seen = seqs(await member.wholeHistory(conv))
    await arrivals(member, [late])
    const removed = await owner.request({ type: 'leave', conv, user: bob.user.id })
    await former.fence()
    return all(
      expectEqual('what the member reads', seen, seqs([...own, late])),
      expectEqual('what the former member gets', former.seen('msg', ({ seq }) => seq > 3).length, 0),
      expectEqual("answer to the owner's leave", removed.type, 'ok'),
    )
  },
})

// [CRS-06] A process that was stopped and continued (SIGSTOP, SIGCONT) MUST NOT lose, double or reorder anything.
export const pauseChangesNothing = defineCase({
  id: 'durability/pause-changes-nothing',
  rules: ['CRS-06'],
  level: 'must',
  needs: ['hook:pause', 'hook:resume'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const [alice, bob] = await t.pair()
    const [first] = await sendAll(alice, bob, 5)
    await t.hook('pause')
    const sending = Array.from({ length: 30 }, () => alice.dm(bob))
    await t.hook('resume')
    const sents = await Promise.all(sending)
    return all(
      expectDense('seqs in send order', seqs(sents), first.seq + 5),
      expectEqual('msgIds at bob', msgIds(await arrivals(bob, sents)), msgIds(sents)),
    )
  },
})

// [CRS-10] A server that has lost accepted messages MUST give the conversations another epoch.
// [ORD-13] The epoch changes whenever the server cannot prove that its numbering continues.
export const lossChangesTheEpoch = defineCase({
  id: 'durability/loss-changes-the-epoch',
  rules: ['CRS-10', 'ORD-13'],
  level: 'must',
  needs: ['durability=memory', 'resume', 'hook:restart'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const [alice, bob] = await t.pair()
    const old = await sendAll(alice, bob, 3)
    await comeBack(t, 'restart')
    const known = await t.reconnect(alice)
    await t.visit(bob.user)
    const fresh = await sendAll(known, bob, 3)
    const again = await t.reconnect(bob, { resume: { cursors: [cursorAt(old[2] ?? old[0])] } })
    const [synced] = again.seen('synced', { conv: old[0].conv })
    const isAnother = fresh[0].epoch !== old[0].epoch
    return [
      clause('CRS-10', expectThat(`an epoch other than ${old[0].epoch}`, isAnother, fresh[0].epoch)),
      clause('ORD-13', expectEqual('reason', synced?.gap?.reason, 'epoch')),
    ]
  },
})

/** Those that are stored elsewhere, or nowhere. */
function moved<T extends { seq: number; stored: number | undefined }>(list: readonly T[]): T[] {
  return list.filter(({ seq, stored }) => stored !== seq)
}
