// What waits for a device that was away: SPEC.md#offline-and-sync.
import { arrivals, copies, cursorAt, msgIds, sendAll, sendDuring, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectEqual, expectNone, expectThat } from '../expect.ts'
import { all, notApplicable, untestable } from '../outcome.ts'

/** A wider window takes more messages to exceed than a quick run should send. */
const widestWindow = 1_000
const beyond = 50

// [OFF-01] Messages accepted while a device was offline MUST be delivered on its return, in seq order.
export const missedMessagesArriveOnReturn = defineCase({
  id: 'offline/missed-messages-arrive-on-return',
  rules: ['OFF-01'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    await bob.close()
    const sents = await sendAll(alice, bob, 20)
    const again = await t.reconnect(bob)
    const arrived = again.seen('msg', { conv: sents[0].conv })
    return all(
      expectEqual('seqs before live', seqs(arrived), seqs(sents)),
      expectEqual('msgIds', msgIds(arrived), msgIds(sents)),
    )
  },
})

// [OFF-02] A message MUST NOT be taken as delivered before the device has acknowledged it, not because it was written.
export const writtenIsNotDelivered = defineCase({
  id: 'offline/written-is-not-delivered',
  rules: ['OFF-02'],
  level: 'must',
  async run(t) {
    let [alice, bob] = await t.pair({ autoAck: false })
    const sents = await sendAll(alice, bob, 5)
    await arrivals(bob, sents)
    const checks = []
    for (let round = 0; round < 3; round++) {
      if (round === 1) await bob.close()
      else bob.wire.cut()
      bob = await t.reconnect(bob, { autoAck: false })
      checks.push(expectEqual('msgIds that come again', msgIds(copies(bob, sents)), msgIds(sents)))
    }
    return all(...checks)
  },
})

// [OFF-03] A message accepted while the server still took a dead connection for alive MUST reach the device on its return.
export const messageToADeadConnectionIsNotLost = defineCase({
  id: 'offline/message-to-a-dead-connection-is-not-lost',
  rules: ['OFF-03'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    // Nobody reads any more, and the server cannot know.
    bob.wire.freeze()
    const sents = await sendAll(alice, bob, 10)
    const again = await t.reconnect(bob)
    sents.push(...(await sendAll(alice, bob, 3)))
    return expectEqual('seqs as they came', seqs(await arrivals(again, sents)), seqs(sents))
  },
})

// [OFF-04] A backlog of more than `window` messages MUST come in the same order as a smaller one.
export const longBacklogComesInOrder = defineCase({
  id: 'offline/long-backlog-comes-in-order',
  rules: ['OFF-04'],
  level: 'must',
  async run(t) {
    const { window, offlineMax } = t.limits
    const count = window + beyond
    if (window > widestWindow) return untestable(`a window of ${window} messages takes too long to exceed`)
    if (count > offlineMax) return notApplicable(`only ${offlineMax} messages wait for a device`)
    const [alice, bob] = await t.pair()
    await bob.close()
    const sents = await sendAll(alice, bob, count)
    const again = await t.reconnect(bob)
    return expectEqual('seqs as they came', seqs(copies(again, sents)), seqs(sents))
  },
})

// [OFF-05] Messages accepted during a replay MUST be delivered after it, in seq order, none lost and none twice.
export const liveMessagesWaitForTheReplay = defineCase({
  id: 'offline/live-messages-wait-for-the-replay',
  rules: ['OFF-05'],
  level: 'must',
  async run(t) {
    let [alice, bob] = await t.pair()
    const backlog = Math.min(50, Math.floor(t.limits.offlineMax / 2))
    await alice.dm(bob, 'the first')
    for (let round = 0; round < 5; round++) {
      await bob.close()
      const missed = await sendAll(alice, bob, backlog)
      const [again, fresh] = await sendDuring(t.reconnect(bob), alice, bob)
      const sents = [...missed, ...fresh]
      t.check(expectEqual('seqs as they came', seqs(await arrivals(again, sents)), seqs(sents)))
      await again.ack(sents.at(-1) ?? missed[0])
      bob = again
    }
    return expectNone((await t.reconnect(bob)).received, 'msg')
  },
})

// [OFF-07] Each device MUST have its own position in each conversation, moved by its own acknowledgements only.
export const eachDeviceHasItsOwnPosition = defineCase({
  id: 'offline/each-device-has-its-own-position',
  rules: ['OFF-07'],
  level: 'must',
  needs: ['devices'],
  async run(t) {
    const [alice, bob] = await t.pair({ autoAck: false })
    const phone = await t.connect(bob, { autoAck: false })
    const carol = await t.connect()
    const fromAlice = await sendAll(alice, bob, 4)
    const fromCarol = await sendAll(carol, bob, 2)
    for (const device of [bob, phone]) await arrivals(device, [...fromAlice, ...fromCarol])
    await bob.ack(fromAlice[3] ?? fromAlice[0])
    await phone.ack(fromCarol[1] ?? fromCarol[0])
    const rest = []
    for (const device of [bob, phone]) {
      device.wire.cut()
      const again = await t.reconnect(device)
      rest.push(msgIds(copies(again, [...fromAlice, ...fromCarol])))
    }
    return all(
      expectEqual('what the laptop gets again', rest[0], msgIds(fromCarol)),
      expectEqual('what the phone gets again', rest[1], msgIds(fromAlice)),
    )
  },
})

