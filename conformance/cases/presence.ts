// Presence: SPEC.md#presence.
import type { CaseContext } from '../context.ts'
import { defineCase } from '../case.ts'
import { expectBetween, expectEqual, expectNone } from '../expect.ts'
import { all, untestable } from '../outcome.ts'
import type { Session } from '../session.ts'

/** [HB-02] The end of a silent connection may be noticed so much later. */
const graceMs = 4_000
/** To wait for a longer silence takes too long for a quick run. */
const longestSilenceMs = 6_000
const eager = { intervalMs: 1_000, timeoutMs: 500, maxMissed: 1 }

/** Two who have talked, and asked for presence: peers. */
async function peers(t: CaseContext): Promise<[Session, Session]> {
  const [alice, bob] = await t.pair({ caps: ['presence'] })
  await bob.delivery(await alice.dm(bob))
  return [alice, bob]
}

function statesOf(who: Session, at: Session): string[] {
  return at.seen('presence', { user: who.user.id }).map(({ state }) => state)
}

// [PRS-01] A user MUST be shown as online while at least one of its connections lives.
export const oneOfTwoConnectionsKeepsAUserOnline = defineCase({
  id: 'presence/one-of-two-connections-keeps-a-user-online',
  rules: ['PRS-01'],
  level: 'must',
  needs: ['presence', 'devices'],
  async run(t) {
    const [alice, bob] = await peers(t)
    const phone = await t.connect(alice)
    await alice.close()
    await bob.delivery(await phone.dm(bob, 'still here'))
    await bob.fence()
    t.check(expectEqual('offline while one lives', statesOf(alice, bob).filter(isOffline), []))
    await phone.close()
    await bob.next('presence', { user: alice.user.id, state: 'offline' })
    return expectEqual('offline after the last one only', statesOf(alice, bob).filter(isOffline), ['offline'])
  },
})

// [PRS-01] … and as online again when it comes back.
export const userComesAndGoes = defineCase({
  id: 'presence/user-comes-and-goes',
  rules: ['PRS-01'],
  level: 'must',
  needs: ['presence'],
  async run(t) {
    let [alice, bob] = await peers(t)
    const user = alice.user.id
    const seen = []
    for (let round = 0; round < 3; round++) {
      if (round === 1) alice.wire.cut()
      else await alice.close()
      const { state: gone, devices: none } = await bob.next('presence', { user, state: 'offline' })
      alice = await t.reconnect(alice)
      const { state: back, devices: one } = await bob.next('presence', { user, state: 'online' })
      seen.push([gone, none, back, one])
    }
    return expectEqual('states and devices', seen, Array(3).fill(['offline', 0, 'online', 1]))
  },
})

// [PRS-02] A user whose last connection died silently MUST be shown as offline when [HB-02] closes that connection.
export const silentDeathIsNoticed = defineCase({
  id: 'presence/silent-death-is-noticed',
  rules: ['PRS-02'],
  level: 'must',
  needs: ['presence'],
  patient: true,
  async run(t) {
    const [alice, bob] = await t.pair({ caps: ['presence'], heartbeat: eager })
    const { deadAfterMs } = alice.welcome.heartbeat
    if (deadAfterMs > longestSilenceMs) return untestable(`a silence of ${deadAfterMs} ms takes too long`)
    await bob.delivery(await alice.dm(bob))
    alice.autoPong = false
    alice.wire.freeze()
    const silentAtMs = t.elapsedMs()
    const gone = await bob.next('presence', { user: alice.user.id, state: 'offline' })
    const tookMs = bob.arrivedAtMs(gone) - silentAtMs
    return expectBetween('ms to offline', tookMs, 0, deadAfterMs + graceMs)
  },
})

// [PRS-03] The late end of an old connection MUST NOT make a user offline who has a newer one.
export const lateEndOfAnOldConnectionHidesNobody = defineCase({
  id: 'presence/late-end-of-an-old-connection-hides-nobody',
  rules: ['PRS-03'],
  level: 'must',
  needs: ['presence'],
  async run(t) {
    let [alice, bob] = await peers(t)
    for (let round = 0; round < 4; round++) {
      const old = alice
      old.wire.freeze()
      alice = await t.reconnect(old)
      old.wire.cut()
      for (let count = 0; count < 3; count++) await bob.delivery(await alice.dm(bob, 'still here'))
    }
    t.check(expectEqual('states', statesOf(alice, bob).filter(isOffline), []))
    await alice.close()
    await bob.next('presence', { user: alice.user.id, state: 'offline' })
    return expectEqual('states', statesOf(alice, bob).filter(isOffline), ['offline'])
  },
})

