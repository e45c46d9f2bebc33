// Framing and codec, what holds for every message: SPEC.md#every-message.
import { randomUUID } from 'node:crypto'
import { type Encoding, frameDirections, frameNumbers } from '../../protocol/index.ts'
import { pick } from '../batches.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectAnswer, expectEqual } from '../expect.ts'
import { binaryMessage, encodeLoose } from '../loose.ts'
import { all, type Checked, clause } from '../outcome.ts'
import { expectEachCloses, expectEachRefused, labelled, ownFault, writeMessage } from '../provoke.ts'
import { specimens } from '../specimens.ts'

// [FRM-15] A WebSocket message MUST hold exactly one frame. [FRM-17] Bytes that are no frame close with 4502.
export const messageHoldsOneFrame = defineCase({
  id: 'framing/message-holds-one-frame',
  rules: ['FRM-15', 'FRM-17'],
  level: 'must',
  async run(t) {
    const { payload } = encodeLoose(t.encoding, { type: 'ping', n: 1 })
    const message = (...parts: Uint8Array[]): string | Uint8Array =>
      t.encoding === 'json' ? Buffer.concat(parts).toString() : Buffer.concat(parts)
    const messages = {
      'two frames': message(payload, payload),
      'two frames and a line feed': message(payload, Buffer.from('\n'), payload),
      'half a frame': message(payload.subarray(0, payload.length >> 1)),
      'no frame': message(),
    }
    const checked = await expectEachCloses(t, messages, 'BAD_FRAME')
    return [clause('FRM-15', checked), clause('FRM-17', checked)]
  },
})

// [FRM-16] 4502 for a binary message on a JSON connection and a text message on a binary one, whatever they hold.
export const messageOfTheOtherKindCloses = defineCase({
  id: 'framing/message-of-the-other-kind-closes',
  rules: ['FRM-16'],
  level: 'must',
  async run(t) {
    const ping = (encoding: Encoding): Buffer => encodeLoose(encoding, { type: 'ping', n: 1 }).payload
    const wrongKind = (payload: Buffer): string | Uint8Array =>
      t.encoding === 'json' ? payload : payload.toString('latin1')
    const messages = {
      'a frame of the other encoding': wrongKind(ping(t.otherEncoding)),
      'a frame of this encoding': wrongKind(ping(t.encoding)),
      nothing: wrongKind(Buffer.alloc(0)),
    }
    return expectEachCloses(t, messages, 'BAD_FRAME')
  },
})

// [FRM-01] A malformed frame MUST NOT affect anything but the connection that it came in on.
export const garbageHurtsNobodyElse = defineCase({
  id: 'framing/garbage-hurts-nobody-else',
  rules: ['FRM-01'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const stranger = t.user()
    for (const garbage of garbageOf(t)) {
      const vandal = await t.connect(stranger)
      writeMessage(vandal, garbage)
      const [msgId, content] = [randomUUID(), t.random.text(20)]
      alice.write({ type: 'send', id: alice.nextId(), msgId, to: bob.user.id, content })
      const arrived = await bob.maybe('msg', { msgId })
      t.check(expectEqual('content between two bystanders', arrived?.content, content))
      await vandal.close()
    }
    return expectEqual(
      'ends of the bystanders',
      [await alice.ended(0), await bob.ended(0)],
      [undefined, undefined],
    )
  },
})

// [FRM-03] An unknown type, none, or one that only servers write: error 202, and the connection stays.
export const typeThatNoClientWritesIsRefused = defineCase({
  id: 'framing/type-that-no-client-writes-is-refused',
  rules: ['FRM-03'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const serverTypes = Object.entries(frameDirections).filter(([, side]) => side === 'server')
    // In the binary form a type is a number, and a name without one is written as 255.
    const unknownTypes = {
      json: ['shout', '', 'Ping', 'ping ', 5, null, true, undefined],
      cbor: ['shout', 27, 128],
    }
    const types = [...serverTypes.map(([type]) => type), ...unknownTypes[t.encoding]]
    const rows = types.map((type) => {
      return [`type ${type}`, { frame: { type, content: 'hi' }, error: 'UNKNOWN_TYPE' as const }]
    })
    return expectEachRefused(t, alice, Object.fromEntries(rows))
  },
})

