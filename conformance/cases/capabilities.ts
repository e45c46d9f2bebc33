// What a server promises on a connection: SPEC.md#capabilities.
import { errors } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import { expectEqual, expectError, expectNone, expectOneOf, expectThat } from '../expect.ts'
import { all, type Checked } from '../outcome.ts'
import { labelled, ownFault } from '../provoke.ts'

const optional = ['presence', 'receipts']

// [CAP-01] Every capability is listed once, as `name` or `name=value`, and what excludes one another is not both listed.
export const capabilitiesAreListedOnce = defineCase({
  id: 'capabilities/capabilities-are-listed-once',
  rules: ['CAP-01'],
  level: 'must',
  async run(t) {
    const { caps } = (await t.connect(t.user(), { caps: optional })).welcome
    const malformed = caps.filter((cap) => !/^[^=]+(?:=[^=]+)?$/.test(cap))
    const count = (name: string): number => caps.filter((cap) => cap.startsWith(`${name}=`)).length
    return all(
      expectEqual('capabilities that are no name or name=value', malformed, []),
      expectEqual('capabilities listed', caps.length, new Set(caps).size),
      expectEqual('levels of durability', count('durability'), 1),
      expectThat('at most one way to join', count('join') <= 1, caps),
    )
  },
})

// [CAP-02] `presence` and `receipts` only for a client that asked for them, and no such frames without.
export const optionalFeaturesAreForThoseWhoAsk = defineCase({
  id: 'capabilities/optional-features-are-for-those-who-ask',
  rules: ['CAP-02'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const half = await t.connect(t.user(), { caps: ['presence'] })
    await bob.ack(await bob.delivery(await alice.dm(bob)))
    await half.ack(await half.delivery(await alice.dm(half)))
    await alice.fence()
    await bob.close()
    const again = await t.reconnect(bob)
    await again.ping()
    await alice.fence()
    const frames = [...alice.received, ...bob.received, ...again.received]
    return all(
      expectEqual(
        'optional capabilities without asking',
        alice.caps.filter((cap) => optional.includes(cap)),
        [],
      ),
      expectEqual('receipts for one who asked for presence', half.caps.includes('receipts'), false),
      expectNone(frames, 'presence'),
      expectNone([...frames, ...half.received], 'receipt'),
    )
  },
})

// [CAP-03] The server MUST ignore capabilities in `hello.caps` that it does not know.
export const unknownCapabilitiesAreIgnored = defineCase({
  id: 'capabilities/unknown-capabilities-are-ignored',
  rules: ['CAP-03'],
  level: 'must',
  async run(t) {
    const plain = await t.connect(t.user(), { caps: optional })
    const asked = ['chatspec.invalid', 'x=1', 'durability=quantum', ...optional, 'Presence', ' ', '=']
    const odd = await ownFault(t.connect(t.user(), { caps: asked }))
    return expectEqual('capabilities', odd.welcome.caps.toSorted(), plain.welcome.caps.toSorted())
  },
})

// [CAP-04] A known frame type that needs a capability which was not listed: error 203. [VAR-32] `read` may be processed.
export const frameWithoutItsCapabilityIsRefused = defineCase({
  id: 'capabilities/frame-without-its-capability-is-refused',
  rules: ['CAP-04'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const { conv, epoch, seq } = await alice.dm(alice)
    const frames = {
      groups: [
        { type: 'join', conv: t.groupName() },
        { type: 'leave', conv: t.groupName() },
      ],
      history: [{ type: 'history', conv, order: 'asc', limit: 1 }],
      sync: [{ type: 'sync', cursors: [{ conv, epoch, seq }], limit: 1 }],
    }
    const checks: Checked[] = []
    for (const [cap, requests] of Object.entries(frames).filter(([name]) => !alice.caps.includes(name)))
      for (const frame of requests)
        checks.push(
          labelled(
            `${frame.type} without ${cap}`,
            expectError(await alice.request(frame), 'CAPABILITY_REQUIRED'),
          ),
        )
    const read = await alice.request({ type: 'read', conv, epoch, seq })
    const answer = read.type === 'error' ? read.code : read.type
    return all(...checks, expectOneOf('answer to read', answer, [errors.CAPABILITY_REQUIRED.code, 'ok']))
  },
})
