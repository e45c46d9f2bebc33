// Which tokens are believed: SPEC.md#tokens.
import { randomUUID } from 'node:crypto'
import { subprotocols } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import type { ConnectChoices } from '../choices.ts'
import type { CaseContext } from '../context.ts'
import type { Ended } from '../ending.ts'
import { expectClose, expectEqual, expectNone, expectSame } from '../expect.ts'
import { claim, forgeries, readClaims, tokensWithOwnKeys, withoutSignature } from '../forgeries.ts'
import type { User } from '../observer.ts'
import { all, type Checked, clause, notApplicable } from '../outcome.ts'
import { eachOf, labelled } from '../provoke.ts'
import { type Claims, flippedToken, unsignedToken } from '../tokens.ts'

/** SPEC.md: a leeway of the server's choice, at most. */
const maxLeewayS = 30

// [AUTH-02] A token whose algorithm is `none`, in any letter case, and one with an empty signature.
export const unsignedTokenIsRefused = defineCase({
  id: 'auth/unsigned-token-is-refused',
  rules: ['AUTH-02'],
  level: 'must',
  async run(t) {
    const user = t.user()
    const token = await t.token(user)
    const signature = token.split('.')[2] ?? ''
    const unsigned = Object.fromEntries(
      ['none', 'None', 'NONE', 'nOnE'].map((algorithm) => [algorithm, unsignedToken(token, algorithm)]),
    )
    return expectEachForgedCloses(t, user, {
      ...unsigned,
      'none with a signature': unsignedToken(token) + signature,
      'an empty signature': withoutSignature(token),
      'two parts': withoutSignature(token).slice(0, -1),
    })
  },
})

// [AUTH-03] The algorithm and the keys come from the server's configuration, not from the token.
export const keyThatTheTokenBringsIsNotTrusted = defineCase({
  id: 'auth/key-that-the-token-brings-is-not-trusted',
  rules: ['AUTH-03'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const user = t.user()
    return expectEachForgedCloses(t, user, tokensWithOwnKeys(await t.token(user)))
  },
})

// [AUTH-04] One bit of header, payload or signature was changed after signing.
export const changedBitIsNoticed = defineCase({
  id: 'auth/changed-bit-is-noticed',
  rules: ['AUTH-04'],
  level: 'must',
  async run(t) {
    const user = t.user()
    const token = await t.token(user)
    const parts = ['header', 'claims', 'signature'] as const
    const flipped = parts.flatMap((part) =>
      [0, 1, 2].map(() => {
        const bit = t.random.integer(0, 8 * 24 - 1)
        return [`bit ${bit} of the ${part}`, flippedToken(token, part, bit)]
      }),
    )
    return expectEachForgedCloses(t, user, Object.fromEntries(flipped))
  },
})

// [AUTH-05] Only from `nbf` − leeway on and before `exp` + leeway, the leeway being at most 30 s.
// [AUTH-18] 4005 if only its validity has run out, else 4504.
export const tokenIsValidInItsTimeOnly = defineCase({
  id: 'auth/token-is-valid-in-its-time-only',
  rules: ['AUTH-05', 'AUTH-18'],
  level: 'must',
  needs: ['mint'],
  async run(t) {
    const user = t.user()
    const nowS = Math.floor((await t.connect(user)).welcome.serverTime / 1000)
    const wayOffS = maxLeewayS + 5
    const past = { exp: nowS - wayOffS, iat: nowS - 3_600 }
    t.about('AUTH-05')
    for (const claims of [{ nbf: nowS - wayOffS }, { exp: nowS + wayOffS }])
      t.check(
        expectEqual(
          'userId',
          (await t.connect(user, await tokenOf(t, user, claims))).welcome.userId,
          user.id,
        ),
      )
    const expired = await refusal(t, user, await t.token(user, past))
    const early = await refusal(t, user, await t.token(user, { nbf: nowS + wayOffS }))
    const forged = await refusal(t, user, flippedToken(await t.token(user, past), 'signature'))
    return [
      clause('AUTH-05', labelled('exp in the past', expectClose(expired, ['TOKEN_EXPIRED', 'UNAUTHORIZED']))),
      clause('AUTH-05', labelled('nbf in the future', expectClose(early, 'UNAUTHORIZED'))),
      clause('AUTH-18', labelled('expired', expectClose(expired, 'TOKEN_EXPIRED'))),
      clause('AUTH-18', labelled('expired and forged', expectClose(forged, 'UNAUTHORIZED'))),
    ]
  },
})

// [AUTH-05] Where it is configured to, the server accepts a token only if `aud` contains the one and `iss` equals the other.
export const audienceAndIssuerAreCompared = defineCase({
  id: 'auth/audience-and-issuer-are-compared',
  rules: ['AUTH-05'],
  level: 'must',
  needs: ['mint'],
  encodings: ['json'],
  async run(t) {
    const user = t.user()
    const { aud, iss } = readClaims(await t.token(user))
    const wrong: [string, unknown][] = []
    if (aud !== undefined) wrong.push(['aud', `${aud}x`], ['aud', ['another']], ['aud', undefined])
    if (iss !== undefined) wrong.push(['iss', `${iss}x`], ['iss', undefined])
    if (wrong.length === 0) return notApplicable('no audience and no issuer is expected of this server')
    const checks = await eachOf(wrong, async ([name, value]) => {
      const end = await refusal(t, user, await t.token(user, claim(name, value)))
      return labelled(`${name} ${JSON.stringify(value)}`, expectClose(end, 'UNAUTHORIZED'))
    })
    const among = claim('aud', ['another', aud])
    const listed = await t.connect(user, aud === undefined ? {} : { token: await t.token(user, among) })
    return all(...checks, expectEqual('userId with aud as a list', listed.welcome.userId, user.id))
  },
})

