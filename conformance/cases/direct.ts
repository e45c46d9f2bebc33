// Direct messages: SPEC.md#direct-messages.
import { randomUUID } from 'node:crypto'
import { directConversation, maxSafe } from '../../protocol/index.ts'
import { arrivals, type Batch, copies, msgIds, pick, sendAll, sendEach, seqs } from '../batches.ts'
import { defineCase } from '../case.ts'
import { expectDense, expectEqual, expectError, expectNone, expectThat } from '../expect.ts'
import { all } from '../outcome.ts'

// [DM-01] Each connection of an entitled user except the origin MUST receive a message once, byte for byte.
export const messageArrivesOnceByteForByte = defineCase({
  id: 'direct/message-arrives-once-byte-for-byte',
  rules: ['DM-01'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const checks = []
    for (const content of [t.random.text(50), t.random.bytes(200)]) {
      const sent = await alice.dm(bob, content)
      await bob.delivery(sent)
      await bob.fence(sent.conv)
      const copies = bob.seen('msg', { msgId: sent.msgId })
      checks.push(
        expectEqual(
          'contents at bob',
          copies.map((msg) => msg.content),
          [content],
        ),
      )
    }
    return all(...checks)
  },
})

// [DM-02] All devices of the recipient and all other devices of the sender get the `msg`, the origin its `sent` only.
export const everyDeviceButTheOriginGetsIt = defineCase({
  id: 'direct/every-device-but-the-origin-gets-it',
  rules: ['DM-02'],
  level: 'must',
  needs: ['devices'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const others = [await t.connect(alice), bob, await t.connect(bob), await t.connect(bob)]
    const sents = await sendAll(alice, bob, 3)
    const checks = []
    for (const device of others)
      checks.push(
        expectEqual(`msgIds at ${device.label}`, msgIds(await arrivals(device, sents)), msgIds(sents)),
      )
    await alice.fence(sents[0].conv)
    return all(...checks, expectEqual('msgIds at the origin', msgIds(copies(alice, sents)), []))
  },
})

// [DM-03] A `send` to a user who has never authenticated MUST be answered with error 102, and nothing be stored.
export const strangerCannotBeWrittenTo = defineCase({
  id: 'direct/stranger-cannot-be-written-to',
  rules: ['DM-03'],
  level: 'must',
  needs: ['directory'],
  async run(t) {
    const alice = await t.connect()
    const nobody = t.groupName().slice('g:'.length)
    const refused = expectError(await alice.send(nobody), 'NOT_FOUND')
    if (!alice.caps.includes('history')) return refused
    const conv = directConversation(alice.user.id, nobody)
    const reply = await alice.request({ type: 'history', conv, order: 'asc', limit: 1 })
    return all(refused, expectEqual('stored', reply.type === 'page' ? reply.items : [], []))
  },
})

// [DM-04] A direct message MUST NOT reach, or be readable by, anybody but the two users.
// [DM-05] A frame that names a direct conversation in which its user takes no part: error 103.
export const outsiderSeesNothing = defineCase({
  id: 'direct/outsider-sees-nothing',
  rules: ['DM-04', 'DM-05'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const carol = await t.connect(t.user(), { caps: ['receipts'] })
    const { conv, epoch, seq } = await alice.dm(bob, 'between the two of us')
    t.about('DM-05')
    carol.breaksRules = true
    const has = (cap: string) => carol.caps.includes(cap)
    const msgId = randomUUID()
    t.check(expectError(await carol.request({ type: 'send', msgId, conv, content: 'me too' }), 'NOT_MEMBER'))
    t.check(expectError(await carol.request({ type: 'ack', conv, epoch, seq }), 'NOT_MEMBER'))
    if (has('receipts'))
      t.check(expectError(await carol.request({ type: 'read', conv, epoch, seq }), 'NOT_MEMBER'))
    t.about('DM-04')
    const cursors = [{ conv, epoch, seq: 0 }]
    if (has('sync'))
      t.check(expectError(await carol.request({ type: 'sync', cursors, limit: 1 }), 'NOT_MEMBER'))
    const history = { type: 'history', conv, order: 'asc', limit: 1 }
    if (has('history')) t.check(expectError(await carol.request(history), 'NOT_MEMBER'))
    await bob.delivery(await alice.dm(bob, 'still between us'))
    return expectNone(await carol.fence(), 'msg')
  },
})

