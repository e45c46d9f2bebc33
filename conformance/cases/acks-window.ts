// The window of unacknowledged messages: SPEC.md#acknowledgements-and-retries.
import { arrivals, copies, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectEqual } from '../expect.ts'
import { all, clause, notApplicable, untestable } from '../outcome.ts'

/** A wider window takes more messages to fill than a quick run should send. */
const widestWindow = 1_000
const beyond = 20

// [ACK-10] The server MUST NOT have more than `window` messages written to a connection and not acknowledged.
// [ACK-11] It sends what waits for the window as acknowledgements free it, in seq order.
export const windowIsFilledAndFreed = defineCase({
  id: 'acks/window-is-filled-and-freed',
  rules: ['ACK-10', 'ACK-11'],
  level: 'must',
  async run(t) {
    const { window } = t.limits
    if (window > widestWindow) return untestable(`a window of ${window} messages takes too long to fill`)
    const [alice, bob] = await t.pair({ autoAck: false })
    const sents = await sendAll(alice, bob, window + beyond)
    await arrivals(bob, sents.slice(0, window))
    const full = copies(bob, sents)
    // [LIM-04] What waits may also be announced as a hole.
    if (bob.seen('gap').length > 0) return notApplicable('the server announces a gap where others wait')
    const freed = Math.min(beyond, window)
    await bob.ack(sents[freed - 1] ?? sents[0])
    await arrivals(bob, sents.slice(window, window + freed))
    const arrived = seqs(copies(bob, sents))
    const allowed = seqs(sents.slice(0, window + freed))
    return [
      clause('ACK-10', expectEqual('seqs without any ack', seqs(full), allowed.slice(0, window))),
      clause('ACK-10', expectEqual(`msgs after an ack of ${freed}`, arrived.length, allowed.length)),
      clause('ACK-11', expectEqual('seqs as they came', arrived, allowed)),
    ]
  },
})

// [ACK-11] … and loses nothing of a group either, however many members there are that keep up.
export const windowLosesNothingOfAGroup = defineCase({
  id: 'acks/window-loses-nothing-of-a-group',
  rules: ['ACK-11'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const { window } = t.limits
    if (window > widestWindow) return untestable(`a window of ${window} messages takes too long to fill`)
    const [alice, bob] = await t.pair({ autoAck: false })
    const carol = await t.connect()
    const conv = await t.group(alice, bob, carol)
    const sents = await sendAll(alice, { conv }, window + beyond)
    await arrivals(carol, sents)
    await bob.fence()
    if (bob.seen('gap').length > 0) return notApplicable('the server announces a gap where others wait')
    const full = seqs(copies(bob, sents))
    bob.autoAck = true
    await bob.ack(sents[window - 1] ?? sents[0])
    await arrivals(bob, sents.slice(window))
    return all(
      expectEqual('seqs without any ack', full, seqs(sents.slice(0, window))),
      expectEqual('seqs in the end', seqs(copies(bob, sents)), seqs(sents)),
    )
  },
})
