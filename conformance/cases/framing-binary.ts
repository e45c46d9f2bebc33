// Framing and codec, the body of the binary form: SPEC.md#the-binary-form.
import { randomUUID } from 'node:crypto'
import { frameNumbers } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import { expectEqual } from '../expect.ts'
import { binaryMessage, encodeCbor } from '../loose.ts'
import { all, clause } from '../outcome.ts'
import { expectEachCloses, labelled } from '../provoke.ts'

const binary = ['cbor'] as const

// [FRM-27] The body is one map of definite lengths, text keys and no tags, and of nothing else; otherwise 4502.
export const bodyOutsideTheSubsetCloses = defineCase({
  id: 'framing/body-outside-the-subset-closes',
  rules: ['FRM-27', 'FRM-17'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const checked = await expectEachCloses(t, outsideTheSubset, 'BAD_FRAME')
    return [clause('FRM-27', checked), clause('FRM-17', checked)]
  },
})

// [FRM-27] Everything of the subset may stand in a field that nobody knows.
export const subsetIsReadInUnknownFields = defineCase({
  id: 'framing/subset-is-read-in-unknown-fields',
  rules: ['FRM-27'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const alice = await t.connect()
    const checks = []
    for (const value of subset) {
      alice.writeBinary(message(`a3 61 7a ${value} 61 6e 07 61 61 ${value}`))
      checks.push(labelled(value, expectEqual('n of the pong', (await alice.next('pong')).n, 7)))
    }
    return all(...checks)
  },
})

// [FRM-29] Readers MUST accept the keys of a map in any order.
export const keysAreReadInAnyOrder = defineCase({
  id: 'framing/keys-are-read-in-any-order',
  rules: ['FRM-29'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const [alice, bob] = await t.pair()
    const fields = Object.entries({
      to: bob.user.id,
      content: 'any order',
      meta: { b: 'x', a: 'y' },
      clientTime: 1,
    })
    const checks = []
    for (let round = 0; round < 8; round++) {
      const msgId = randomUUID()
      const body = Object.fromEntries(
        t.random.shuffled([...fields, ['id', alice.nextId()], ['msgId', msgId]]),
      )
      alice.writeBinary(binaryMessage({ type: frameNumbers.send, body: encodeCbor(body) }))
      const { content } = await bob.delivery({ msgId })
      checks.push(labelled(Object.keys(body).join(', '), expectEqual('content', content, 'any order')))
    }
    return all(...checks)
  },
})

// [FRM-07] A length inside a frame is checked against the bytes that remain, before memory is reserved for it.
export const innerLengthIsCheckedAgainstWhatRemains = defineCase({
  id: 'framing/inner-length-is-checked-against-what-remains',
  rules: ['FRM-07'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const sizes = {
      '2^16': '19 ffff',
      '2^32': '1a ffffffff',
      '2^53': '1b 001fffffffffffff',
      '2^64': '1b ffffffffffffffff',
    }
    const kinds = { bytes: 2, text: 3, list: 4, map: 5 }
    const messages = Object.entries(sizes).flatMap(([size, argument]) =>
      Object.entries(kinds).map(([kind, major]) => {
        const head = hex(argument)
        head[0] = (head[0] ?? 0) | (major << 5)
        return [`${kind} of ${size}`, message(`a2 61 6e 01 61 78 ${head.toString('hex')} 00`)]
      }),
    )
    const body = {
      'a body of 2^32 entries': message('ba ffffffff 61 6e 01'),
      'a key of 2^32 bytes': message('a1 7a ffffffff'),
    }
    return expectEachCloses(t, { ...Object.fromEntries(messages), ...body }, 'BAD_FRAME')
  },
})

