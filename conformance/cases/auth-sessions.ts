// Identity while the session lasts: SPEC.md#while-the-session-lasts.
import { randomUUID } from 'node:crypto'
import { defineCase } from '../case.ts'
import { expectBetween, expectClose, expectEqual, expectError } from '../expect.ts'
import { all, clause } from '../outcome.ts'
import { labelled } from '../provoke.ts'
import { flippedToken } from '../tokens.ts'

/** SPEC.md, Deadlines: for coarse timers. */
const toleranceMs = 4_000
const clockGrainMs = 20
/** SPEC.md: after `expiresAt` the close comes no later than this. */
const graceMs = 30_000
/** Time to connect with a token that is about to run out, on a busy machine too. */
const lifetimeS = 4

// [AUTH-09] The identity of a sender is that of the token; a `from` in a client's frame is ignored.
export const senderIsWhoTheTokenNames = defineCase({
  id: 'auth/sender-is-who-the-token-names',
  rules: ['AUTH-09'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const msgId = randomUUID()
    const forged = { from: carol.user.id, userId: carol.user.id, sub: carol.user.id }
    const sent = await alice.request({ type: 'send', msgId, to: bob.user.id, content: 'hi', ...forged })
    const { from, conv } = await bob.delivery({ msgId })
    return all(
      expectEqual('answer', sent.type, 'sent'),
      expectEqual('from', from, alice.user.id),
      expectEqual('alice and bob in conv', conv.includes(alice.user.id) && conv.includes(bob.user.id), true),
    )
  },
})

// [AUTH-08] A second `hello` for another subject: 4504. [AUTH-20] For the same: error 101 that names `type`.
export const secondHelloChangesNothing = defineCase({
  id: 'auth/second-hello-changes-nothing',
  rules: ['AUTH-08', 'AUTH-20', 'AUTH-18'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const phone = await t.connect(alice)
    for (const one of [alice, phone]) one.breaksRules = true
    const own = await alice.requestHello({ token: await t.token(alice.user) })
    await alice.ping()
    alice.sayHello({ token: await t.token(bob.user) })
    phone.sayHello({ token: flippedToken(await t.token(alice.user), 'signature') })
    return [
      clause('AUTH-20', expectError(own, 'BAD_REQUEST', 'type')),
      clause('AUTH-08', expectClose(await alice.ended(), 'UNAUTHORIZED')),
      clause(
        'AUTH-18',
        labelled('a forged hello after welcome', expectClose(await phone.ended(), 'UNAUTHORIZED')),
      ),
    ]
  },
})

// [AUTH-22] A `refresh` with a valid token of the same subject gets `ok` and the new `expiresAt`.
export const refreshIsAnsweredWithTheNewEnd = defineCase({
  id: 'auth/refresh-is-answered-with-the-new-end',
  rules: ['AUTH-22'],
  level: 'must',
  needs: ['mint'],
  async run(t) {
    const alice = await t.connect()
    const exp = Math.floor(Date.now() / 1000) + 1_800
    const { expiresAt } = await alice.refresh(await t.token(alice.user, { exp }))
    await alice.ping()
    return expectEqual('expiresAt', expiresAt, exp * 1000)
  },
})

// [AUTH-23] A `refresh` for another subject: 4504; a refused token in it is answered as in a `hello`.
export const refreshWithAnotherTokenCloses = defineCase({
  id: 'auth/refresh-with-another-token-closes',
  rules: ['AUTH-23'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    alice.write({ type: 'refresh', id: 9, token: await t.token(bob.user) })
    bob.write({ type: 'refresh', id: 9, token: flippedToken(await t.token(bob.user), 'signature') })
    return all(
      labelled('another subject', expectClose(await alice.ended(), 'UNAUTHORIZED')),
      labelled('a forged token', expectClose(await bob.ended(), 'UNAUTHORIZED')),
    )
  },
})

// [AUTH-23] An expired token in a `refresh`: 4005, as in a `hello`.
export const refreshWithExpiredTokenCloses = defineCase({
  id: 'auth/refresh-with-expired-token-closes',
  rules: ['AUTH-23'],
  level: 'must',
  needs: ['mint'],
  async run(t) {
    const alice = await t.connect()
    const exp = Math.floor(alice.welcome.serverTime / 1000) - 60
    alice.write({ type: 'refresh', id: 9, token: await t.token(alice.user, { exp, iat: exp - 60 }) })
    return expectClose(await alice.ended(), 'TOKEN_EXPIRED')
  },
})

// [AUTH-06] 4005 at most 30 s after `expiresAt`, [AUTH-21] not before it, [AUTH-22] and not at all after a `refresh`.
export const sessionEndsWithItsToken = defineCase({
  id: 'auth/session-ends-with-its-token',
  rules: ['AUTH-06', 'AUTH-21', 'AUTH-22'],
  level: 'must',
  needs: ['mint', 'devices'],
  encodings: ['json'],
  patient: true,
  async run(t) {
    const user = t.user()
    const exp = Math.ceil((await t.connect(user)).welcome.serverTime / 1000) + lifetimeS
    const token = await t.token(user, { exp })
    const beganMs = t.elapsedMs()
    const [expiring, renewed] = await Promise.all([t.connect(user, { token }), t.connect(user, { token })])
    await renewed.refresh(await t.token(user, { exp: exp + 3_600 }))
    const { expiresAt, serverTime } = expiring.welcome
    const leftMs = expiresAt - serverTime
    const end = await expiring.ended(leftMs + graceMs + toleranceMs)
    const atMs = end?.atMs ?? Number.POSITIVE_INFINITY
    const sinceWelcomeMs = atMs - expiring.arrivedAtMs(expiring.welcome)
    const after = await renewed.ended(1_000)
    return [
      clause('AUTH-06', expectClose(end, 'TOKEN_EXPIRED')),
      clause('AUTH-06', expectBetween('ms from welcome', sinceWelcomeMs, 0, leftMs + graceMs + toleranceMs)),
      clause(
        'AUTH-21',
        expectBetween('ms of life', atMs - beganMs, leftMs - clockGrainMs, Number.POSITIVE_INFINITY),
      ),
      clause('AUTH-22', expectEqual('end of the refreshed session', after, undefined)),
    ]
  },
})
