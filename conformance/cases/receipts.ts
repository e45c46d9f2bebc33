// Receipts: SPEC.md#receipts.
import { maxSafe, type Receipt } from '../../protocol/index.ts'
import { arrivals, cursorAt, otherEpoch, pick, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectEqual, expectError, expectNone } from '../expect.ts'
import { all, type Checked, notApplicable } from '../outcome.ts'
import type { Session } from '../session.ts'

/** [RCP-06] Larger groups get no receipts. */
const mostMembers = 32

// [RCP-01] The server MUST NOT report a message as delivered before a device of that user has acknowledged it.
export const deliveredMeansAcknowledged = defineCase({
  id: 'receipts/delivered-means-acknowledged',
  rules: ['RCP-01'],
  level: 'must',
  needs: ['receipts'],
  async run(t) {
    const [alice, bob] = await t.pair({ caps: ['receipts'], autoAck: false })
    const msg = await bob.delivery(await alice.dm(bob))
    await bob.fence()
    const before = expectNone(await alice.fence(), 'receipt')
    await bob.ack(msg)
    const { user, seq } = await alice.next('receipt', { conv: msg.conv, kind: 'delivered' })
    return all(before, expectEqual('receipt', { user, seq }, { user: bob.user.id, seq: msg.seq }))
  },
})

// [RCP-02] The reported positions of a user MUST NOT decrease within an epoch, in whatever order its devices report.
export const positionsNeverGoBack = defineCase({
  id: 'receipts/positions-never-go-back',
  rules: ['RCP-02'],
  level: 'must',
  needs: ['receipts', 'devices'],
  async run(t) {
    const [alice, bob] = await t.pair({ caps: ['receipts'], autoAck: false })
    const phone = await t.connect(bob, { caps: ['receipts'], autoAck: false })
    const sents = await sendAll(alice, bob, 8)
    for (const device of [bob, phone]) await arrivals(device, sents)
    const at = (index: number) => sents[index] ?? sents[0]
    for (const index of [4, 2, 5, 3, 6, 1, 7]) {
      const device = index % 2 === 0 ? bob : phone
      await device.ack(at(index))
      await device.read(at(index))
    }
    const { conv } = sents[0]
    for (const kind of ['delivered', 'read'] as const) {
      await alice.next('receipt', { conv, kind, seq: at(7).seq })
      const reported = seqs(alice.seen('receipt', { conv, kind }))
      const upwards = [...reported].sort((a, b) => a - b)
      t.check(expectEqual(`${kind} as reported`, reported, upwards))
    }
    const late = await t.connect(bob, { caps: ['receipts'] })
    const read = late.seen('synced', { conv }).map((synced) => synced.read)
    return expectEqual('read in synced', read, [at(7).seq])
  },
})

// [RCP-03] A `read` above the top or of an unknown epoch: error 109; for a foreign conversation: 103; nothing is reported.
export const impossibleReadIsNotReported = defineCase({
  id: 'receipts/impossible-read-is-not-reported',
  rules: ['RCP-03'],
  level: 'must',
  needs: ['receipts'],
  async run(t) {
    const [alice, bob] = await t.pair({ caps: ['receipts'] })
    const carol = await t.connect(t.user(), { caps: ['receipts'] })
    const position = cursorAt(await alice.dm(bob))
    const read = { type: 'read', ...position }
    for (const one of [bob, carol]) one.breaksRules = true
    for (const seq of [position.seq + 1, 2 ** 31, 2 ** 32 + position.seq, maxSafe])
      t.check(expectError(await bob.request({ ...read, seq }), 'UNRECOVERABLE_POSITION'))
    const other = { ...read, epoch: otherEpoch(position.epoch) }
    t.check(expectError(await bob.request(other), 'UNRECOVERABLE_POSITION'))
    t.check(expectError(await carol.request(read), 'NOT_MEMBER'))
    await bob.read(position)
    await alice.next('receipt', { kind: 'read' })
    await alice.fence()
    const reported = alice.seen('receipt', { kind: 'read' }).map((frame) => pick(frame, 'user', 'seq'))
    return expectEqual('receipts', reported, [{ user: bob.user.id, seq: position.seq }])
  },
})

