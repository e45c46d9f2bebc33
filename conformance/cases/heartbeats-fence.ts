// The fence: SPEC.md#the-fence.
import { arrivals, sendAll } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectEqual } from '../expect.ts'
import { all } from '../outcome.ts'

// [FEN-02] When the server writes `sent`, it has queued the `msg` on every connection that gets this message live.
// [FEN-01] So a `pong` that is asked for after it comes behind the `msg`.
export const fenceAfterSentComesBehindTheMessage = defineCase({
  id: 'heartbeats/fence-after-sent-comes-behind-the-message',
  rules: ['FEN-02'],
  level: 'must',
  needs: ['fence'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const devices = t.caps.includes('devices') ? [bob, await t.connect(bob), await t.connect(alice)] : [bob]
    const checks = []
    for (let count = 0; count < 20; count++) {
      const { msgId } = await alice.dm(bob, t.random.text(10))
      const seen = await Promise.all(devices.map((device) => device.fence()))
      const copies = seen.map(
        (frames) => frames.filter((frame) => frame.type === 'msg' && frame.msgId === msgId).length,
      )
      checks.push(
        expectEqual(
          `copies before the pong, message ${count + 1}`,
          copies,
          devices.map(() => 1),
        ),
      )
    }
    return all(...checks)
  },
})

// [FEN-01] A `pong` MUST be queued behind every frame that was written to that connection before its `ping` was processed.
export const pongDoesNotOvertake = defineCase({
  id: 'heartbeats/pong-does-not-overtake',
  rules: ['FEN-01'],
  level: 'must',
  needs: ['fence'],
  async run(t) {
    const [alice, bob] = await t.pair()
    bob.wire.freeze()
    const count = Math.min(60, t.limits.window)
    const sents = await sendAll(alice, bob, count)
    bob.write({ type: 'ping', n: 4_711 })
    bob.wire.thaw()
    await arrivals(bob, sents)
    const pong = await bob.next('pong', { n: 4_711 })
    const before = bob.received.slice(0, bob.received.indexOf(pong)).filter(({ type }) => type === 'msg')
    return expectEqual('msgs before the pong', before.length, count)
  },
})
