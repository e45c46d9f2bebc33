// Who sees what of a group: SPEC.md#groups.
import { randomUUID } from 'node:crypto'
import { arrivals, cursorAt, msgIds, pick, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectDense, expectEqual, expectError, expectNone, expectSame } from '../expect.ts'
import type { Reply } from '../match.ts'
import { all, notApplicable, untestable } from '../outcome.ts'
import type { Session } from '../session.ts'

/** A wider window takes more messages to fill than a quick run should send. */
const widestWindow = 1_000

/** One request of each kind that names a group, as far as the server knows it. */
function everyVerb(session: Session, conv: string, epoch: string): Promise<Reply>[] {
  const position = { conv, epoch, seq: 1 }
  const frames = {
    send: { msgId: randomUUID(), conv, content: 'let me in' },
    ack: position,
    leave: { conv },
    ...(session.caps.includes('receipts') && { read: position }),
    ...(session.caps.includes('history') && { history: { conv, order: 'asc', limit: 1 } }),
    ...(session.caps.includes('sync') && { sync: { cursors: [position], limit: 1 } }),
  }
  return Object.entries(frames).map(([type, fields]) => session.request({ type, ...fields }))
}

// [GRP-02] Who was never a member MUST receive nothing of the group and get error 103 for every verb but `join`.
export const strangerGetsNothing = defineCase({
  id: 'groups/stranger-gets-nothing',
  rules: ['GRP-02'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect(t.user(), { caps: ['receipts'] })
    const conv = await t.group(alice, bob)
    const { epoch } = await alice.say(conv)
    carol.breaksRules = true
    const replies = await Promise.all(everyVerb(carol, conv, epoch))
    await bob.delivery(await alice.say(conv, 'members only'))
    return all(
      ...replies.map((reply) => expectError(reply, 'NOT_MEMBER')),
      expectNone(await carol.fence(), 'msg'),
      expectNone(bob.received, 'msg', ({ content }) => content === 'let me in'),
    )
  },
})

// [GRP-02] A former member likewise, except that what it missed is still replayed and can be acknowledged.
export const formerMemberGetsOnlyWhatItMissed = defineCase({
  id: 'groups/former-member-gets-only-what-it-missed',
  rules: ['GRP-02'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const alice = await t.connect()
    const bob = await t.connect(t.user(), { caps: ['receipts'], autoAck: false })
    const conv = await t.group(alice, bob)
    await bob.close()
    const missed = await sendAll(alice, { conv }, 3)
    await alice.leave(conv, bob)
    await alice.say(conv, 'without bob')
    const again = await t.reconnect(bob, { caps: ['receipts'], autoAck: false })
    const { epoch, seq } = missed[2] ?? missed[0]
    const send = { type: 'send', msgId: randomUUID(), conv, content: 'let me in' }
    t.check(expectEqual('msgIds', msgIds(again.seen('msg', { conv })), msgIds(missed)))
    t.check(expectError(await again.request(send), 'NOT_MEMBER'))
    t.check(expectError(await again.request({ type: 'leave', conv }), 'NOT_MEMBER'))
    if (again.caps.includes('receipts'))
      t.check(expectError(await again.request({ type: 'read', conv, epoch, seq }), 'NOT_MEMBER'))
    await again.ack({ conv, epoch, seq })
    await again.close()
    return expectNone((await t.reconnect(bob)).received, 'msg', (msg) => msg.conv === conv)
  },
})

// [GRP-03] After a user left or was removed, nothing with a seq above the `top` of the answer is delivered to it.
export const nothingComesAfterTheEnd = defineCase({
  id: 'groups/nothing-comes-after-the-end',
  rules: ['GRP-03'],
  level: 'must',
  needs: ['groups', 'devices'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const [bobsPhone, carol] = [await t.connect(bob), await t.connect()]
    const conv = await t.group(alice, bob, carol)
    await arrivals(carol, await sendAll(alice, { conv }, 3))
    const [left, removed] = [await bob.leave(conv), await alice.leave(conv, carol)]
    await sendAll(alice, { conv }, 5)
    const check = async (session: Session, { top = 0 }: { top?: number }) => {
      await session.fence()
      t.check(expectNone(session.received, 'msg', (msg) => msg.conv === conv && msg.seq > top))
    }
    await check(carol, removed)
    await check(await t.reconnect(carol), removed)
    for (const session of [bob, bobsPhone, await t.connect(bob)]) await check(session, left)
    return []
  },
})

