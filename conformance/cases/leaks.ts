// Memory: SPEC.md#memory.
import type { Presence } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectBetween, expectClose, expectEqual } from '../expect.ts'
import { type Checked, Finding, untestable } from '../outcome.ts'

/** A user with more connections takes too long to fill. */
const mostConnections = 100
/** For requests and connections that are just being closed. */
const spareDescriptors = 10

// [LEK-02] A `hello` whose connection ends before it is answered MUST NOT leave a presence behind.
export const helloThatIsCutLeavesNoPresence = defineCase({
  id: 'leaks/hello-that-is-cut-leaves-no-presence',
  rules: ['LEK-02'],
  level: 'must',
  needs: ['presence'],
  async run(t) {
    const [alice, bob] = await t.pair({ caps: ['presence'] })
    await bob.delivery(await alice.dm(bob))
    for (let count = 0; count < 10; count++) {
      const cut = await t.open(alice)
      cut.sayHello({ token: await t.token(alice.user) })
      cut.wire.cut()
    }
    await alice.close()
    const gone = await bob.next('presence', { user: alice.user.id, state: 'offline' })
    return expectEqual('devices of alice', gone.devices, 0)
  },
})

// [LEK-02] … nor a session that counts among the connections of its user.
export const helloThatIsCutLeavesNoSession = defineCase({
  id: 'leaks/hello-that-is-cut-leaves-no-session',
  rules: ['LEK-02'],
  level: 'must',
  async run(t) {
    const { connectionsPerUser } = t.limits
    if (connectionsPerUser > mostConnections)
      return untestable(`${connectionsPerUser} connections take too long`)
    const user = t.user()
    const token = await t.token(user)
    for (let count = 0; count < connectionsPerUser + 5; count++) {
      const cut = await t.open(user)
      cut.sayHello({ token })
      cut.wire.cut()
    }
    // The server may need a moment to notice the last of them.
    for (const sinceMs = t.elapsedMs(); ; ) {
      const late = await t.open(user)
      late.sayHello({ token })
      const answer = await late.anyOf(['welcome', 'bye'])
      const isLastTry = t.elapsedMs() - sinceMs > t.timeoutMs
      if (answer?.type === 'welcome' || isLastTry)
        return expectEqual('answer to hello', answer?.type, 'welcome')
      await late.ended()
    }
  },
})

// [LEK-02] A `join` whose connection ends before it is answered MUST NOT leave a session or a presence behind.
export const joinThatIsCutLeavesNoPresence = defineCase({
  id: 'leaks/join-that-is-cut-leaves-no-presence',
  rules: ['LEK-02'],
  level: 'must',
  needs: ['groups', 'presence'],
  async run(t) {
    const [alice, bob] = [await t.connect(), await t.connect(t.user(), { caps: ['presence'] })]
    await bob.delivery(await alice.dm(bob))
    for (let round = 0; round < 5; round++) {
      const cut = await t.reconnect(alice)
      cut.write({ type: 'join', id: cut.nextId(), conv: t.groupName() })
      cut.wire.cut()
    }
    const last = await t.reconnect(alice)
    // One more, so that those before it are not under way any more.
    await last.join(t.groupName())
    await bob.fence()
    const fencedAtMs = t.elapsedMs()
    await last.close()
    const isGone = (frame: Presence) =>
      frame.user === alice.user.id && frame.state === 'offline' && bob.arrivedAtMs(frame) >= fencedAtMs
    return expectEqual('devices of alice', (await bob.next('presence', isGone)).devices, 0)
  },
})

// [LEK-01] After connections have come and gone, descriptors MUST return to what they were before, within a constant.
export const descriptorsReturn = defineCase({
  id: 'leaks/descriptors-return',
  rules: ['LEK-01'],
  level: 'must',
  needs: ['metrics'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const before = await openDescriptors(t)
    for (let round = 0; round < 20; round++) {
      const some = await Promise.all(Array.from({ length: 10 }, () => t.connect()))
      for (const [index, one] of some.entries()) {
        if (index % 2 === 0) one.wire.cut()
        else await one.close()
      }
    }
    return expectDescriptorsBack(t, before)
  },
})

// [LEK-03] The server MUST release … handshakes that failed.
export const failedHandshakesAreReleased = defineCase({
  id: 'leaks/failed-handshakes-are-released',
  rules: ['LEK-03'],
  level: 'must',
  needs: ['metrics'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const before = await openDescriptors(t)
    const user = t.user()
    for (let round = 0; round < 40; round++) {
      const [silent, refused] = [await t.open(user), await t.open(user)]
      silent.wire.cut()
      refused.sayHello({ token: 'forged' })
      t.check(expectClose(await refused.ended(), 'UNAUTHORIZED'))
      await t.upgrade({ subprotocols: ['chatspec.v0'] })
    }
    return expectDescriptorsBack(t, before)
  },
})

/** Soon after they were needed. */
async function expectDescriptorsBack(t: CaseContext, before: number): Promise<Checked> {
  for (const sinceMs = t.elapsedMs(); ; await t.http('/healthz')) {
    const after = await openDescriptors(t)
    if (after <= before + spareDescriptors || t.elapsedMs() - sinceMs > t.timeoutMs)
      return expectBetween('open descriptors', after, 0, before + spareDescriptors)
  }
}

async function openDescriptors(t: CaseContext): Promise<number> {
  const { body } = await t.metrics()
  const [, count] = /^process_open_fds(?:\{[^}]*\})? (\d+)/m.exec(body) ?? []
  if (count === undefined) throw new Finding(untestable('the metrics have no process_open_fds'))
  return Number(count)
}
