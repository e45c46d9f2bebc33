// Groups as large as they may be: SPEC.md#groups.
import { defineCase } from '../case.ts'
import { connectCrowd } from '../crowd.ts'
import { expectAnswer, expectBetween, expectError } from '../expect.ts'
import { all, clause, untestable } from '../outcome.ts'

/** More connections than this are for a load test. */
const mostMembers = 2_000
const joinsAtOnce = 50
/** [GRP-11] names 1 s, and timers may be 4 s late. */
const slowestMs = 5_000

// [GRP-19] A `join` that would exceed `groupMembersMax`: error 111.
// [GRP-11] A message SHOULD reach `groupMembersMax` members that are online within 1 s.
export const fullGroupHearsEverythingAndTakesNobody = defineCase({
  id: 'groups/full-group-hears-everything-and-takes-nobody',
  rules: ['GRP-19', 'GRP-11'],
  level: 'must',
  needs: ['groups', 'join=open'],
  profile: 'default',
  encodings: ['json'],
  exclusive: true,
  async run(t) {
    const { groupMembersMax } = t.limits
    if (groupMembersMax > mostMembers) return untestable(`a group may have ${groupMembersMax} members`)
    const [owner, ...others] = await connectCrowd(t, groupMembersMax)
    const join = { type: 'join', conv: t.groupName() }
    const joins = [expectAnswer(await owner.request(join), 'ok')]
    for (let at = 0; at < others.length; at += joinsAtOnce) {
      const some = others.slice(at, at + joinsAtOnce).map((one) => one.request(join))
      joins.push(...(await Promise.all(some)).map((reply) => expectAnswer(reply, 'ok')))
    }
    t.about('GRP-11')
    const sent = await owner.say(join.conv, 'to everybody')
    const arrivals = others.map(async (one) => one.arrivedAtMs(await one.delivery(sent)))
    const lastMs = Math.max(0, ...(await Promise.all(arrivals))) - owner.arrivedAtMs(sent)
    const tooMany = await t.connect()
    const refused = expectError(await tooMany.request(join), 'LIMIT_REACHED')
    await (others.at(-1) ?? owner).leave(join.conv)
    const freed = expectAnswer(await tooMany.request(join), 'ok')
    const reached = expectBetween(`ms until ${others.length} have it`, Math.max(0, lastMs), 0, slowestMs)
    return [clause('GRP-19', all(...joins, refused, freed)), clause('GRP-11', reached)]
  },
})
