// Small cases that the fake server can do: the judge's own tests run these, whatever the suite becomes.
import { all, clause } from '../outcome.ts'
import { defineCase } from '../case.ts'
import {
  expectAnswer,
  expectBetween,
  expectClose,
  expectDense,
  expectEqual,
  expectError,
  expectNone,
} from '../expect.ts'
import { maxSafe } from '../../protocol/index.ts'
import { randomUUID } from 'node:crypto'
import { unsignedToken } from '../tokens.ts'

// [ACK-01] Every `send` MUST be answered by exactly one `sent` or `error` that carries its `id` and its `msgId`.
export const everySendGetsOneAnswer = defineCase({
  id: 'acks/every-send-gets-one-answer',
  rules: ['ACK-01'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    // Every third one has no content, and is refused.
    const sends = Array.from({ length: 15 }, (_, index) => ({ msgId: randomUUID(), good: index % 3 > 0 }))
    const to = bob.user.id
    const writes = sends.map(({ msgId, good }) =>
      alice.request({ type: 'send', msgId, to, ...(good && { content: 'hi' }) }),
    )
    await Promise.all(writes)
    await alice.fence()
    const answers = [...alice.seen('sent'), ...alice.seen('error')].map(({ msgId }) => msgId)
    return expectEqual('answered msgIds', answers.sort(), sends.map(({ msgId }) => msgId).sort())
  },
})

// [AUTH-02] The server MUST refuse a token whose algorithm is `none`, in any letter case.
export const unsignedTokenIsRefused = defineCase({
  id: 'auth/unsigned-token-is-refused',
  rules: ['AUTH-02'],
  level: 'must',
  async run(t) {
    const user = t.user()
    const token = await t.token(user)
    const ends = ['none', 'None', 'NONE', 'nOnE'].map(async (algorithm) => {
      const stranger = await t.open(user)
      stranger.sayHello({ token: unsignedToken(token, algorithm) })
      return expectClose(await stranger.ended(), 'UNAUTHORIZED')
    })
    return all(...(await Promise.all(ends)))
  },
})

// [DED-01] A repeat MUST be answered with the first answer and `"duplicate":true`, and not be delivered again.
export const repeatGetsTheFirstAnswer = defineCase({
  id: 'dedup/repeat-gets-the-first-answer',
  rules: ['DED-01'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const first = await alice.dm(bob, 'once')
    await bob.delivery(first)
    await bob.fence()
    const again = await alice.dm(bob, 'once', { msgId: first.msgId })
    return all(
      expectEqual('answer to the repeat', { ...again, id: first.id }, { ...first, duplicate: true }),
      expectNone(await bob.fence(first.conv), 'msg', ({ msgId }) => msgId === first.msgId),
    )
  },
})

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

// [ERR-08] After a frame that was answered with `error`, the next valid frame MUST be processed as if it had come alone.
export const nextFrameWorksAfterARefusal = defineCase({
  id: 'errors/next-frame-works-after-a-refusal',
  rules: ['ERR-08'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const refused = alice.request({ type: 'send', msgId: 'no-uuid', to: bob.user.id, content: 'hi' })
    const accepted = alice.send(bob, 'hi')
    return all(expectError(await refused, 'BAD_MSGID'), expectAnswer(await accepted, 'sent'))
  },
})

// [FRM-02] `null`, a number, a string, an array or no JSON at all MUST be refused like any other malformed input.
// [FRM-01] It MUST NOT affect anything but its own connection.
export const nullEndsOnlyItsOwnConnection = defineCase({
  id: 'framing/null-ends-only-its-own-connection',
  rules: ['FRM-02', 'FRM-01'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const [alice, bob] = await t.pair()
    t.about('FRM-02')
    for (const text of ['null', '42', '"hello"', '[]', '{']) {
      const stranger = await t.connect()
      stranger.writeText(text)
      t.check(expectClose(await stranger.ended(), 'BAD_FRAME'))
    }
    t.about('FRM-01')
    const { content } = await bob.delivery(await alice.dm(bob, 'still here'))
    return expectEqual('content between two bystanders', content, 'still here')
  },
})