// [AUTH-17] The server MUST refuse a token whose `sub` is missing or no valid user name.
export const tokenWithoutGoodSubjectIsRefused = defineCase({
  id: 'auth/token-without-good-subject-is-refused',
  rules: ['AUTH-17'],
  level: 'must',
  needs: ['mint'],
  encodings: ['json'],
  async run(t) {
    const user = t.user()
    const subjects = [
      undefined,
      null,
      5,
      '',
      ' ',
      'a b',
      'a:b',
      'a/b',
      'ü',
      'a'.repeat(65),
      ['alice'],
      `${user.id}\n`,
    ]
    const tokens = subjects.map(async (sub) => [
      JSON.stringify(sub) ?? 'no sub',
      await t.token(user, claim('sub', sub)),
    ])
    return expectEachForgedCloses(t, user, Object.fromEntries(await Promise.all(tokens)))
  },
})

// [AUTH-11] Refusals of forged tokens SHOULD look alike, in code and text.
export const forgeriesAreRefusedAlike = defineCase({
  id: 'auth/forgeries-are-refused-alike',
  rules: ['AUTH-11'],
  level: 'should',
  encodings: ['json'],
  async run(t) {
    const user = t.user()
    const forged = Object.entries(forgeries(await t.token(user)))
    const seen = await eachOf(forged, async ([what, token]) => {
      const { code, reason, bye } = (await refusal(t, user, token)) ?? {}
      return [what, { code, reason, bye }]
    })
    return expectSame('refusal', Object.fromEntries(seen))
  },
})

// [AUTH-11] … and leave nothing behind that another user can see.
export const forgeryLeavesNoPresence = defineCase({
  id: 'auth/forgery-leaves-no-presence',
  rules: ['AUTH-11'],
  level: 'should',
  needs: ['presence'],
  encodings: ['json'],
  async run(t) {
    const [alice, bob] = await t.pair({ caps: ['presence'] })
    await bob.delivery(await alice.dm(bob))
    await alice.close()
    await bob.next('presence', { user: alice.user.id, state: 'offline' })
    await bob.fence()
    await refusal(t, alice.user, flippedToken(await t.token(alice.user), 'signature'))
    return expectNone(await bob.fence(), 'presence', ({ user }) => user === alice.user.id)
  },
})

// [AUTH-19] Nothing but the `token` of `hello` and `refresh` is proof of identity: no header, no cookie, no part of the URL.
export const nothingButTheTokenOfHelloProvesIdentity = defineCase({
  id: 'auth/nothing-but-the-token-of-hello-proves-identity',
  rules: ['AUTH-19'],
  level: 'must',
  async run(t) {
    const user = t.user()
    const token = await t.token(user)
    const checks = await eachOf(Object.entries(smuggled(t, token)), async ([where, choices]) => {
      const silent = await t.open(user, choices)
      silent.write({ type: 'send', id: 1, msgId: randomUUID(), to: user.id, content: 'hi' })
      const forged = await refusal(t, user, flippedToken(token, 'signature'), choices)
      return all(
        labelled(`token in ${where}, no hello`, expectClose(await silent.ended(), 'UNAUTHORIZED')),
        labelled(`token in ${where}, forged hello`, expectClose(forged, 'UNAUTHORIZED')),
      )
    })
    return all(...checks)
  },
})

/** A good token in every place where servers look for one. */
function smuggled(t: CaseContext, token: string): Record<string, ConnectChoices> {
  const { pathname } = t.target.url
  return {
    'a header': { headers: { Authorization: `Bearer ${token}`, 'X-Auth-Token': token } },
    'a cookie': { headers: { Cookie: `token=${token}; access_token=${token}; jwt=${token}` } },
    'the URL': { path: `${pathname}?token=${token}&access_token=${token}` },
    'the subprotocols': { subprotocols: [subprotocols[t.encoding], token] },
  }
}

async function tokenOf(t: CaseContext, user: User, claims: Claims): Promise<ConnectChoices> {
  return { token: await t.token(user, claims) }
}

/** How a connection ends whose `hello` carries this token. */
async function refusal(
  t: CaseContext,
  user: User,
  token: string,
  choices: ConnectChoices = {},
): Promise<Ended | undefined> {
  const stranger = await t.open(user, choices)
  stranger.sayHello({ token })
  return stranger.ended()
}

async function expectEachForgedCloses(
  t: CaseContext,
  user: User,
  tokens: Readonly<Record<string, string>>,
): Promise<Checked> {
  const checks = await eachOf(Object.entries(tokens), async ([what, token]) =>
    labelled(what, expectClose(await refusal(t, user, token), 'UNAUTHORIZED')),
  )
  return all(...checks)
}