// [RCP-04] `synced` MUST carry in `read` how far this user has read, so that every device counts the same unread messages.
export const everyDeviceKnowsWhatWasRead = defineCase({
  id: 'receipts/every-device-knows-what-was-read',
  rules: ['RCP-04'],
  level: 'must',
  needs: ['receipts', 'devices'],
  async run(t) {
    const choices = { caps: ['receipts'], autoAck: false }
    const [alice, bob] = await t.pair(choices)
    const sents = await sendAll(alice, bob, 6)
    const { conv } = sents[0]
    await bob.delivery(sents[5] ?? sents[0])
    const unread = await t.connect(bob, choices)
    await bob.read(sents[3] ?? sents[0])
    await bob.read(sents[1] ?? sents[0])
    const phone = await t.connect(bob, choices)
    bob.wire.cut()
    const again = await t.reconnect(bob, choices)
    const told = [unread, phone, again].flatMap((device) => device.seen('synced', { conv }))
    const read = told.map((synced) => synced.read)
    const [before, after] = [t.target.tokens.users ? read[0] : 0, sents[3]?.seq]
    return expectEqual('read', read, [before, after, after])
  },
})

// [RCP-05] When the highest seq that any device of a user has acknowledged or read advances, `receipt` goes to the other
// users who asked for it, and a `read` also to the user's own other devices.
export const advanceIsReported = defineCase({
  id: 'receipts/advance-is-reported',
  rules: ['RCP-05'],
  level: 'must',
  needs: ['receipts', 'devices', 'groups'],
  async run(t) {
    const choices = { caps: ['receipts'], autoAck: false }
    const [alice, bob] = await t.pair(choices)
    const [phone, carol] = [await t.connect(bob, choices), await t.connect(t.user(), choices)]
    const unasked = await t.connect(alice, { autoAck: false })
    const group = await t.group(alice, bob, carol)
    for (const sent of [await alice.dm(bob), await alice.say(group)]) {
      const at = cursorAt(await bob.delivery(sent))
      await bob.ack(at)
      await phone.read(at)
      const others = sent.conv === group ? [alice, carol] : [alice]
      const report = { user: bob.user.id, ...at }
      for (const other of others) t.check(await expectReport(other, { ...report, kind: 'delivered' }))
      for (const other of [...others, bob]) t.check(await expectReport(other, { ...report, kind: 'read' }))
    }
    return expectNone(await unasked.fence(), 'receipt')
  },
})

async function expectReport(at: Session, report: Omit<Receipt, 'type'>): Promise<Checked> {
  const { type: _type, ...receipt } = await at.next('receipt', report)
  return expectEqual(`receipt at ${at.label}`, receipt, report)
}

// [RCP-06] The server MUST NOT send `receipt` for groups of more than 32 members.
export const largeGroupHasNoReceipts = defineCase({
  id: 'receipts/large-group-has-no-receipts',
  rules: ['RCP-06'],
  level: 'must',
  needs: ['receipts', 'groups'],
  encodings: ['json'],
  async run(t) {
    if (t.limits.groupMembersMax <= mostMembers) return notApplicable('groups are never that large')
    const [alice, bob] = await t.pair({ caps: ['receipts'], autoAck: false })
    const extras = await Promise.all(Array.from({ length: mostMembers - 1 }, () => t.connect()))
    const conv = await t.group(alice, bob, ...extras)
    const report = async () => {
      const sent = await alice.say(conv)
      await bob.ack(await bob.delivery(sent))
      await bob.read(sent)
      return sent.seq
    }
    await report()
    await alice.fence()
    await extras[0]?.leave(conv)
    const seq = await report()
    await alice.next('receipt', { conv, kind: 'read', seq })
    const reported = seqs(alice.seen('receipt', { conv }))
    return expectEqual('seqs reported', [...new Set(reported)], [seq])
  },
})

// [RCP-07] After the `live` that follows `welcome`, a device is told how far the other users of direct conversations are.
export const missedReceiptsAreToldOnReturn = defineCase({
  id: 'receipts/missed-receipts-are-told-on-return',
  rules: ['RCP-07'],
  level: 'should',
  needs: ['receipts'],
  async run(t) {
    const choices = { caps: ['receipts'], autoAck: false }
    const [alice, bob] = await t.pair(choices)
    const sents = await sendAll(alice, bob, 3)
    await arrivals(bob, sents)
    await alice.close()
    await bob.ack(sents[2] ?? sents[0])
    await bob.read(sents[1] ?? sents[0])
    const again = await t.reconnect(alice, choices)
    const { conv } = sents[0]
    const told = []
    for (const kind of ['delivered', 'read'] as const) {
      const { user, seq } = await again.next('receipt', { conv, kind })
      told.push([kind, user, seq])
    }
    const { id } = bob.user
    const wanted = [
      ['delivered', id, sents[2]?.seq],
      ['read', id, sents[1]?.seq],
    ]
    return expectEqual('receipts', told, wanted)
  },
})
