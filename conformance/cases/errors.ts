// Errors: SPEC.md#errors-and-close-codes.
import { randomUUID } from 'node:crypto'
import { errors } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectAnswer, expectClose, expectEqual, expectError, expectNone, expectThat } from '../expect.ts'
import type { LooseFrame } from '../loose.ts'
import { all, type Checked } from '../outcome.ts'
import { expectEachRefused, labelled, ownFault, type Refusal } from '../provoke.ts'
import type { Session } from '../session.ts'
import { specimens } from '../specimens.ts'

/** SPEC.md: more refused frames than this within 60 s end a connection. */
const mostRefusedFrames = 100

// [ERR-08] After a frame that was answered with `error`, the next valid frame MUST be processed as if it had come alone.
export const nextFrameWorksAfterARefusal = defineCase({
  id: 'errors/next-frame-works-after-a-refusal',
  rules: ['ERR-08'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const checks: Checked[] = []
    for (const [what, { frame }] of Object.entries(refusals(t, alice, bob))) {
      const refused = alice.request(frame)
      const accepted = alice.send(bob, what)
      checks.push(labelled(what, expectAnswer(await ownFault(refused), 'error')))
      checks.push(labelled(`after ${what}`, expectAnswer(await ownFault(accepted), 'sent')))
    }
    return all(...checks)
  },
})

// [ERR-01] Every `error` is one row of the table, carries the `id` of its request, and leaves the connection open.
export const errorIsARowOfTheTable = defineCase({
  id: 'errors/error-is-a-row-of-the-table',
  rules: ['ERR-01'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const refused = await expectEachRefused(t, alice, refusals(t, alice, bob))
    alice.write({ type: 'shout' })
    const error = await alice.next('error')
    const row = Object.values(errors).find(({ code }) => code === error.code)
    const { name, retryable } = error
    return all(
      refused,
      expectEqual('error without id', { name, retryable }, { name: row?.name, retryable: row?.retryable }),
      expectEqual('id of the answer to a frame without id', error.id, undefined),
      expectEqual('end', await alice.ended(0), undefined),
    )
  },
})

// [ERR-10] More than 100 refused frames within 60 s close with 4509, and no fewer do.
export const tooManyRefusedFramesClose = defineCase({
  id: 'errors/too-many-refused-frames-close',
  rules: ['ERR-10'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const refuse = (): void => alice.write({ type: 'shout', id: alice.nextId() })
    for (let count = 0; count < mostRefusedFrames; count++) refuse()
    alice.write({ type: 'ping', n: 5 })
    const pong = await alice.maybe('pong', { n: 5 })
    // Without a fence a pong may overtake them.
    for (let count = 0; count < mostRefusedFrames; count++) await ownFault(alice.next('error'))
    const answers = alice.seen('error')
    t.check(expectEqual('errors', answers.length, mostRefusedFrames))
    t.check(expectThat(`a pong after ${mostRefusedFrames} refused frames`, pong !== undefined))
    refuse()
    const refused = answers.map((answer) => expectError(answer, 'UNKNOWN_TYPE'))
    return all(...refused, expectClose(await alice.ended(), 'TOO_MANY_ERRORS'))
  },
})

// [ERR-11] Every request that has an `id` is answered exactly once with that `id`, by the frame that is its answer or by `error`.
export const everyRequestIsAnsweredOnce = defineCase({
  id: 'errors/every-request-is-answered-once',
  rules: ['ERR-11'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair({ caps: ['receipts'] })
    const position = await bob.dm(alice)
    await alice.delivery(position)
    const parts = { to: bob.user.id, token: await t.token(alice.user), position, group: t.groupName() }
    const bad = Object.values(refusals(t, alice, bob)).map(({ frame }) => alice.request(frame))
    const checks: Checked[] = []
    // One after the other, because a `leave` may not overtake its `join`; the refused ones run beside them.
    for (const { frame, answer } of specimens(alice.caps, parts))
      checks.push(labelled(`${frame.type}`, expectAnswer(await alice.request(frame), answer)))
    for (const reply of await Promise.all(bad)) checks.push(expectAnswer(reply, 'error'))
    await alice.fence()
    const ends = alice.received.filter(
      (frame) => frame.type !== 'synced' && 'id' in frame && frame.id !== undefined,
    )
    const ids = ends.map((frame) => ('id' in frame ? frame.id : 0))
    const twice = ids.filter((id, index) => ids.indexOf(id) !== index)
    return all(...checks, expectEqual('ids that were answered twice', twice, []))
  },
})

// [ERR-12] After a definite error the request has had no effect and will have none.
export const definiteErrorHasNoEffect = defineCase({
  id: 'errors/definite-error-has-no-effect',
  rules: ['ERR-12'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const first = await alice.dm(bob, 'first')
    alice.breaksRules = true
    const conflict = await alice.send(bob, 'another content', { msgId: first.msgId })
    await expectEachRefused(t, alice, refusals(t, alice, bob))
    const second = await alice.dm(bob, 'second')
    const frames = await bob.fence(first.conv)
    const own = new Set([first.msgId, second.msgId])
    return all(
      expectError(conflict, 'MSGID_CONFLICT'),
      expectNone(frames, 'msg', ({ msgId, conv }) => conv === first.conv && !own.has(msgId)),
      expectEqual('seqs', [first.seq, second.seq], [1, 2]),
    )
  },
})

/** One request for each definite error that a stranger can get. */
function refusals(t: CaseContext, alice: Session, bob: Session): Record<string, Refusal> {
  const send = (more: LooseFrame): LooseFrame => {
    return { type: 'send', msgId: randomUUID(), to: bob.user.id, content: 'refused', ...more }
  }
  const own = `d:${[alice.user.id, bob.user.id].sort().join(':')}`
  const foreign = 'd:nobody-1:nobody-2'
  const rows: Record<string, Refusal & { needs?: string }> = {
    'no content': { frame: send({ content: undefined }), error: 'BAD_REQUEST', names: ['content'] },
    'too much content': {
      frame: send({ content: 'x'.repeat(t.limits.maxContent + 1) }),
      error: 'CONTENT_TOO_LARGE',
    },
    'a bad msgId': { frame: send({ msgId: 'message-1' }), error: 'BAD_MSGID' },
    'an unknown type': { frame: { type: 'shout' }, error: 'UNKNOWN_TYPE' },
    'a foreign conversation': {
      frame: { type: 'ack', conv: foreign, epoch: 'e', seq: 1 },
      error: 'NOT_MEMBER',
    },
    'an unknown user': {
      frame: send({ to: `nobody-${randomUUID()}` }),
      error: 'NOT_FOUND',
      needs: 'directory',
    },
    'a foreign group': {
      frame: send({ to: undefined, conv: t.groupName() }),
      error: 'NOT_MEMBER',
      needs: 'groups',
    },
    'no such cursor': {
      frame: { type: 'history', conv: own, order: 'asc', limit: 1, cursor: 'no such cursor' },
      error: ['CURSOR_INVALID', 'NOT_MEMBER'],
      needs: 'history',
    },
  }
  const entries = Object.entries(rows).filter(
    ([, { needs }]) => needs === undefined || t.caps.includes(needs),
  )
  return Object.fromEntries(entries)
}