// [DM-06] The `timestamp` and the `seq` of a message MUST be the server's, whatever the client's frame contains.
export const placeAndTimeAreTheServers = defineCase({
  id: 'direct/place-and-time-are-the-servers',
  rules: ['DM-06'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const before = await alice.dm(bob)
    const to = bob.user.id
    for (const forged of [1, maxSafe]) {
      const own = { seq: forged, timestamp: forged, clientTime: forged, epoch: 'mine' }
      await alice.request({ type: 'send', msgId: randomUUID(), to, content: 'forged', ...own })
    }
    const after = await alice.dm(bob)
    const sents = [before, ...alice.seen('sent', ({ seq }) => seq > before.seq)] as Batch
    const seen = (await arrivals(bob, sents)).map((msg) => pick(msg, 'epoch', 'seq', 'timestamp'))
    const isInside = seen.every(
      (msg) => msg.timestamp >= before.timestamp && msg.timestamp <= after.timestamp,
    )
    return all(
      expectDense('seqs', seqs(sents), before.seq),
      expectThat('timestamps between those of the neighbours', isInside, seen),
      expectEqual(
        'at bob as in the answers',
        seen,
        sents.map((sent) => pick(sent, 'epoch', 'seq', 'timestamp')),
      ),
    )
  },
})

// [DM-07] A message to oneself, an empty content and one of exactly `maxContent` bytes: accepted, each with one seq.
export const emptyFullAndOwnMessagesAreAccepted = defineCase({
  id: 'direct/empty-full-and-own-messages-are-accepted',
  rules: ['DM-07'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const contents = ['', 'x'.repeat(t.limits.maxContent), new Uint8Array(0), 'usual'] as const
    const notes = await sendEach(alice, alice, contents)
    const sents = await sendEach(alice, bob, contents)
    const arrived = (await arrivals(bob, sents)).map((msg) => msg.content)
    return all(
      expectDense('seqs of messages to oneself', seqs(notes), notes[0].seq),
      expectDense('seqs of messages to bob', seqs(sents), sents[0].seq),
      expectEqual('contents at bob', arrived, contents),
    )
  },
})

// [DM-08] A `send` that names the `conv` of a direct conversation MUST have the same effect as one that names the user.
export const conversationIsAsGoodAsItsUser = defineCase({
  id: 'direct/conversation-is-as-good-as-its-user',
  rules: ['DM-08'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = directConversation(alice.user.id, bob.user.id)
    const sents = [await alice.say(conv), await alice.dm(bob), await alice.say(conv)] as const
    const answer = await bob.say(conv)
    const arrived = await arrivals(bob, sents)
    return all(
      expectEqual('conv', [...new Set([...sents, answer].map((sent) => sent.conv))], [conv]),
      expectDense('seqs', seqs([...sents, answer]), sents[0].seq),
      expectEqual('msgIds at bob', msgIds(arrived), msgIds(sents)),
      expectEqual('answer at alice', (await alice.delivery(answer)).seq, answer.seq),
    )
  },
})

// [DM-09] A `send` that has both `to` and `conv`, or neither, MUST be refused with error 101.
export const targetIsExactlyOne = defineCase({
  id: 'direct/target-is-exactly-one',
  rules: ['DM-09'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const conv = directConversation(alice.user.id, bob.user.id)
    const send = { type: 'send', content: 'to whom?' }
    const both = { ...send, msgId: randomUUID(), to: bob.user.id, conv }
    const neither = { ...send, msgId: randomUUID() }
    const refusals = [await alice.request(both), await alice.request(neither)]
    await bob.delivery(await alice.dm(bob))
    return all(
      ...refusals.map((reply) => expectError(reply, 'BAD_REQUEST')),
      expectNone(await bob.fence(conv), 'msg', ({ content }) => content === send.content),
    )
  },
})
