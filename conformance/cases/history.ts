// Reading the past: SPEC.md#history.
import { maxSafe } from '../../protocol/index.ts'
import { msgIds, sendAll, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectBetween, expectEqual, expectError, expectThat } from '../expect.ts'
import { all, clause, notApplicable } from '../outcome.ts'

// [HIS-01] The pages of a query, whatever their sizes, MUST together hold every message of its range, once, in order.
export const pagesOfAnySizeHoldEverythingOnce = defineCase({
  id: 'history/pages-of-any-size-hold-everything-once',
  rules: ['HIS-01'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const sents = await sendAll(alice, bob, 20)
    const checks = []
    for (const limit of [1, 3, 7, 20, 21].filter((one) => one <= t.limits.historyMaxLimit)) {
      const items = await bob.wholeHistory(sents[0].conv, { limit, afterSeq: sents[0].seq - 1 })
      checks.push(expectEqual(`msgIds in pages of ${limit}`, msgIds(items), msgIds(sents)))
    }
    return all(...checks)
  },
})

// [HIS-02] Messages with equal timestamps at the edge of a page MUST NOT be lost or repeated.
export const equalTimestampsAreNoTrouble = defineCase({
  id: 'history/equal-timestamps-are-no-trouble',
  rules: ['HIS-02'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const sents = await sendAll(alice, bob, 24)
    const times = sents.map(({ timestamp }) => timestamp)
    const edge = { afterSeq: sents[0].seq - 1, beforeSeq: (sents.at(-1)?.seq ?? 0) + 1 }
    const range = { ...edge, fromTime: Math.min(...times), toTime: Math.max(...times) + 1 }
    if (new Set(times).size === sents.length) return notApplicable('no two messages have equal timestamps')
    const checks = []
    for (const limit of [1, 2, 5]) {
      const forwards = await bob.wholeHistory(sents[0].conv, { ...range, limit })
      const backwards = await bob.wholeHistory(sents[0].conv, { ...range, limit, order: 'desc' })
      checks.push(expectEqual(`msgIds in pages of ${limit}`, msgIds(forwards), msgIds(sents)))
      checks.push(expectEqual('msgIds backwards', msgIds(backwards).reverse(), msgIds(sents)))
    }
    return all(...checks)
  },
})

// [HIS-03] Reading forwards and reading backwards MUST give the same messages.
export const backwardsIsForwardsReversed = defineCase({
  id: 'history/backwards-is-forwards-reversed',
  rules: ['HIS-03'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const [first] = await sendAll(alice, bob, 12)
    await sendAll(bob, alice, 5)
    const checks = []
    for (const limit of [1, 4, 17, 18]) {
      const forwards = await alice.wholeHistory(first.conv, { limit })
      const backwards = await alice.wholeHistory(first.conv, { limit, order: 'desc' })
      checks.push(expectThat('at least 17 messages', forwards.length >= 17, forwards.length))
      checks.push(expectEqual(`messages in pages of ${limit}`, backwards.reverse(), forwards))
    }
    return all(...checks)
  },
})

// [HIS-04] Messages accepted between two pages MUST NOT move, hide or repeat others.
export const newMessagesDoNotShiftPages = defineCase({
  id: 'history/new-messages-do-not-shift-pages',
  rules: ['HIS-04'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const checks = []
    for (const order of ['asc', 'desc'] as const) {
      const sents = await sendAll(alice, bob, 9)
      const query = { order, limit: 2, afterSeq: sents[0].seq - 1 }
      const items = []
      for (let cursor: string | undefined; ; ) {
        const page = await bob.history(sents[0].conv, { ...query, ...(cursor && { cursor }) })
        items.push(...page.items)
        cursor = page.nextCursor
        if (cursor === undefined) break
        if (items.length < sents.length) await sendAll(alice, bob, 1)
      }
      const seen = seqs(items).filter((seq) => seq <= (sents.at(-1)?.seq ?? 0))
      checks.push(expectEqual(`seqs ${order}`, order === 'asc' ? seen : seen.reverse(), seqs(sents)))
    }
    return all(...checks)
  },
})

// [HIS-05] A `limit` that is not between 1 and `historyMaxLimit`: error 101; never more than `limit` items in a page.
export const pageLimitIsBounded = defineCase({
  id: 'history/page-limit-is-bounded',
  rules: ['HIS-05'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const [{ conv }] = await sendAll(alice, bob, 5)
    const most = t.limits.historyMaxLimit
    const checks = []
    for (const limit of [0, most + 1, maxSafe]) {
      const reply = await bob.request({ type: 'history', conv, order: 'asc', limit })
      checks.push(expectError(reply, 'BAD_REQUEST', 'limit'))
    }
    for (const order of ['asc', 'desc'] as const)
      for (const limit of [1, 2, most]) {
        const { items } = await bob.history(conv, { limit, order })
        checks.push(expectBetween(`items of a page of ${limit}`, items.length, 1, limit))
      }
    return all(...checks)
  },
})

// [HIS-06] Whether more remains MUST be said by `complete`, with a `nextCursor` exactly when it is `false`.
// [HIS-11] A page holds at least one item if the range holds one.
export const lastPageSaysSo = defineCase({
  id: 'history/last-page-says-so',
  rules: ['HIS-06', 'HIS-11'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const sents = await sendAll(alice, bob, 6)
    const [{ conv, seq: first }, top] = [sents[0], sents.at(-1)?.seq ?? 0]
    const order = t.random.pick<'asc' | 'desc'>(['asc', 'desc'])
    for (const limit of [1, 2, 4, 6, 7]) {
      const query = { limit, order, afterSeq: first - 1, beforeSeq: top + 1 }
      for (let read = 0, cursor: string | undefined; read < sents.length; ) {
        const { items, complete, nextCursor } = await bob.history(conv, {
          ...query,
          ...(cursor && { cursor }),
        })
        read += items.length
        cursor = nextCursor
        const [isLast, hasCursor] = [read === sents.length, cursor !== undefined]
        t.check(clause('HIS-11', expectThat('at least one item', items.length > 0, items.length)))
        const told = { complete, hasCursor }
        t.check(expectEqual(`after ${read} of 6`, told, { complete: isLast, hasCursor: !isLast }))
      }
    }
    const { items, complete, nextCursor } = await bob.history(conv, { afterSeq: top })
    return expectEqual('beyond the top', [items, complete, nextCursor], [[], true, undefined])
  },
})

// [HIS-07] `history` of a conversation in which the user never took part: error 103; nothing from outside its windows.
export const strangersReadNothing = defineCase({
  id: 'history/strangers-read-nothing',
  rules: ['HIS-07'],
  level: 'must',
  needs: ['history', 'groups'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const { conv: direct } = await alice.dm(bob, 'private')
    const group = await t.group(alice, bob)
    const { seq } = await alice.say(group, 'members only')
    const checks = []
    for (const conv of [direct, group, t.groupName()])
      for (const query of [{}, { afterSeq: 0 }, { beforeSeq: seq + 1 }, { fromTime: 0 }]) {
        const history = { type: 'history', conv, order: 'desc', limit: 1, ...query }
        checks.push(expectError(await carol.request(history), 'NOT_MEMBER'))
      }
    await alice.join(group, carol)
    const { items } = await carol.history(group, { afterSeq: 0, fromTime: 0 })
    return all(...checks, expectEqual('what a new member reads', items, []))
  },
})
