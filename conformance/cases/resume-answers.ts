// What a resume is answered: SPEC.md#resume.
import { cursorAt, otherEpoch } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectEqual, expectNone, expectSame } from '../expect.ts'
import { all, clause, Finding } from '../outcome.ts'

// [RES-11] Each conversation that `hello.resume` names and in which the user takes or took part MUST get exactly one
// `synced`, also if there is nothing new.
export const everyNamedConversationIsAnsweredOnce = defineCase({
  id: 'resume/every-named-conversation-is-answered-once',
  rules: ['RES-11'],
  level: 'must',
  needs: ['resume', 'groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const [group, former] = [await t.group(alice, bob), await t.group(alice, bob)]
    const news = await alice.dm(bob)
    const known = [await carol.dm(bob), await alice.say(group), await alice.say(former)]
    for (const sent of [news, ...known]) await bob.ack(await bob.delivery(sent))
    await bob.leave(former)
    await bob.close()
    await alice.dm(bob, 'news')
    const cursors = [news, ...known].map(cursorAt)
    const again = await t.reconnect(bob, { resume: { cursors } })
    await again.fence()
    const answered = again.seen('synced').map(({ conv }) => conv)
    return expectEqual('synced for', answered.sort(), cursors.map(({ conv }) => conv).sort())
  },
})

// [RES-12] A conversation that was not named MUST get one `synced` if the device has not acknowledged everything in it,
// and none otherwise.
export const unnamedConversationIsAnsweredIfNeeded = defineCase({
  id: 'resume/unnamed-conversation-is-answered-if-needed',
  rules: ['RES-12'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair({ autoAck: false })
    const [carol, dave] = [await t.connect(), await t.connect()]
    const [open, done, named] = [await alice.dm(bob), await carol.dm(bob), await dave.dm(bob)]
    await bob.ack(await bob.delivery(done))
    await bob.ack(await bob.delivery(named))
    const checks = []
    const resumes = t.caps.includes('resume') ? [undefined, { cursors: [cursorAt(named)] }] : [undefined]
    for (const resume of resumes) {
      const again = await t.reconnect(bob, { autoAck: false, ...(resume && { resume }) })
      await again.fence()
      const wanted = resume ? [open.conv, named.conv] : [open.conv]
      const answered = again.seen('synced').map(({ conv }) => conv)
      checks.push(expectEqual('synced for', answered.sort(), wanted.sort()))
    }
    return all(...checks)
  },
})

// [RES-13] `welcome.resumed` MUST be `true` exactly if `hello` had `resume` and every cursor can be continued.
export const resumedIsTheWholeTruth = defineCase({
  id: 'resume/resumed-is-the-whole-truth',
  rules: ['RES-13'],
  level: 'must',
  needs: ['resume'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const [one, other] = [cursorAt(await alice.dm(bob)), cursorAt(await carol.dm(bob))]
    const wrong = { ...other, epoch: otherEpoch(other.epoch) }
    const late = { ...other, seq: other.seq + 1 }
    const lists = [undefined, [], [one], [one, other], [one, wrong], [late, one], [{ ...one, seq: 0 }, other]]
    const resumed = []
    for (const cursors of lists) {
      const again = await t.reconnect(bob, { breaksRules: true, ...(cursors && { resume: { cursors } }) })
      resumed.push(again.welcome.resumed)
    }
    return expectEqual('resumed', resumed, [false, true, true, true, false, false, true])
  },
})

function blameTheCursor(error: unknown): never {
  if (error instanceof Finding && 'expected' in error.outcome)
    throw new Finding(clause('RES-15', error.outcome))
  throw error
}

// [RES-15] A cursor for a conversation in which the user never took part MUST NOT make the `hello` fail, nor reveal
// whether that conversation exists.
export const foreignCursorRevealsNothing = defineCase({
  id: 'resume/foreign-cursor-reveals-nothing',
  rules: ['RES-15'],
  level: 'must',
  needs: ['resume', 'groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const own = cursorAt(await alice.dm(carol))
    const group = await t.group(alice, bob)
    const look = async (cursor: typeof own) => {
      const resume = { cursors: [own, { ...cursor, seq: 0 }] }
      const again = await t.reconnect(carol, { resume }).catch(blameTheCursor)
      await again.fence()
      t.check(expectNone(again.received, 'msg', ({ conv }) => conv === cursor.conv))
      const types = again.received.map((frame) => frame.type).filter((type) => type !== 'ping')
      return [again.welcome.resumed, types.sort()]
    }
    const direct = await look(cursorAt(await alice.dm(bob)))
    const noDirect = await look({ ...own, conv: 'd:nobody-a:nobody-b' })
    const inGroup = await look(cursorAt(await alice.say(group)))
    const noGroup = await look({ ...own, conv: t.groupName() })
    return all(
      expectSame('answers', { 'a direct conversation': direct, 'none of that name': noDirect }),
      expectSame('answers', { 'a group': inGroup, 'none of that name': noGroup }),
    )
  },
})
