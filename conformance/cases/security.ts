// Security: SPEC.md#security.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { defineCase } from '../case.ts'
import { expectEqual, expectError, expectNone, expectRefused, expectThat } from '../expect.ts'
import type { LooseFrame } from '../loose.ts'
import { all, type Checked, notApplicable } from '../outcome.ts'
import { eachOf, expectEachRefused, labelled, type Refusal } from '../provoke.ts'
import type { Position } from '../session.ts'
import { httpUrl } from '../target.ts'
import { flippedToken } from '../tokens.ts'

// [SEC-01] The server MUST refuse with HTTP status 403 an upgrade whose `Origin` header is not on its list.
export const foreignOriginIsRefused = defineCase({
  id: 'security/foreign-origin-is-refused',
  rules: ['SEC-01'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const own = httpUrl(t.target.url, '/').origin
    const origins = ['https://chatspec.invalid', `${own}.chatspec.invalid`, `${own}@chatspec.invalid`, 'null']
    const checks = await eachOf(origins, async (origin) =>
      labelled(origin, expectRefused(await t.upgrade({ headers: { Origin: origin } }), 403)),
    )
    return all(...checks)
  },
})

// [SEC-01] … and accept one that has no such header.
export const upgradeWithoutOriginIsAccepted = defineCase({
  id: 'security/upgrade-without-origin-is-accepted',
  rules: ['SEC-01'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const user = t.user()
    const { welcome } = await t.connect(user, { headers: { Origin: undefined } })
    return expectEqual('userId', welcome.userId, user.id)
  },
})

// [SEC-02] For every verb the server checks whether the user has the right to the conversation that it names.
export const everyVerbChecksTheRight = defineCase({
  id: 'security/every-verb-checks-the-right',
  rules: ['SEC-02'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const mallory = await t.connect(t.user(), { caps: ['receipts'] })
    const places: Position[] = [await alice.dm(bob)]
    if (t.caps.includes('groups')) places.push(await alice.say(await t.group(alice, bob)))
    const rows = places.flatMap((place) => foreignRequests(t.caps, place))
    const refused = await expectEachRefused(t, mallory, Object.fromEntries(rows))
    return all(
      refused,
      expectNone(await mallory.fence(), 'msg'),
      expectNone(await bob.fence(places[0]?.conv), 'msg', ({ from }) => from === mallory.user.id),
    )
  },
})

// [SEC-02] … and at the time of use: a right that has ended is none.
export const rightEndsWithMembership = defineCase({
  id: 'security/right-ends-with-membership',
  rules: ['SEC-02'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = await t.group(alice, bob)
    await bob.say(conv)
    await alice.leave(conv, bob)
    const send = { type: 'send', msgId: randomUUID(), conv, content: 'hi' }
    const requests: LooseFrame[] = [
      send,
      { type: 'leave', conv },
      { type: 'join', conv, user: alice.user.id },
    ]
    const checks: Checked[] = []
    for (const frame of requests)
      checks.push(labelled(`${frame.type}`, expectError(await bob.request(frame), 'NOT_MEMBER')))
    return all(
      ...checks,
      expectNone(await alice.fence(conv), 'msg', ({ msgId }) => msgId === send.msgId),
    )
  },
})

// [SEC-03] A `sessionId` or a cursor MUST NOT grant anything: what a session may do follows from its token alone.
export const idsAndCursorsGrantNothing = defineCase({
  id: 'security/ids-and-cursors-grant-nothing',
  rules: ['SEC-03'],
  level: 'must',
  needs: ['resume'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const { conv, epoch } = await alice.dm(bob, 'secret')
    await alice.dm(bob, 'another')
    const { sessionId } = alice.welcome
    const resume = { sessionId, cursors: [{ conv, epoch, seq: 0 }] }
    const mallory = await t.connect(t.user(), { deviceId: alice.deviceId, resume })
    t.check(expectEqual('userId', mallory.welcome.userId, mallory.user.id))
    t.check(expectNone(await mallory.fence(), 'msg'))
    t.check(expectEqual('end of the session that was named', await alice.ended(0), undefined))
    if (!t.caps.includes('history')) return []
    const { nextCursor: cursor } = await alice.history(conv, { limit: 1 })
    const stolen = await mallory.request({ type: 'history', conv, order: 'asc', limit: 1, cursor })
    return labelled('a stolen cursor', expectError(stolen, ['NOT_MEMBER', 'CURSOR_INVALID']))
  },
})