// [FRM-03] Unknown fields are ignored in every frame.
export const unknownFieldsAreIgnored = defineCase({
  id: 'framing/unknown-fields-are-ignored',
  rules: ['FRM-03'],
  level: 'must',
  async run(t) {
    const user = t.user()
    const alice = await t.open(user)
    const junk = { x: 1, ü: -1, none: null, list: [true, [], {}], map: { type: 'bye', id: 0, content: 'x' } }
    const token = await t.token(user)
    const hello = await ownFault(alice.requestHello({ token, caps: ['receipts'], ...junk }))
    const position = await (await t.connect()).dm(user)
    await alice.delivery(position)
    const caps = alice.seen('welcome')[0]?.caps ?? []
    const requests = specimens(caps, { to: user.id, token, position, group: t.groupName() })
    const checks = [expectAnswer(hello, 'welcome')]
    for (const { frame, answer } of requests)
      checks.push(labelled(`${frame.type}`, expectAnswer(await alice.request({ ...frame, ...junk }), answer)))
    alice.write({ type: 'ping', n: 5, ...junk })
    const { n } = await alice.next('pong', { n: 5 })
    return all(...checks, expectEqual('n of the pong', n, 5))
  },
})

// [FRM-10] U+0000 and every other control character in text MUST arrive as they were sent.
export const controlCharactersArrive = defineCase({
  id: 'framing/control-characters-arrive',
  rules: ['FRM-10'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const codes = [...Array(0x20).keys(), 0x22, 0x5c, ...Array.from({ length: 0x21 }, (_, at) => 0x7f + at)]
    const text = String.fromCharCode(...codes, 0x20_28, 0x20_29, 0xfe_ff, 0xff_ff)
    const sent = await alice.dm(bob, text, { meta: { control: text } })
    const msg = await bob.delivery(sent)
    const next = await bob.delivery(await alice.dm(bob, 'next'))
    return all(
      expectEqual('content', msg.content, text),
      expectEqual('meta', msg.meta, { control: text }),
      expectEqual('the next content', next.content, 'next'),
    )
  },
})

// [FRM-12] A message MUST arrive the same, whichever encodings its sender and its receivers speak.
export const encodingsCarryTheSame = defineCase({
  id: 'framing/encodings-carry-the-same',
  rules: ['FRM-12'],
  level: 'must',
  needs: ['devices', 'both-encodings'],
  async run(t) {
    const alice = await t.connect()
    const bob = await t.connect()
    const translated = await t.connect(bob, { encoding: t.otherEncoding })
    const more = {
      contentType: 'text/x; a="b"',
      clientTime: t.random.integer(0, 2 ** 45),
      meta: { key: t.random.text(9) },
    }
    const checks: Checked[] = []
    for (const content of ['', t.random.text(99), new Uint8Array(0), t.random.bytes(99)])
      for (const options of [{}, more]) {
        const sent = await alice.dm(bob, content, options)
        const wanted = { content, contentType: undefined, clientTime: undefined, meta: undefined, ...options }
        for (const device of [bob, translated]) {
          const seen = pick(await device.delivery(sent), 'content', 'contentType', 'clientTime', 'meta')
          checks.push(expectEqual(`what arrives in ${device.encoding}`, seen, wanted))
        }
      }
    return all(...checks)
  },
})

/** What has crashed servers, and what chance makes. */
function garbageOf(t: CaseContext): (string | Uint8Array)[] {
  const chance = Array.from({ length: 10 }, () => t.random.bytes(t.random.integer(0, 200)))
  if (t.encoding === 'cbor')
    return [new Uint8Array(0), new Uint8Array([0x1f]), ...chance.map(behindAHeader), ...chance]
  const classics = [
    'null',
    '0',
    '""',
    '[]',
    '{}',
    '[null]',
    '{"type":null}',
    '{"type":"__proto__"}',
    '{"type":{}}',
  ]
  return [...classics, ...chance.map((bytes) => Buffer.from(bytes).toString('latin1'))]
}

function behindAHeader(body: Uint8Array): Uint8Array {
  return binaryMessage({ type: frameNumbers.send, body })
}