// [OFF-14] A device that connects for the first time MUST get every message that it is entitled to.
export const newDeviceGetsEverything = defineCase({
  id: 'offline/new-device-gets-everything',
  rules: ['OFF-14'],
  level: 'must',
  needs: ['devices'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const count = Math.min(20, t.limits.offlineMax)
    const sents = await sendAll(alice, bob, count)
    await arrivals(bob, sents)
    await bob.ack(sents.at(-1) ?? sents[0])
    const phone = await t.connect(bob)
    const bystander = await t.connect(alice)
    return all(
      expectEqual("msgIds at the receiver's new device", msgIds(copies(phone, sents)), msgIds(sents)),
      expectEqual("msgIds at the sender's new device", msgIds(copies(bystander, sents)), msgIds(sents)),
    )
  },
})

// [OFF-15] The bound on what is replayed MUST hold for each conversation by itself.
export const busyConversationPushesNothingOut = defineCase({
  id: 'offline/busy-conversation-pushes-nothing-out',
  rules: ['OFF-15'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const quiet = await sendAll(carol, bob, 2)
    await bob.close()
    const missed = await sendAll(carol, bob, 2)
    await sendAll(alice, bob, Math.min(t.limits.offlineMax + beyond, 400))
    const again = await t.reconnect(bob)
    const quietly = again.seen('synced', { conv: quiet[0].conv })
    return all(
      expectEqual('msgIds of the quiet conversation', msgIds(copies(again, missed)), msgIds(missed)),
      expectThat(
        'recovered',
        quietly.every(({ recovered }) => recovered),
        quietly,
      ),
    )
  },
})

// [OFF-16] The server MUST write `live` once after `welcome`, when every replay is done.
export const liveComesOnceAfterEverything = defineCase({
  id: 'offline/live-comes-once-after-everything',
  rules: ['OFF-16'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    await bob.close()
    const sents = [...(await sendAll(alice, bob, 10)), ...(await sendAll(carol, bob, 10))]
    const again = await t.reconnect(bob)
    await again.fence()
    const lives = again.seen('live', ({ id }) => id === undefined)
    const liveAt = lives[0] ? again.received.indexOf(lives[0]) : -1
    const before = again.received.slice(0, liveAt)
    const replayed = before.filter((frame) => frame.type === 'msg')
    const synced = again.seen('synced').filter((frame) => !before.includes(frame))
    return all(
      expectEqual('live frames', lives.length, 1),
      expectEqual('msgIds before live', msgIds(replayed).sort(), msgIds(sents).sort()),
      expectEqual('synced after live', synced, []),
    )
  },
})

// [OFF-18] After a `gap` frame nothing of that conversation is delivered until the client has sent a `sync` for it.
export const nothingComesBetweenGapAndSync = defineCase({
  id: 'offline/nothing-comes-between-gap-and-sync',
  rules: ['OFF-18'],
  level: 'must',
  needs: ['sync'],
  async run(t) {
    const { window } = t.limits
    if (window > widestWindow) return untestable(`a window of ${window} messages takes too long to exceed`)
    const [alice, bob] = await t.pair({ autoAck: false })
    const sents = await sendAll(alice, bob, window + beyond)
    await bob.fence(sents[0].conv)
    const [gap] = bob.seen('gap')
    if (!gap) return notApplicable('the server skipped nothing')
    await bob.ack({ ...sents[0], seq: gap.from })
    const late = await alice.dm(bob, 'after the gap')
    const paused = expectNone(await bob.fence(), 'msg')
    await bob.sync([{ ...cursorAt(sents[0]), seq: gap.from }])
    return all(paused, expectEqual('by sync', (await arrivals(bob, [late])).length, 1))
  },
})

// [OFF-19] Every accepted message MUST be delivered at least once to every entitled device that connects.
export const nothingIsLostByComingAndGoing = defineCase({
  id: 'offline/nothing-is-lost-by-coming-and-going',
  rules: ['OFF-19'],
  level: 'must',
  async run(t) {
    let [alice, bob] = await t.pair()
    const bobs = [bob]
    const sending = sendAll(alice, bob, 300)
    for (let round = 0; round < 12; round++) {
      for (let wait = t.random.integer(0, 3); wait > 0; wait--) await alice.ping()
      if (t.random.integer(0, 1) === 0) bob.wire.cut()
      else bob.wire.close()
      bob = await t.reconnect(bob)
      bobs.push(bob)
    }
    const sents = await sending
    await bob.fence(sents[0].conv)
    const seen = new Set(bobs.flatMap((session) => seqs(copies(session, sents))))
    const lost = seqs(sents).filter((seq) => !seen.has(seq))
    return expectEqual('seqs that never arrived', lost, [])
  },
})
