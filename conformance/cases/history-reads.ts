// What a read of the past holds: SPEC.md#history.
import type { Content } from '../../protocol/index.ts'
import { arrivals, type Batch, type Sent, sendAll, sendEach, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectAnswer, expectBetween, expectEqual, expectError, expectThat } from '../expect.ts'
import { all, type Checked } from '../outcome.ts'
import type { HistoryQuery, Session } from '../session.ts'

// [HIS-08] Once `sent` was written for a message, every later read of a range that contains it MUST hold it.
export const acceptedMessageIsThereAtOnce = defineCase({
  id: 'history/accepted-message-is-there-at-once',
  rules: ['HIS-08'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const checks = []
    for (let round = 0; round < 8; round++) {
      const { conv, msgId, seq } = await alice.dm(bob, `round ${round}`)
      const readers = [alice, bob].map((reader) => reader.history(conv, { order: 'desc', limit: 1 }))
      const repeated = await alice.history(conv, { afterSeq: seq - 1 })
      for (const page of [...(await Promise.all(readers)), repeated])
        checks.push(expectEqual('msgId of the newest', page.items[0]?.msgId, msgId))
    }
    return all(...checks)
  },
})

/** What a server might tidy up. */
const delicate = [' \t kept as it is \r\n\n', 'e\u0301 is not \u00e9', '\u0000\u200b\u202e', '', '<b>&amp;']
const options = { contentType: 'text/x-any; charset=utf-8', clientTime: 1, meta: { 'reply.to': '1', a: ' ' } }

// [HIS-09] An item of a page MUST have the fields of the `msg` that was delivered, with the same values.
export const itemIsTheMessage = defineCase({
  id: 'history/item-is-the-message',
  rules: ['HIS-09'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const sents = await sendEach(alice, bob, ['plain', ...delicate, t.random.text(40), t.random.bytes(40)])
    sents.push(
      await alice.dm(bob, 'with everything', options),
      await alice.dm(bob, new Uint8Array(0), options),
    )
    const msgs = (await arrivals(bob, sents)).map(({ type: _type, replay: _replay, ...message }) => message)
    const items = await bob.wholeHistory(sents[0].conv, { afterSeq: sents[0].seq - 1 })
    const contents = items.slice(1, 1 + delicate.length).map(({ content }) => content)
    return all(expectEqual('items', items, msgs), expectEqual('contents', contents, delicate))
  },
})

// [HIS-10] `fromTime` MUST be inclusive, and `toTime`, `afterSeq` and `beforeSeq` exclusive.
export const boundsAreHalfOpen = defineCase({
  id: 'history/bounds-are-half-open',
  rules: ['HIS-10'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const sents = await sendAll(alice, bob, 6)
    // Until the time bounds have something to divide.
    while (sents.length < 100 && new Set(sents.map(({ timestamp }) => timestamp)).size < 3)
      sents.push(await alice.dm(bob))
    const [low, high] = [sents[1] ?? sents[0], sents.at(-2) ?? sents[0]]
    const [fromTime, toTime] = [low.timestamp, high.timestamp]
    const [afterSeq, beforeSeq] = [low.seq, high.seq]
    const ranges = [
      { fromTime },
      { toTime },
      { fromTime: toTime },
      { fromTime, toTime },
      { fromTime, toTime: fromTime },
      { afterSeq },
      { beforeSeq },
      { afterSeq, beforeSeq },
      { afterSeq, beforeSeq: afterSeq + 1 },
      { fromTime, beforeSeq },
    ]
    const checks = await Promise.all(ranges.map((range) => readsRange(bob, range, sents)))
    return all(...checks)
  },
})

async function readsRange(reader: Session, range: HistoryQuery, sents: Batch): Promise<Checked> {
  const { fromTime = 0, toTime = Infinity, afterSeq = 0, beforeSeq = Infinity } = range
  const isInside = ({ timestamp, seq }: Sent) =>
    fromTime <= timestamp && timestamp < toTime && afterSeq < seq && seq < beforeSeq
  const items = await reader.wholeHistory(sents[0].conv, range)
  const own = seqs(items).filter((seq) => seq >= sents[0].seq)
  return expectEqual(`seqs of ${JSON.stringify(range)}`, own, seqs(sents.filter(isInside)))
}

// [HIS-11] The server MUST end a page before it exceeds `maxFrame`, and put at least one item into it.
export const pageFitsIntoAFrame = defineCase({
  id: 'history/page-fits-into-a-frame',
  rules: ['HIS-11'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const { maxFrame, maxContent, historyMaxLimit } = t.limits
    const [alice, bob] = await t.pair()
    // Bytes are neither characters nor, in JSON, the bytes of the content: U+0001 takes six there.
    const large = '\u0001'.repeat(Math.min(maxContent, Math.floor(maxFrame / 8)))
    const contents = ['€'.repeat(Math.floor(large.length / 3)), new Uint8Array(large.length), large]
    const count = Math.min(historyMaxLimit, Math.ceil((2 * maxFrame) / large.length))
    const list = Array.from({ length: count }, (_, index) => contents[index % contents.length] ?? '')
    const sents = await sendEach(alice, bob, list as [Content, ...Content[]])
    const sizes = sizesOf(bob)
    const query = { type: 'history', conv: sents[0].conv, order: 'asc', limit: count }
    let read = 0
    for (let cursor: string | undefined; read < count; ) {
      bob.write({ ...query, id: bob.nextId(), afterSeq: sents[0].seq - 1, ...(cursor && { cursor }) })
      const page = await bob.maybe('page')
      t.check(expectBetween('bytes of the largest frame', Math.max(...sizes), 0, maxFrame))
      t.check(expectThat('a page with items', page !== undefined && page.items.length > 0, page))
      read += page?.items.length ?? 0
      cursor = page?.nextCursor
    }
    return expectEqual('messages read', read, count)
  },
})

/** Bytes of every message from now on, also of those that are too large to be read. */
function sizesOf({ wire }: Session): number[] {
  const sizes: number[] = []
  const inner = wire.onMessage
  wire.onMessage = (message) => {
    sizes.push(message.payload.length)
    inner(message)
  }
  return sizes
}

// [HIS-12] A cursor that the server did not give out, or gave out for another query or to another user: error 110.
export const cursorBelongsToItsQuery = defineCase({
  id: 'history/cursor-belongs-to-its-query',
  rules: ['HIS-12'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect()
    const [{ conv, seq }] = await sendAll(alice, bob, 5)
    const [other] = await sendAll(carol, bob, 5)
    const query = { type: 'history', conv, order: 'asc', limit: 1, afterSeq: seq - 1 }
    const { nextCursor: cursor } = await bob.history(conv, { limit: 1, afterSeq: seq - 1 })
    const wrong = [
      bob.request({ ...query, cursor: 'no-such-cursor' }),
      bob.request({ ...query, cursor: '~'.repeat(512) }),
      bob.request({ ...query, cursor, order: 'desc' }),
      bob.request({ ...query, cursor, afterSeq: seq }),
      bob.request({ ...query, cursor, beforeSeq: seq + 2 }),
      bob.request({ ...query, cursor, conv: other.conv }),
      alice.request({ ...query, cursor }),
    ]
    for (const reply of wrong) t.check(expectError(await reply, 'CURSOR_INVALID'))
    return expectAnswer(await bob.request({ ...query, cursor, limit: 2 }), 'page')
  },
})