// [SEC-05] Administrative endpoints are off, or answer nobody who does not show the operator's secret.
export const strangersCannotAdminister = defineCase({
  id: 'security/strangers-cannot-administer',
  rules: ['SEC-05'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const user = t.user()
    const token = await t.token(user)
    for (const bearer of ['', 'Bearer ', 'Bearer wrong', `Bearer ${token}`]) {
      const headers = { 'Content-Type': 'application/json', ...(bearer && { Authorization: bearer }) }
      const body = JSON.stringify({ sub: user.id })
      const { status } = await t.http('/admin/revoke', { method: 'POST', headers, body })
      const isRefused = status < 200 || status >= 300
      t.check(expectThat(`POST /admin/revoke is refused: ${bearer.slice(0, 12)}`, isRefused, status))
    }
    const { welcome } = await t.connect(user, { token })
    return expectEqual('userId of the token', welcome.userId, user.id)
  },
})

// [SEC-05] … and the metrics answer no other machine either.
export const metricsAreNotForOtherMachines = defineCase({
  id: 'security/metrics-are-not-for-other-machines',
  rules: ['SEC-05'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    if (isThisMachine(t.target.url.hostname))
      return notApplicable('the server runs on the machine of the judge')
    const { status } = await t.http('/metrics')
    return expectThat('GET /metrics is refused', status < 200 || status >= 300, status)
  },
})

// [SEC-07] A server that is reachable from other machines SHOULD offer TLS.
export const remoteServerOffersTls = defineCase({
  id: 'security/remote-server-offers-tls',
  rules: ['SEC-07'],
  level: 'should',
  encodings: ['json'],
  async run(t) {
    const { hostname, protocol } = t.target.url
    if (isThisMachine(hostname)) return notApplicable('the server runs on the machine of the judge')
    return expectEqual('scheme of the URL', protocol, 'wss:')
  },
})

// [SEC-06] The server SHOULD NOT write tokens or the content of messages into any log.
export const logKeepsSecrets = defineCase({
  id: 'security/log-keeps-secrets',
  rules: ['SEC-06'],
  level: 'should',
  needs: ['log'],
  encodings: ['json'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const content = `content ${randomUUID()}`
    const token = await t.token(alice.user)
    const forged = flippedToken(token, 'signature')
    await bob.delivery(await alice.dm(bob, content, { meta: { note: content } }))
    await alice.refresh(token)
    // What goes wrong is logged more often than what goes right.
    alice.writeText(JSON.stringify({ type: 'send', content }))
    for (const one of [token, forged])
      await t.http('/api/history', { headers: { Authorization: `Bearer ${one}` } })
    const stranger = await t.open(alice)
    stranger.sayHello({ token: forged })
    await stranger.ended()
    const log = readFileSync(t.target.hooks.log ?? '', 'utf8')
    const secrets = {
      content,
      'a token': token,
      'a forged token': forged,
      signature: token.split('.')[2] ?? token,
    }
    const found = Object.entries(secrets)
      .filter(([, secret]) => log.includes(secret))
      .map(([what]) => what)
    return all(expectThat('there is a log', log.length > 0), expectEqual('secrets in the log', found, []))
  },
})

/** What somebody who takes no part in a conversation may try on it. */
function foreignRequests(caps: readonly string[], { conv, epoch, seq }: Position): [string, Refusal][] {
  const frames: (LooseFrame & { needs?: string })[] = [
    { type: 'send', msgId: randomUUID(), conv, content: 'let me in' },
    { type: 'ack', conv, epoch, seq },
    { type: 'read', conv, epoch, seq, needs: 'receipts' },
    { type: 'history', conv, order: 'asc', limit: 1, needs: 'history' },
    { type: 'sync', cursors: [{ conv, epoch, seq: 0 }], limit: 1, needs: 'sync' },
  ]
  if (conv.startsWith('g:'))
    frames.push(
      { type: 'leave', conv },
      { type: 'join', conv, user: 'x' },
      { type: 'leave', conv, user: 'x' },
    )
  return frames
    .filter(({ needs }) => needs === undefined || caps.includes(needs))
    .map(({ needs: _needs, ...frame }) => [
      `${frame.type} ${frame.user ?? ''} ${conv}`,
      { frame, error: 'NOT_MEMBER' },
    ])
}

function isThisMachine(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (host === 'localhost' || host.endsWith('.localhost') || host.startsWith('127.')) return true
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === host))
}
