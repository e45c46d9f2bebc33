// Handshake and authentication, up to `welcome`: SPEC.md#handshake-and-authentication.
import { subprotocols } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import { expectBetween, expectClose, expectEqual, expectNone, expectOneOf, expectRefused } from '../expect.ts'
import { claim } from '../forgeries.ts'
import { keepDoing } from '../impatient.ts'
import { all, clause, untestable } from '../outcome.ts'
import { eachOf, labelled, ownFault } from '../provoke.ts'
import { specimens } from '../specimens.ts'

/** SPEC.md, Deadlines: for coarse timers. */
const toleranceMs = 4_000
/** Two clocks that count the same milliseconds. */
const clockGrainMs = 20
const longestHelloTimeoutMs = 40_000

// [AUTH-12] The server MUST accept WebSocket upgrades at the path `/ws`.
export const upgradeAtWsIsAccepted = defineCase({
  id: 'auth/upgrade-at-ws-is-accepted',
  rules: ['AUTH-12'],
  level: 'must',
  async run(t) {
    const { pathname } = t.target.url
    if (!pathname.endsWith('/ws'))
      return untestable(`the target maps another path to the server: ${pathname}`)
    const answer = await t.upgrade({ path: pathname })
    return expectEqual(
      'answer',
      answer.kind === 'failed' ? answer.detail : `HTTP ${answer.status}`,
      'HTTP 101',
    )
  },
})

// [AUTH-13] Of several offers the server MUST select exactly one that it speaks, and speak it.
// [AUTH-24] It SHOULD be the first of the client's list that the server speaks.
export const offeredEncodingIsSpoken = defineCase({
  id: 'auth/offered-encoding-is-spoken',
  rules: ['AUTH-13', 'AUTH-24'],
  level: 'must',
  async run(t) {
    const mine = subprotocols[t.encoding]
    const other = subprotocols[t.otherEncoding]
    t.about('AUTH-13')
    for (const offers of [[mine], ['chat', 'chatspec.v0.json', mine], [mine, 'chat']])
      t.check(
        expectEqual(
          `choice of ${offers}`,
          (await t.open(t.user(), { subprotocols: offers })).wire.protocol,
          mine,
        ),
      )
    const both = [mine, other]
    const chosen = (await t.open(t.user(), { subprotocols: both })).wire.protocol
    t.check(expectOneOf(`choice of ${both}`, chosen, both))
    const encoding = chosen === subprotocols.cbor ? 'cbor' : 'json'
    const user = t.user()
    const { welcome } = await t.connect(user, { subprotocols: both, encoding })
    return [
      clause('AUTH-13', expectEqual(`userId in the ${encoding} form`, welcome.userId, user.id)),
      clause('AUTH-24', expectEqual(`choice of ${both}`, chosen, mine)),
    ]
  },
})

// [AUTH-14] When the client offers no subprotocol, the server MUST speak the JSON form and name no subprotocol.
export const noSubprotocolMeansJson = defineCase({
  id: 'auth/no-subprotocol-means-json',
  rules: ['AUTH-14'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const user = t.user()
    const { wire, welcome } = await ownFault(t.connect(user, { subprotocols: [] }))
    return all(
      expectEqual('subprotocol', wire.protocol, undefined),
      expectEqual('userId', welcome.userId, user.id),
    )
  },
})

// [AUTH-10] Only unknown subprotocols: HTTP 400, a JSON body with `supported`, and no echo.
export const unknownSubprotocolsAreRefused = defineCase({
  id: 'auth/unknown-subprotocols-are-refused',
  rules: ['AUTH-10'],
  level: 'must',
  async run(t) {
    const mine = subprotocols[t.encoding]
    const offers = [['chat'], ['chatspec.v0.json', 'chatspec.v2.cbor'], [`${mine}x`], [mine.slice(0, -1)]]
    const checks = await eachOf(offers, async (subs) => {
      const answer = await t.upgrade({ subprotocols: subs })
      if (answer.kind !== 'refused') return expectRefused(answer, 400)
      const body: unknown = JSON.parse(answer.body || 'null')
      const list = typeof body === 'object' && body && 'supported' in body ? body.supported : undefined
      return all(
        expectRefused(answer, 400),
        expectEqual('the echo', answer.headers.get('sec-websocket-protocol') ?? undefined, undefined),
        expectEqual(`${mine} in supported`, Array.isArray(list) && list.includes(mine), true),
      )
    })
    return all(...checks)
  },
})

