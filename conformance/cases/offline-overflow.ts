// More than waits for a device: SPEC.md#offline-and-sync.
import { copies, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectEqual, expectThat } from '../expect.ts'
import { clause, untestable } from '../outcome.ts'

/** To exceed a larger bound takes too long for a quick run. */
const largestBound = 1_000
const tooMany = 10

// [OFF-06] Whatever the server skips MUST be announced by a `gap` that names the seqs and the reason.
// [OFF-14] A new device gets the newest `offlineMax` of each conversation.
// [RES-05] `recovered` is `false`, with a `gap`, if something after the cursor was not delivered.
export const overflowIsAnnounced = defineCase({
  id: 'offline/overflow-is-announced',
  rules: ['OFF-06', 'OFF-14', 'RES-05'],
  level: 'must',
  needs: ['resume'],
  async run(t) {
    const { offlineMax } = t.limits
    if (offlineMax > largestBound) return untestable(`${offlineMax} messages take too long`)
    const [alice, bob] = await t.pair()
    await bob.close()
    const sents = await sendAll(alice, bob, offlineMax + tooMany)
    const again = await t.reconnect(bob)
    const [synced] = again.seen('synced', { conv: sents[0].conv })
    const from = sents[tooMany - 1]?.seq ?? 0
    const gap = synced?.gap
    const isNamed = gap?.reason === 'overflow' && gap.from === sents[0].seq - 1 && gap.to === from
    const shown = { from: synced?.from, recovered: synced?.recovered }
    return [
      clause('OFF-06', expectThat(`gap to=${from} reason=overflow`, isNamed, gap)),
      clause('OFF-14', expectEqual('seqs', seqs(copies(again, sents)), seqs(sents.slice(tooMany)))),
      clause('RES-05', expectEqual('synced', shown, { from, recovered: false })),
    ]
  },
})
