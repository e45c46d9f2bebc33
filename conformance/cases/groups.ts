// Messages in groups: SPEC.md#groups.
import { arrivals, msgIds, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectBetween, expectEqual, expectError, expectNone } from '../expect.ts'
import { all } from '../outcome.ts'

/** [GRP-08] allows 1 s, and timers may be 4 s late. */
const slowestDeliveryMs = 5_000

// [GRP-01] Each live connection of each member except the origin MUST receive each message of the group once.
export const everyMemberDeviceGetsItOnce = defineCase({
  id: 'groups/every-member-device-gets-it-once',
  rules: ['GRP-01'],
  level: 'must',
  needs: ['groups', 'devices'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const bobsPhone = await t.connect(bob)
    const carol = await t.connect()
    const conv = await t.group(alice, bob, carol)
    const sent = await alice.say(conv)
    const checks = []
    for (const device of [bob, bobsPhone, carol]) {
      await device.delivery(sent)
      await device.fence(conv)
      checks.push(
        expectEqual(`copies at ${device.label}`, device.seen('msg', { msgId: sent.msgId }).length, 1),
      )
    }
    return all(
      ...checks,
      expectNone(await alice.fence(conv), 'msg', ({ msgId }) => msgId === sent.msgId),
    )
  },
})

// [GRP-01] … once, however often it joined and connected.
export const rejoinedMemberGetsItOnce = defineCase({
  id: 'groups/rejoined-member-gets-it-once',
  rules: ['GRP-01'],
  level: 'must',
  needs: ['groups', 'join=open'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = await t.group(alice, bob)
    t.check(expectError(await bob.request({ type: 'join', conv }), 'ALREADY_JOINED'))
    await bob.leave(conv)
    await bob.join(conv)
    const again = await t.reconnect(bob)
    t.check(expectError(await again.request({ type: 'join', conv }), 'ALREADY_JOINED'))
    const sents = await sendAll(alice, { conv }, 3)
    return expectEqual('msgIds', msgIds(await arrivals(again, sents)), msgIds(sents))
  },
})

// [GRP-07] A dead or failing connection of one member MUST NOT stop the delivery to the others.
export const deadMemberStopsNobody = defineCase({
  id: 'groups/dead-member-stops-nobody',
  rules: ['GRP-07'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const [carol, dave, erin] = [await t.connect(), await t.connect(), await t.connect()]
    const conv = await t.group(alice, carol, dave, erin, bob)
    const sending = sendAll(alice, { conv }, 60)
    carol.wire.cut()
    dave.wire.halfClose()
    erin.writeText('no frame at all')
    const sents = await sending
    return expectEqual('seqs at bob', seqs(await arrivals(bob, sents)), seqs(sents))
  },
})

// [GRP-08] A member that does not read MUST NOT delay the delivery to the others by more than 1 s.
export const deafMemberDelaysNobody = defineCase({
  id: 'groups/deaf-member-delays-nobody',
  rules: ['GRP-08'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const conv = await t.group(alice, carol, bob)
    carol.wire.freeze()
    const checks = []
    for (let round = 0; round < 40; round++) {
      const sent = await alice.say(conv, 'x'.repeat(t.limits.maxContent))
      const msg = await bob.delivery(sent)
      const delayMs = Math.max(0, bob.arrivedAtMs(msg) - alice.arrivedAtMs(sent))
      checks.push(expectBetween('ms from sent to msg', delayMs, 0, slowestDeliveryMs))
      if (delayMs > slowestDeliveryMs) break
    }
    return all(...checks)
  },
})

// [GRP-10] A member that was offline MUST get, on its return, every message of its window that it has not acknowledged.
export const absentMemberMissesNothing = defineCase({
  id: 'groups/absent-member-misses-nothing',
  rules: ['GRP-10'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const conv = await t.group(alice, bob, carol)
    const [acked] = await sendAll(alice, { conv }, 1)
    await bob.ack(await bob.delivery(acked))
    await bob.close()
    const missed = [...(await sendAll(alice, { conv }, 15)), ...(await sendAll(carol, { conv }, 15))]
    const again = await t.reconnect(bob)
    return all(
      expectEqual('msgIds before live', msgIds(again.seen('msg', { conv })), msgIds(missed)),
      expectEqual('msgIds afterwards', msgIds(await arrivals(again, missed)), msgIds(missed)),
    )
  },
})