function isOffline(state: string): boolean {
  return state === 'offline'
}

// [PRS-04] `presence` goes to peers only, and only on connections that asked for it, and is never stored as a message.
export const presenceIsForPeersWhoAsked = defineCase({
  id: 'presence/presence-is-for-peers-who-asked',
  rules: ['PRS-04'],
  level: 'must',
  needs: ['presence', 'devices'],
  async run(t) {
    const [alice, bob] = await peers(t)
    const unasked = await t.connect(bob)
    const stranger = await t.connect(t.user(), { caps: ['presence'] })
    await alice.close()
    await bob.next('presence', { user: alice.user.id, state: 'offline' })
    const again = await t.reconnect(alice, { caps: ['presence'] })
    await bob.next('presence', { user: alice.user.id, state: 'online' })
    const { seq } = await again.dm(bob)
    return all(
      expectNone(await unasked.fence(), 'presence'),
      expectNone(await stranger.fence(), 'presence'),
      expectNone(await again.fence(), 'presence', ({ user }) => user === stranger.user.id),
      expectEqual('seq of the second message', seq - (bob.seen('msg')[0]?.seq ?? 0), 1),
    )
  },
})

// [PRS-05] After `live` the server MUST send one `presence` for each peer that is online.
export const onlinePeersAreShownAfterLive = defineCase({
  id: 'presence/online-peers-are-shown-after-live',
  rules: ['PRS-05'],
  level: 'must',
  needs: ['presence', 'groups'],
  async run(t) {
    const [alice, bob] = await peers(t)
    const [carol, dave] = [await t.connect(), await t.connect()]
    // Carol is a peer by a group, Alice by two ways, and Dave is away.
    await t.group(alice, bob, carol)
    await dave.dm(bob)
    await dave.close()
    await bob.close()
    const again = await t.reconnect(bob, { caps: ['presence'] })
    for (const { user } of [alice, carol]) await again.next('presence', { user: user.id })
    await again.fence()
    const shown = again.seen('presence').map(({ user, state, devices }) => ({ user, state, devices }))
    const wanted = [alice, carol].map(({ user }) => ({ user: user.id, state: 'online', devices: 1 }))
    const [first] = again.seen('presence')
    const order = again.received.filter((frame) => frame.type === 'live' || frame === first)
    return all(
      expectEqual('presence', sorted(shown), sorted(wanted)),
      expectEqual(
        'order',
        order.map(({ type }) => type),
        ['live', 'presence'],
      ),
    )
  },
})

function sorted<T extends { user: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (a.user < b.user ? -1 : 1))
}

// [PRS-06] When a device replaces its own session, the server MUST NOT tell any peer that the user went offline.
export const replacedSessionDoesNotFlap = defineCase({
  id: 'presence/replaced-session-does-not-flap',
  rules: ['PRS-06'],
  level: 'must',
  needs: ['presence'],
  async run(t) {
    let [alice, bob] = await peers(t)
    for (let round = 0; round < 5; round++) {
      const again = await t.reconnect(alice)
      await alice.ended()
      alice = again
      await bob.delivery(await alice.dm(bob, `round ${round}`))
    }
    await bob.fence()
    return expectEqual('states', statesOf(alice, bob).filter(isOffline), [])
  },
})

// [PRS-07] When a message or a `join` makes two users who are online peers, each of them is sent the other's presence.
export const newPeersAreShownToEachOther = defineCase({
  id: 'presence/new-peers-are-shown-to-each-other',
  rules: ['PRS-07'],
  level: 'should',
  needs: ['presence', 'groups'],
  async run(t) {
    const [alice, bob] = await t.pair({ caps: ['presence'] })
    const carol = await t.connect(t.user(), { caps: ['presence'] })
    await bob.delivery(await alice.dm(bob))
    await t.group(bob, carol)
    const online = []
    for (const [at, who] of [
      [alice, bob],
      [bob, alice],
      [bob, carol],
      [carol, bob],
    ] as const) {
      const { state, devices } = await at.next('presence', { user: who.user.id })
      online.push([state, devices])
    }
    return expectEqual('states and devices', online, Array(4).fill(['online', 1]))
  },
})
