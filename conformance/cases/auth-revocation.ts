// Tokens that are taken back: SPEC.md#handshake-and-authentication.
import { randomUUID } from 'node:crypto'
import { defineCase } from '../case.ts'
import { expectAnswer, expectBetween, expectClose } from '../expect.ts'
import { all, clause } from '../outcome.ts'
import { labelled } from '../provoke.ts'

/** [AUTH-06] 5 s, and timers may be 4 s late. */
const latestMs = 9_000

// [AUTH-06] The server MUST close a session with 4506 no later than 5 s after its token was revoked.
// [AUTH-18] … and a `hello` with a revoked token likewise.
export const revokedTokenEndsItsSession = defineCase({
  id: 'auth/revoked-token-ends-its-session',
  rules: ['AUTH-06', 'AUTH-18'],
  level: 'must',
  needs: ['hook:revoke', 'mint', 'devices'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const user = t.user()
    const [taken, kept] = [randomUUID(), randomUUID()]
    const token = await t.token(user, { jti: taken })
    const phone = await t.connect(user, { token })
    const laptop = await t.connect(user, { token: await t.token(user, { jti: kept }) })
    const revokedAtMs = t.elapsedMs()
    await t.hook('revoke', { jti: taken })
    const end = await phone.ended(latestMs)
    const tookMs = (end?.atMs ?? Number.POSITIVE_INFINITY) - revokedAtMs
    const late = await t.open(user)
    late.sayHello({ token })
    const other = await laptop.request({ type: 'network', network: 'wifi' })
    return [
      clause('AUTH-06', expectClose(end, 'REVOKED')),
      clause('AUTH-06', expectBetween('ms to the close', tookMs, 0, latestMs)),
      clause('AUTH-06', labelled('another token of the user', expectAnswer(other, 'ok'))),
      clause('AUTH-18', all(expectClose(await late.ended(), 'REVOKED'))),
    ]
  },
})

// [AUTH-06] … whichever of its tokens, if the user was revoked.
export const revokedUserIsGone = defineCase({
  id: 'auth/revoked-user-is-gone',
  rules: ['AUTH-06'],
  level: 'must',
  needs: ['hook:revoke', 'devices'],
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const [alice, bob] = await t.pair()
    const phone = await t.connect(alice)
    await t.hook('revoke', { sub: alice.user.id })
    const ends = await Promise.all([alice, phone].map((one) => one.ended(latestMs)))
    const others = await bob.request({ type: 'network', network: 'wifi' })
    return all(
      ...ends.map((end) => expectClose(end, 'REVOKED')),
      labelled('somebody else', expectAnswer(others, 'ok')),
    )
  },
})
