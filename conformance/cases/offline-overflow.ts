// More than waits for a device: SPEC.md#offline-and-sync.
import { type Batch, copies, type Sent, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectEqual, expectThat } from '../expect.ts'
import { clause, untestable } from '../outcome.ts'

/** To exceed a larger bound takes too long. */
const largestBound = 20_000
const tooMany = 10

// [OFF-06] Whatever the server skips MUST be announced by a `gap` that names the seqs and the reason.
// [OFF-14] A new device gets the newest `offlineMax` of each conversation.
// [RES-05] `recovered` is `false`, with a `gap`, if something after the cursor was not delivered.
export const overflowIsAnnounced = defineCase({
  id: 'offline/overflow-is-announced',
  rules: ['OFF-06', 'OFF-14', 'RES-05'],
  level: 'must',
  needs: ['resume', 'groups', 'join=open'],
  profile: 'default',
  encodings: ['json'],
  async run(t) {
    const { offlineMax } = t.limits
    if (offlineMax > largestBound) return untestable(`${offlineMax} messages take too long`)
    const [owner, bob] = await t.pair()
    const conv = await t.group(owner, bob)
    for (const one of [owner, bob]) await one.close()
    const sents = await sendByTurns(t, conv, offlineMax + tooMany)
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

/** Each user sends what the rates allow at once and goes: nobody waits for a rate, or listens to the others. */
async function sendByTurns(t: CaseContext, conv: string, count: number): Promise<Batch> {
  const sents: Sent[] = []
  while (sents.length < count) {
    const writer = await t.connect()
    await writer.join(conv)
    sents.push(...(await sendAll(writer, { conv }, Math.min(t.limits.sendBurst, count - sents.length))))
    await writer.close()
  }
  return sents as Batch
}