// [GRP-04] From the `top` of the answer to its `join` on, a user MUST miss nothing.
export const joinerMissesNothing = defineCase({
  id: 'groups/joiner-misses-nothing',
  rules: ['GRP-04'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const alice = await t.connect()
    const members = await Promise.all(Array.from({ length: 6 }, () => t.connect()))
    const conv = await t.group(alice)
    const sending = sendAll(alice, { conv }, 120)
    const tops: number[] = []
    for (const member of members) {
      tops.push((await enter(t, conv, alice, member)).top ?? 0)
      await alice.ping()
    }
    const sents = await sending
    const checks = []
    for (const [index, member] of members.entries()) {
      const due = sents.filter(({ seq }) => seq > (tops[index] ?? 0))
      const arrived = seqs(await arrivals(member, due))
      checks.push(expectDense(`seqs after top=${tops[index]}`, arrived, (tops[index] ?? 0) + 1))
      checks.push(expectEqual('msgs', arrived.length, due.length))
      checks.push(expectEqual('msgs of any kind', member.seen('msg', { conv }).length, due.length))
    }
    return all(...checks)
  },
})

/** By itself or, where only the owner lets in, by the owner. */
function enter({ caps }: CaseContext, conv: string, owner: Session, member: Session) {
  return caps.includes('join=owner') ? owner.join(conv, member) : member.join(conv)
}

// [GRP-05] The server MUST NOT show a user anything outside the windows of its memberships.
export const membershipIsAWindow = defineCase({
  id: 'groups/membership-is-a-window',
  rules: ['GRP-05'],
  level: 'must',
  needs: ['history=window', 'history', 'sync'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = await t.group(alice)
    const visible: number[] = []
    for (let membership = 0; membership < 3; membership++) {
      await sendAll(alice, { conv }, 2)
      await enter(t, conv, alice, bob)
      visible.push(...seqs(await sendAll(alice, { conv }, 3)))
      if (membership < 2) await bob.leave(conv)
    }
    const last = await alice.say(conv)
    visible.push(last.seq)
    await arrivals(bob, [last])
    const { msgs } = await bob.sync([{ ...cursorAt(last), seq: 0 }])
    const forwards = await bob.wholeHistory(conv)
    const backwards = await bob.wholeHistory(conv, { order: 'desc' })
    const arrived = [...new Set(seqs(bob.seen('msg', { conv })))].sort((a, b) => a - b)
    return all(
      expectEqual('seqs in history', seqs(forwards), visible),
      expectEqual('seqs in history, backwards', seqs(backwards).reverse(), visible),
      expectEqual('seqs by sync', seqs(msgs), visible),
      expectEqual('seqs that ever arrived', arrived, visible),
    )
  },
})

// [GRP-05] … nor by an HTTP endpoint.
export const membershipIsAWindowForHttp = defineCase({
  id: 'groups/membership-is-a-window-for-http',
  rules: ['GRP-05'],
  level: 'must',
  needs: ['history=window', 'history'],
  encodings: ['json'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = await t.group(alice)
    await sendAll(alice, { conv }, 2)
    await enter(t, conv, alice, bob)
    const own = await alice.say(conv, 'for bob')
    const headers = { Authorization: `Bearer ${await t.token(bob.user)}` }
    const path = `/api/history?conv=${encodeURIComponent(conv)}&order=asc&limit=10`
    const answer = await t.http(path, { headers })
    if (answer.status !== 200) return notApplicable(`the server answers ${path} with HTTP ${answer.status}`)
    const { items } = answer.json() as { items: { seq: number }[] }
    return expectEqual('seqs', seqs(items), [own.seq])
  },
})

