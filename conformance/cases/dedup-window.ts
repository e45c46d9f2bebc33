// How long repeats are recognised: SPEC.md#deduplication.
import { defineCase } from '../case.ts'
import { expectEqual, expectThat } from '../expect.ts'
import { all, unknown, untestable } from '../outcome.ts'

/** A run has no time for more; a server for tests can announce less. */
const longestWindowMs = 20_000

// [DED-06] A repeat MUST be recognised for at least `dedupWindowMs`; a `msgId` used again later be treated as new.
export const windowHoldsAndEndsCleanly = defineCase({
  id: 'dedup/window-holds-and-ends-cleanly',
  rules: ['DED-06'],
  level: 'must',
  encodings: ['json'],
  patient: true,
  async run(t) {
    const { dedupWindowMs } = t.limits
    if (dedupWindowMs > longestWindowMs) return untestable(`dedupWindowMs is ${dedupWindowMs}`)
    const [alice, bob] = await t.pair()
    const writtenAtMs = t.elapsedMs()
    const first = await alice.dm(bob, 'once')
    await alice.ended(0.8 * dedupWindowMs)
    const { msgId } = first
    const early = await alice.dm(bob, 'once', { msgId })
    if (t.elapsedMs() - writtenAtMs > dedupWindowMs) return unknown('the judge was too late for the window')
    await alice.ended(1.1 * dedupWindowMs)
    // [VAR-14] It may be recognised for longer.
    const late = await alice.dm(bob, 'once', { msgId })
    const again = await alice.dm(bob, 'once', { msgId })
    return all(
      expectEqual('answer within the window', { ...early, id: 0 }, { ...first, id: 0, duplicate: true }),
      expectThat(
        'a repeat after the window is the first one or new',
        late.duplicate === late.seq <= first.seq,
        late,
      ),
      expectEqual('answer to the repeat of that', { ...again, id: 0 }, { ...late, id: 0, duplicate: true }),
    )
  },
})
