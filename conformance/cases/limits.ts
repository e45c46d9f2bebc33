// Limits: SPEC.md#limits-and-slow-consumers.
import { defaultLimits, errors } from '../../protocol/index.ts'
import { seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectAnswer, expectClose, expectDense, expectEqual, expectError, expectThat } from '../expect.ts'
import { all, clause, Finding, untestable } from '../outcome.ts'
import { eachOf, labelled, ownFault } from '../provoke.ts'
import type { Session } from '../session.ts'

/** More connections or conversations than this take a quick run too long. */
const mostConnections = 60
const mostConversations = 2_000
/** After a refusal for the rate that does not say when to come again. */
const defaultRetryMs = 100

// [LIM-07] The announced maxima exactly: what equals a maximum is allowed, and one more is refused.
export const contentLimitIsExact = defineCase({
  id: 'limits/content-limit-is-exact',
  rules: ['LIM-07', 'FRM-18'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const { maxContent } = t.limits
    // Two bytes each in UTF-8: a server that counts characters lets twice as much pass.
    const full = 'é'.repeat(Math.floor(maxContent / 2)) + 'x'.repeat(maxContent % 2)
    const allowed = all(
      expectAnswer(await alice.send(bob, full), 'sent'),
      expectAnswer(await alice.send(bob, new Uint8Array(maxContent)), 'sent'),
    )
    const refused = all(
      expectError(await alice.send(bob, `${full}x`), 'CONTENT_TOO_LARGE'),
      expectError(await alice.send(bob, new Uint8Array(maxContent + 1)), 'CONTENT_TOO_LARGE'),
    )
    return [clause('LIM-07', all(allowed, refused)), clause('FRM-18', refused)]
  },
})

// [LIM-07] `historyMaxLimit` is exact, for `history` and for `sync`.
export const historyLimitIsExact = defineCase({
  id: 'limits/history-limit-is-exact',
  rules: ['LIM-07'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const alice = await t.connect()
    const { conv, epoch } = await alice.dm(alice)
    const { historyMaxLimit: most } = t.limits
    const history = { type: 'history', conv, order: 'asc' }
    const sync = { type: 'sync', cursors: [{ conv, epoch, seq: 0 }] }
    const checks = [
      expectAnswer(await alice.request({ ...history, limit: most }), 'page'),
      expectError(await alice.request({ ...history, limit: most + 1 }), 'BAD_REQUEST', 'limit'),
    ]
    if (!t.caps.includes('sync')) return all(...checks)
    return all(
      ...checks,
      expectAnswer(await alice.request({ ...sync, limit: most }), 'live'),
      expectError(await alice.request({ ...sync, limit: most + 1 }), 'BAD_REQUEST', 'limit'),
    )
  },
})

// [LIM-09] `welcome` MUST announce every limit of the table `limits`.
export const everyLimitIsAnnounced = defineCase({
  id: 'limits/every-limit-is-announced',
  rules: ['LIM-09'],
  level: 'must',
  async run(t) {
    const { limits } = (await t.connect()).welcome
    const announced = Object.entries(limits).filter(([, value]) => Number.isSafeInteger(value))
    const names = new Set(announced.map(([name]) => name))
    return all(
      expectEqual(
        'limits that are missing',
        Object.keys(defaultLimits).filter((name) => !names.has(name)),
        [],
      ),
      expectThat(
        'content of maxContent fits into maxFrame',
        limits.maxContent < limits.maxFrame,
        limits.maxFrame,
      ),
    )
  },
})

// [LIM-10] More sends than `sendWindow` at once: each is answered with `sent` or error 104, in no other way.
export const sendsBeyondTheWindowAreAnswered = defineCase({
  id: 'limits/sends-beyond-the-window-are-answered',
  rules: ['LIM-10'],
  level: 'must',
  async run(t) {
    const { sendWindow, sendBurst } = t.limits
    if (sendWindow > 1_000) return untestable(`sendWindow is ${sendWindow}`)
    const alice = await t.connect()
    const count = Math.min(2 * sendWindow + 1, Math.max(1, sendBurst))
    const writes = Array.from({ length: count }, (_, index) => alice.send(alice, `message ${index}`))
    const answers = await ownFault(Promise.all(writes))
    const accepted = answers.filter((answer) => answer.type === 'sent')
    const others = answers.filter((answer) => answer.type !== 'sent')
    const refused = others.map((answer) => expectError(answer, 'TOO_MANY_REQUESTS'))
    const isEnough = accepted.length >= Math.min(count, sendWindow)
    return all(
      expectThat(`${Math.min(count, sendWindow)} of ${count} sends accepted`, isEnough, accepted.length),
      expectDense('their seqs', seqs(accepted)),
      ...refused,
    )
  },
})

// [LIM-11] A connection beyond `connectionsPerUser`: 4007. [LIM-07] Exactly so many are allowed.
// [ERR-06] A `bye` with 4007 SHOULD say when it is worth trying again.
export const connectionsOfAUserAreCounted = defineCase({
  id: 'limits/connections-of-a-user-are-counted',
  rules: ['LIM-11', 'LIM-07', 'ERR-06'],
  level: 'must',
  needs: ['devices'],
  async run(t) {
    const { connectionsPerUser: most } = t.limits
    if (most > mostConnections) return untestable(`connectionsPerUser is ${most}`)
    const user = t.user()
    const devices = await eachOf([...Array(most).keys()], () => t.connect(user))
    const extra = await t.open(user)
    extra.sayHello({ token: await t.token(user) })
    const end = await extra.ended()
    const pongs = await eachOf(devices, (device) => device.ping(1))
    await devices[0]?.close()
    const next = await t.connect(user)
    return [
      clause('LIM-11', expectClose(end, 'RATE_LIMITED')),
      clause('LIM-07', expectEqual('connections that go on', pongs.length, most)),
      clause('LIM-07', expectEqual('userId after one of them closed', next.welcome.userId, user.id)),
      clause('ERR-06', expectThat('bye has retryAfterMs', end?.bye?.retryAfterMs !== undefined, end?.bye)),
    ]
  },
})

// [LIM-12] A `send` that would begin a conversation beyond the sender's `conversationsPerUser`: error 111.
export const conversationsOfAUserAreCounted = defineCase({
  id: 'limits/conversations-of-a-user-are-counted',
  rules: ['LIM-12'],
  level: 'must',
  needs: ['groups'],
  encodings: ['json'],
  async run(t) {
    const { conversationsPerUser: most } = t.limits
    if (most > mostConversations) return untestable(`conversationsPerUser is ${most}`)
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    await alice.dm(bob)
    const groups = Array.from({ length: most - 1 }, () => t.groupName())
    for (let at = 0; at < groups.length; at += 50)
      await Promise.all(groups.slice(at, at + 50).map((conv) => joinPatiently(alice, conv)))
    const beyond = await alice.send(carol)
    const old = await alice.send(bob, 'an old conversation goes on')
    return all(
      labelled(`conversation ${most + 1}`, expectError(beyond, 'LIMIT_REACHED')),
      labelled(`one of ${most}`, expectAnswer(old, 'sent')),
    )
  },
})

async function joinPatiently(session: Session, conv: string): Promise<void> {
  for (;;) {
    const reply = await session.request({ type: 'join', conv })
    if (reply.type === 'ok') return
    if (reply.type !== 'error' || reply.code !== errors.TOO_MANY_REQUESTS.code)
      throw new Finding(expectAnswer(reply, 'ok'))
    await session.ended(reply.retryAfterMs ?? defaultRetryMs)
  }
}