// [GRP-06] However joins, leaves and sends coincide, each membership MUST be one contiguous range of seqs.
export const everyMembershipIsOneRange = defineCase({
  id: 'groups/every-membership-is-one-range',
  rules: ['GRP-06'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const conv = await t.group(alice, carol)
    const sending = [sendAll(alice, { conv }, 100), sendAll(carol, { conv }, 100)]
    const windows: [from: number, to: number][] = []
    for (let round = 0; round < 8; round++) {
      const from = (await enter(t, conv, alice, bob)).top ?? 0
      await carol.ping()
      windows.push([from, (await bob.leave(conv)).top ?? 0])
    }
    const sents = (await Promise.all(sending)).flat().sort((a, b) => a.seq - b.seq)
    const due = sents.filter(({ seq }) => windows.some(([from, to]) => from < seq && seq <= to))
    for (const sent of due) await bob.delivery(sent)
    await bob.fence()
    return expectEqual('seqs at bob', seqs(bob.seen('msg', { conv })), seqs(due))
  },
})

// [GRP-06] … also that of which something still waits for the window when the next membership begins.
export const rejoinSkipsNothingOfBefore = defineCase({
  id: 'groups/rejoin-skips-nothing-of-before',
  rules: ['GRP-06'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const { window } = t.limits
    if (window > widestWindow) return untestable(`a window of ${window} messages takes too long to fill`)
    const [alice, bob] = await t.pair({ autoAck: false })
    const conv = await t.group(alice, bob)
    const before = await sendAll(alice, { conv }, window + 10)
    await bob.leave(conv)
    await alice.say(conv, 'without bob')
    await enter(t, conv, alice, bob)
    const after = await sendAll(alice, { conv }, 5)
    if (bob.seen('gap').length > 0) return notApplicable('the server announces a gap where others wait')
    await bob.delivery(before[window - 1] ?? before[0])
    bob.autoAck = true
    await bob.ack(before[window - 1] ?? before[0])
    for (const sent of after) await bob.delivery(sent)
    return expectEqual('seqs at bob', seqs(bob.seen('msg', { conv })), seqs([...before, ...after]))
  },
})

// [GRP-20] Who was never a member MUST NOT be able to tell a group from one that does not exist.
export const groupsAreInvisibleToStrangers = defineCase({
  id: 'groups/groups-are-invisible-to-strangers',
  rules: ['GRP-20'],
  level: 'must',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect(t.user(), { caps: ['receipts'] })
    const conv = await t.group(alice, bob)
    const { epoch } = await alice.say(conv)
    carol.breaksRules = true
    const look = async (name: string) => {
      const others = ['join', 'leave'].map((type) => carol.request({ type, conv: name, user: bob.user.id }))
      const replies = await Promise.all([...everyVerb(carol, name, epoch), ...others])
      return replies.map((reply) => (reply.type === 'error' ? reply.code : reply.type))
    }
    return expectSame('answers', {
      'an existing group': await look(conv),
      'no group': await look(t.groupName()),
    })
  },
})

// [GRP-23] When a replay reaches the end of a membership, the server SHOULD send the `membership` frame that was missed.
export const replayTellsTheEndOfTheMembership = defineCase({
  id: 'groups/replay-tells-the-end-of-the-membership',
  rules: ['GRP-23'],
  level: 'should',
  needs: ['groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = await t.group(alice, bob)
    await bob.close()
    await sendAll(alice, { conv }, 3)
    const { top } = await alice.leave(conv, bob)
    const again = await t.reconnect(bob)
    await again.fence()
    const told = again.seen('membership', { conv }).map((frame) => pick(frame, 'user', 'change', 'seq'))
    return expectEqual('membership', told, [{ user: bob.user.id, change: 'removed', seq: top }])
  },
})
