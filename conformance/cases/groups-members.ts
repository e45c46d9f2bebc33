// Joining, leaving and owning groups: SPEC.md#groups.
import { sendAll } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectAnswer, expectEqual, expectError, expectNone } from '../expect.ts'
import { all, untestable } from '../outcome.ts'

/** To fill a user with more takes too long for a quick run. */
const mostConversations = 1_000
const joinsAtOnce = 50

// [GRP-12] The first `join` of a group that does not exist or has no member makes its sender a member and the owner.
export const firstToJoinIsTheOwner = defineCase({
  id: 'groups/first-to-join-is-the-owner',
  rules: ['GRP-12'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = t.groupName()
    const checks = []
    // After the first round the group has no member any more.
    for (const [owner, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      await owner.join(conv)
      checks.push(expectAnswer(await owner.send({ conv }, 'my group'), 'sent'))
      checks.push(expectAnswer(await owner.request({ type: 'join', conv, user: other.user.id }), 'ok'))
      checks.push(expectAnswer(await owner.request({ type: 'leave', conv, user: other.user.id }), 'ok'))
      await owner.leave(conv)
    }
    return all(...checks)
  },
})

// [GRP-13] A successful `join` or `leave`: `ok` with the `epoch` and the `top` at which the membership begins or ends.
export const answerNamesTheBoundary = defineCase({
  id: 'groups/answer-names-the-boundary',
  rules: ['GRP-13'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = t.groupName()
    const oks = [await alice.join(conv)]
    const tops = [0]
    for (const change of ['join', 'leave'] as const) {
      const sents = await sendAll(alice, { conv }, 3)
      oks.push(await alice[change](conv, bob))
      tops.push(sents.at(-1)?.seq ?? 0)
    }
    const { epoch, seq } = await alice.say(conv)
    oks.push(await alice.leave(conv))
    return all(
      expectEqual(
        'tops',
        oks.map(({ top }) => top),
        [...tops, seq],
      ),
      expectEqual('epochs', [...new Set(oks.map((ok) => ok.epoch))], [epoch]),
    )
  },
})

// [GRP-14] A `join` with `user` from the owner makes that user a member, and a `leave` with `user` ends its membership.
export const ownerAddsAndRemoves = defineCase({
  id: 'groups/owner-adds-and-removes',
  rules: ['GRP-14'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = await t.group(alice)
    await alice.join(conv, bob)
    await bob.delivery(await alice.say(conv, 'welcome'))
    const asMember = await bob.send({ conv }, 'thank you')
    await alice.leave(conv, bob)
    await bob.fence()
    await alice.say(conv, 'he is gone')
    return all(
      expectAnswer(asMember, 'sent'),
      expectError(await bob.send({ conv }, 'not me'), 'NOT_MEMBER'),
      expectNone(await bob.fence(), 'msg', (msg) => msg.conv === conv),
    )
  },
})

// [GRP-15] A `join` or `leave` that names another user and does not come from the owner: error 103.
export const onlyTheOwnerDecidesForOthers = defineCase({
  id: 'groups/only-the-owner-decides-for-others',
  rules: ['GRP-15'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const [carol, dave] = [await t.connect(), await t.connect()]
    const conv = await t.group(alice, bob, carol)
    const attempts = [
      bob.request({ type: 'leave', conv, user: carol.user.id }),
      bob.request({ type: 'leave', conv, user: alice.user.id }),
      bob.request({ type: 'join', conv, user: dave.user.id }),
      dave.request({ type: 'leave', conv, user: carol.user.id }),
      dave.request({ type: 'join', conv, user: bob.user.id }),
    ]
    const replies = await Promise.all(attempts)
    const sent = await alice.say(conv)
    for (const member of [bob, carol]) await member.delivery(sent)
    return all(
      ...replies.map((reply) => expectError(reply, 'NOT_MEMBER')),
      expectNone(await dave.fence(), 'msg'),
    )
  },
})

// [GRP-16] A `membership` frame goes to every live connection of a user whose membership has changed, except the one
// that asked for the change.
export const everyDeviceLearnsOfTheChange = defineCase({
  id: 'groups/every-device-learns-of-the-change',
  rules: ['GRP-16'],
  level: 'must',
  needs: ['groups', 'devices'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const phone = await t.connect(bob)
    const conv = await t.group(alice)
    await alice.say(conv)
    const { top, epoch } = await alice.join(conv, bob)
    await alice.say(conv)
    const removed = (await alice.leave(conv, bob)).top
    await alice.join(conv, bob)
    const left = (await bob.leave(conv)).top
    const about = { type: 'membership' as const, conv, epoch, user: bob.user.id }
    const expected = [
      { ...about, change: 'joined', seq: top },
      { ...about, change: 'removed', seq: removed },
      { ...about, change: 'joined', seq: removed },
      { ...about, change: 'left', seq: left },
    ]
    await phone.next('membership', { change: 'left' })
    await bob.fence()
    return all(
      expectEqual('at the phone', phone.seen('membership'), expected),
      expectEqual('where bob left', bob.seen('membership'), expected.slice(0, 3)),
      expectEqual('at the owner', alice.seen('membership'), []),
    )
  },
})

// [GRP-17] When the owner leaves, the member who joined earliest of those remaining MUST become the owner.
export const earliestMemberInheritsTheGroup = defineCase({
  id: 'groups/earliest-member-inherits-the-group',
  rules: ['GRP-17'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const [carol, dave] = [await t.connect(), await t.connect()]
    // The order of joining is not that of names.
    const conv = await t.group(bob, dave, alice, carol)
    const remove = { type: 'leave', conv, user: carol.user.id }
    const checks = [expectError(await dave.request(remove), 'NOT_MEMBER')]
    await bob.leave(conv)
    checks.push(expectError(await alice.request(remove), 'NOT_MEMBER'))
    await dave.leave(conv)
    checks.push(expectError(await carol.request({ ...remove, user: alice.user.id }), 'NOT_MEMBER'))
    checks.push(expectAnswer(await alice.request(remove), 'ok'))
    return all(...checks)
  },
})

// [GRP-18] A `join` for somebody who is a member already: error 201.
export const secondJoinIsRefused = defineCase({
  id: 'groups/second-join-is-refused',
  rules: ['GRP-18'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = await t.group(alice, bob)
    return all(
      expectError(await alice.request({ type: 'join', conv, user: alice.user.id }), 'ALREADY_JOINED'),
      expectError(await alice.request({ type: 'join', conv, user: bob.user.id }), 'ALREADY_JOINED'),
    )
  },
})

// [GRP-19] A `join` that would exceed the new member's `conversationsPerUser`: error 111.
export const busyUserJoinsNothingMore = defineCase({
  id: 'groups/busy-user-joins-nothing-more',
  rules: ['GRP-19'],
  level: 'must',
  needs: ['groups', 'join=open'],
  encodings: ['json'],
  async run(t) {
    const { conversationsPerUser } = t.limits
    if (conversationsPerUser > mostConversations)
      return untestable(`${conversationsPerUser} conversations take too long`)
    if (t.target.tokens.users) return untestable('it fills up a user for good')
    const [alice, bob] = await t.pair()
    const own = await t.group(alice)
    for (let count = 0; count < conversationsPerUser; count += joinsAtOnce) {
      const some = Math.min(joinsAtOnce, conversationsPerUser - count)
      await Promise.all(Array.from({ length: some }, () => bob.join(t.groupName())))
    }
    return all(
      expectError(await bob.request({ type: 'join', conv: own }), 'LIMIT_REACHED'),
      expectError(await alice.request({ type: 'join', conv: own, user: bob.user.id }), 'LIMIT_REACHED'),
    )
  },
})

// [GRP-21] (join=open) Any user MUST be able to join any group.
export const anybodyJoinsAnOpenGroup = defineCase({
  id: 'groups/anybody-joins-an-open-group',
  rules: ['GRP-21'],
  level: 'must',
  needs: ['join=open'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = await t.group(alice)
    const joined = expectAnswer(await bob.request({ type: 'join', conv }), 'ok')
    await alice.leave(conv, bob)
    return all(joined, expectAnswer(await bob.request({ type: 'join', conv }), 'ok'))
  },
})

// [GRP-22] (join=owner) The `join` of a group that has members: error 103, unless its owner names a `user`.
export const onlyTheOwnerLetsIn = defineCase({
  id: 'groups/only-the-owner-lets-in',
  rules: ['GRP-22'],
  level: 'must',
  needs: ['join=owner'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const conv = await t.group(alice, bob)
    const sneak = await carol.request({ type: 'join', conv })
    const friend = await bob.request({ type: 'join', conv, user: carol.user.id })
    await bob.delivery(await alice.say(conv))
    return all(
      expectError(sneak, 'NOT_MEMBER'),
      expectError(friend, 'NOT_MEMBER'),
      expectNone(await carol.fence(), 'msg'),
      expectAnswer(await alice.request({ type: 'join', conv, user: carol.user.id }), 'ok'),
    )
  },
})