// [FRM-03] A well-formed frame of unknown type: error 202, the connection stays open.
export const unknownTypeIsRefused = defineCase({
  id: 'framing/unknown-type-is-refused',
  rules: ['FRM-03'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const reply = await alice.request({ type: 'no-such-type' })
    await alice.ping()
    return expectError(reply, 'UNKNOWN_TYPE')
  },
})

// [HB-01] Whoever receives a `ping` MUST answer it with a `pong` of the same `n` within `timeoutMs`.
export const pingIsAnsweredWithItsNonce = defineCase({
  id: 'heartbeats/ping-is-answered-with-its-nonce',
  rules: ['HB-01'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const checks = []
    for (const n of [0, 1, 2 ** 32, maxSafe]) {
      const pingedAtMs = t.elapsedMs()
      const pong = await alice.ping(n)
      const tookMs = alice.arrivedAtMs(pong) - pingedAtMs
      checks.push(expectBetween(`ms to the pong of ${n}`, tookMs, 0, alice.welcome.heartbeat.timeoutMs))
    }
    return all(...checks)
  },
})

// [ORD-03] Sends of one connection to one conversation get seqs in the order in which they were sent.
// [ORD-05] Each connection receives a conversation in seq order.
export const pipelinedSendsKeepTheirOrder = defineCase({
  id: 'ordering/pipelined-sends-keep-their-order',
  rules: ['ORD-03', 'ORD-05'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const texts = Array.from({ length: 50 }, (_, index) => `message ${index + 1}`)
    const sents = await Promise.all(texts.map((text) => alice.dm(bob, text)))
    for (const sent of sents) await bob.delivery(sent)
    const arrived = bob.seen('msg')
    return [
      clause(
        'ORD-03',
        expectDense(
          'seqs in send order',
          sents.map(({ seq }) => seq),
        ),
      ),
      clause(
        'ORD-05',
        expectEqual(
          'seqs as they arrived',
          arrived.map(({ seq }) => seq),
          sents.map(({ seq }) => seq),
        ),
      ),
    ]
  },
})

// [GRP-01] Each live connection of each member except the origin MUST receive each message of the group once.
export const everyMemberDeviceGetsItOnce = defineCase({
  id: 'groups/every-member-device-gets-it-once',
  rules: ['GRP-01'],
  level: 'must',
  needs: ['groups', 'devices'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const bobsPhone = await t.connect(bob)
    const carol = await t.connect()
    const conv = await t.group(alice, bob, carol)
    const sent = await alice.say(conv)
    const checks = []
    for (const device of [bob, bobsPhone, carol]) {
      await device.delivery(sent)
      await device.fence(conv)
      checks.push(
        expectEqual(`copies at ${device.label}`, device.seen('msg', { msgId: sent.msgId }).length, 1),
      )
    }
    return all(...checks, expectNone(await alice.fence(conv), 'msg'))
  },
})

// [HIS-01] The pages of a query, whatever their sizes, MUST together hold every message of its range, once, in order.
export const pagesOfAnySizeHoldEverythingOnce = defineCase({
  id: 'history/pages-of-any-size-hold-everything-once',
  rules: ['HIS-01'],
  level: 'must',
  needs: ['history'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const sents = await Promise.all(Array.from({ length: 20 }, () => alice.dm(bob)))
    const conv = sents[0]?.conv ?? ''
    const wanted = sents.map(({ msgId }) => msgId)
    const checks = []
    for (const limit of [1, 3, 7, 20, 21]) {
      const items = await bob.wholeHistory(conv, { limit })
      checks.push(
        expectEqual(
          `msgIds in pages of ${limit}`,
          items.map(({ msgId }) => msgId),
          wanted,
        ),
      )
    }
    return all(...checks)
  },
})

export const sampleCases = [
  everySendGetsOneAnswer,
  unsignedTokenIsRefused,
  repeatGetsTheFirstAnswer,
  messageArrivesOnceByteForByte,
  nextFrameWorksAfterARefusal,
  nullEndsOnlyItsOwnConnection,
  unknownTypeIsRefused,
  pingIsAnsweredWithItsNonce,
  pipelinedSendsKeepTheirOrder,
  everyMemberDeviceGetsItOnce,
  pagesOfAnySizeHoldEverythingOnce,
]