// [FRM-08] Truncated, followed by further bytes, or a number or length in more bytes than needed: refused as a whole.
export const partOfABodyIsNotProcessed = defineCase({
  id: 'framing/part-of-a-body-is-not-processed',
  rules: ['FRM-08'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const [alice, bob] = await t.pair()
    const body = encodeCbor({ id: 1, msgId: randomUUID(), to: bob.user.id, content: 'in part' })
    const send = (bytes: Buffer): Buffer => binaryMessage({ type: frameNumbers.send, body: bytes })
    const cuts = Array.from({ length: 12 }, () => t.random.integer(0, body.length - 1))
    const messages = {
      ...Object.fromEntries(cuts.map((at) => [`cut at byte ${at}`, send(body.subarray(0, at))])),
      'one byte more': send(Buffer.concat([body, hex('00')])),
      'a second map': send(Buffer.concat([body, body])),
      ...notShortest,
    }
    const closed = await expectEachCloses(t, messages, 'BAD_FRAME')
    await bob.delivery(await alice.dm(bob, 'whole'))
    await bob.fence()
    const contents = bob.seen('msg').map(({ content }) => content)
    return all(closed, expectEqual('contents at bob', contents, ['whole']))
  },
})

// [FRM-09] Text MUST be valid UTF-8, in keys too.
export const invalidUtf8InABodyCloses = defineCase({
  id: 'framing/invalid-utf8-in-a-body-closes',
  rules: ['FRM-09'],
  level: 'must',
  encodings: binary,
  async run(t) {
    const bad = ['ff', '80', 'c080', 'e080af', 'eda080', 'edbfbf', 'f4908080', 'f888808080', 'e282']
    const messages = bad.flatMap((bytes) => {
      const text = `${(0x60 + bytes.length / 2).toString(16)}${bytes}`
      return [
        [`value ${bytes}`, message(`a2 61 6e 01 61 78 ${text}`)],
        [`key ${bytes}`, message(`a2 61 6e 01 ${text} 01`)],
      ]
    })
    return expectEachCloses(t, Object.fromEntries(messages), 'BAD_FRAME')
  },
})

/** A `ping` of `{ n: 1 }` and something that is not allowed. */
const outsideTheSubset: Record<string, Buffer> = {
  'a list as body': message('82 616e 01'),
  'a number as body': message('01'),
  'null as body': message('f6'),
  'a map without end mark': message('bf 616e 01 ff'),
  'text without a length': message('a2 616e 01 6178 7f 6161 ff'),
  'bytes without a length': message('a2 616e 01 6178 5f 4161 ff'),
  'a list without a length': message('a2 616e 01 6178 9f 01 ff'),
  'a tag': message('a2 616e 01 6178 c0 6161'),
  'a tagged number': message('a1 616e c2 4101'),
  'a tagged body': message('d9d9f7 a1 616e 01'),
  undefined: message('a2 616e 01 6178 f7'),
  'simple value 0': message('a2 616e 01 6178 e0'),
  'simple value 32': message('a2 616e 01 6178 f820'),
  'true in two bytes': message('a2 616e 01 6178 f815'),
  'a break alone': message('a2 616e 01 6178 ff'),
  'a number as key': message('a2 616e 01 01 01'),
  'bytes as key': message('a2 616e 01 4178 01'),
  'reserved length 28': message('a2 616e 01 6178 1c'),
  'reserved length 30': message('a2 616e 01 6178 7e'),
}

/** One value of each kind and width. */
const subset = [
  ...['20', '3b 001fffffffffffff', '1b 001fffffffffffff'],
  ...['40', '44 00ff0102', '60', '64 f09f9880'],
  ...['f4', 'f5', 'f6', 'f9 3e00', 'fa 47c35000', 'fb 3ff199999999999a'],
  ...['80', 'a0', '82 81 f6 a0', 'a1 61 61 a1 61 62 82 01 20'],
]

const notShortest: Record<string, Buffer> = {
  '1 in two bytes': message('a1 616e 1801'),
  '255 in three bytes': message('a1 616e 1900ff'),
  '65535 in five bytes': message('a1 616e 1a0000ffff'),
  '2^32 - 1 in nine bytes': message('a1 616e 1b00000000ffffffff'),
  '-1 in two bytes': message('a2 616e 01 6178 3800'),
  'a key with a long length': message('a1 78016e 01'),
  'text with a long length': message('a2 616e 01 6178 790001 61'),
  'bytes with a long length': message('a2 616e 01 6178 5801 61'),
  'a list with a long length': message('a2 616e 01 6178 9800'),
  'a body with a long length': message('b801 616e 01'),
}

/** A `ping` with this body. */
function message(body: string): Buffer {
  return binaryMessage({ type: frameNumbers.ping, body: hex(body) })
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}