// [AUTH-01] Before `welcome` every other well-formed frame closes with 4504, without any other effect.
export const otherFramesBeforeWelcomeClose = defineCase({
  id: 'auth/other-frames-before-welcome-close',
  rules: ['AUTH-01'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const position = await alice.dm(bob)
    await bob.delivery(position)
    const token = await t.token(alice.user)
    const parts = { to: bob.user.id, token, position, group: t.groupName() }
    const closed = await eachOf(specimens(t.caps, parts), async ({ frame }) => {
      const stranger = await t.open(alice)
      stranger.write({ id: 1, ...frame })
      return labelled(`${frame.type}`, expectClose(await stranger.ended(), 'UNAUTHORIZED'))
    })
    return all(
      ...closed,
      expectNone(await bob.fence(), 'msg', ({ msgId }) => msgId !== position.msgId),
    )
  },
})

// [AUTH-01] `ping`, `pong` and a refused `hello` do not spoil what follows. [AUTH-15] `welcome` carries the id of its `hello`.
export const greetingsBeforeWelcomeDoNoHarm = defineCase({
  id: 'auth/greetings-before-welcome-do-no-harm',
  rules: ['AUTH-01', 'AUTH-15'],
  level: 'must',
  async run(t) {
    const user = t.user()
    const alice = await t.open(user)
    const pong = await alice.ping(7)
    alice.write({ type: 'pong', n: 8 })
    const { id } = await alice.hello({ token: await t.token(user), id: 4_294_967_295 })
    return [
      clause('AUTH-01', expectEqual('n of the pong before hello', pong.n, 7)),
      clause('AUTH-15', expectEqual('id of welcome', id, 4_294_967_295)),
    ]
  },
})

// [AUTH-07] No valid `hello` within `helloTimeoutMs`: 4501. A `ping` is none.
export const helloHasToComeInTime = defineCase({
  id: 'auth/hello-has-to-come-in-time',
  rules: ['AUTH-07'],
  level: 'must',
  encodings: ['json'],
  patient: true,
  async run(t) {
    const { helloTimeoutMs } = t.limits
    if (helloTimeoutMs > longestHelloTimeoutMs) return untestable(`helloTimeoutMs is ${helloTimeoutMs}`)
    const beganMs = t.elapsedMs()
    const [silent, pinging] = await Promise.all([t.open(), t.open()])
    const openedMs = t.elapsedMs()
    const pings = { forMs: helloTimeoutMs + toleranceMs, everyMs: helloTimeoutMs / 5 }
    const goesOn = keepDoing(pinging, pings, () => pinging.write({ type: 'ping', n: 1 }))
    const checks = [silent, pinging].map(async (stranger) => {
      const end = await stranger.ended(helloTimeoutMs + toleranceMs)
      const afterMs = (end?.atMs ?? Number.POSITIVE_INFINITY) - beganMs
      const latestMs = helloTimeoutMs + toleranceMs + openedMs - beganMs
      return all(
        expectClose(end, 'HELLO_TIMEOUT'),
        expectBetween('ms to the close', afterMs, helloTimeoutMs - clockGrainMs, latestMs),
      )
    })
    const judged = await Promise.all(checks)
    await goesOn
    return all(...judged)
  },
})

// [AUTH-15] A valid `hello` gets exactly one `welcome`, before any other frame of the session.
export const welcomeComesOnceAndFirst = defineCase({
  id: 'auth/welcome-comes-once-and-first',
  rules: ['AUTH-15'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    await bob.close()
    await alice.dm(bob, 'waits for welcome')
    const again = await t.reconnect(bob)
    await again.fence()
    const [first] = again.received.filter(({ type }) => type !== 'ping')
    return all(
      expectEqual('the first frame', first?.type, 'welcome'),
      expectEqual('welcomes', again.seen('welcome').length, 1),
    )
  },
})

// [AUTH-16] `userId` MUST be the token's `sub`, and `expiresAt` its `exp` in milliseconds, or 0 if it has none.
export const welcomeNamesSubjectAndExpiry = defineCase({
  id: 'auth/welcome-names-subject-and-expiry',
  rules: ['AUTH-16'],
  level: 'must',
  needs: ['mint'],
  async run(t) {
    const user = t.user()
    const exp = Math.floor(Date.now() / 1000) + 1_800
    const ending = await t.connect(user, { token: await t.token(user, { exp }) })
    const endless = await t.connect(user, { token: await t.token(user, claim('exp', undefined)) })
    return all(
      expectEqual('userId', ending.welcome.userId, user.id),
      expectEqual('expiresAt with exp', ending.welcome.expiresAt, exp * 1000),
      expectEqual('expiresAt without exp', endless.welcome.expiresAt, 0),
    )
  },
})
