// Framing and codec, the JSON form: SPEC.md#the-json-form.
import { randomUUID } from 'node:crypto'
import { defineCase } from '../case.ts'
import { expectEqual, expectThat } from '../expect.ts'
import { all, clause } from '../outcome.ts'
import { expectEachCloses, expectEachRefused, type Refusal } from '../provoke.ts'
import { tap } from '../tap.ts'

const ping = '{"type":"ping","n":1}'

// [FRM-02] `null`, a number, a string, an array or no JSON at all. [FRM-17] Closed with 4502.
export const textThatIsNoObjectCloses = defineCase({
  id: 'framing/text-that-is-no-object-closes',
  rules: ['FRM-02', 'FRM-17'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const checked = await expectEachCloses(t, named(noObjects), 'BAD_FRAME')
    return [clause('FRM-02', checked), clause('FRM-17', checked)]
  },
})

// [FRM-08] A frame that is truncated or followed by further bytes is refused as a whole, never processed in part.
export const cutTextIsNotProcessed = defineCase({
  id: 'framing/cut-text-is-not-processed',
  rules: ['FRM-08'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const send = JSON.stringify({
      type: 'send',
      id: 1,
      msgId: randomUUID(),
      to: bob.user.id,
      content: 'in part',
    })
    const cuts = Array.from({ length: 12 }, () => send.slice(0, t.random.integer(1, send.length - 1)))
    const more = [`${send}{}`, `${send}"`, `${send}\u0000`]
    const closed = await expectEachCloses(t, named([...cuts, ...more]), 'BAD_FRAME')
    await bob.delivery(await alice.dm(bob, 'whole'))
    await bob.fence()
    const contents = bob.seen('msg').map(({ content }) => content)
    return all(closed, expectEqual('contents at bob', contents, ['whole']))
  },
})

// [FRM-20] A number that is spelled with a fraction or an exponent but has an integer value MUST be accepted as that integer.
export const integerInAnySpellingIsAccepted = defineCase({
  id: 'framing/integer-in-any-spelling-is-accepted',
  rules: ['FRM-20'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const alice = await t.connect()
    const checks = []
    for (const spelling of ['1.0', '1e3', '1E+3', '12.50e1', '2000e-3', '0.0', '0e5', '9007199254740991.0']) {
      alice.writeText(`{"type":"ping","n":${spelling}}`)
      const { n } = await alice.next('pong')
      checks.push(expectEqual(`n of the pong for ${spelling}`, n, Number(spelling)))
    }
    return all(...checks)
  },
})

// [FRM-09] Text MUST be valid UTF-8. [VAR-07] The WebSocket layer may end the connection with 1007 or without a close frame.
export const invalidUtf8Closes = defineCase({
  id: 'framing/invalid-utf8-closes',
  rules: ['FRM-09'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const bad = [
      'ff',
      '80',
      'c0 80',
      'c1 bf',
      'e0 80 af',
      'ed a0 80',
      'ed bf bf',
      'f4 90 80 80',
      'f8 88 80 80 80',
      'e2 82',
    ]
    const messages = bad.map((hex) => {
      const parts = ['{"type":"ping","n":1,"x":"', Buffer.from(hex.replaceAll(' ', ''), 'hex'), '"}']
      const payload = Buffer.concat(parts.map((part) => Buffer.from(part as string)))
      return [`bytes ${hex}`, { kind: 'text' as const, payload }]
    })
    return expectEachCloses(t, Object.fromEntries(messages), ['BAD_FRAME', 1007, 1006])
  },
})

// [FRM-09] A lone surrogate in a known field MUST be refused.
export const loneSurrogateIsRefused = defineCase({
  id: 'framing/lone-surrogate-is-refused',
  rules: ['FRM-09'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const alice = await t.connect()
    const send = { type: 'send', to: alice.user.id, content: 'hi' }
    const rows: Record<string, Refusal> = {}
    for (const text of ['\ud800', '\udfff', 'a\udc00b', '\udc00\ud800', '😀\ud83d']) {
      const what = JSON.stringify(text)
      const wrong = (field: string, value: unknown): Refusal => {
        return {
          frame: { ...send, msgId: randomUUID(), [field]: value },
          error: 'BAD_REQUEST',
          names: [field],
        }
      }
      rows[`content ${what}`] = wrong('content', text)
      rows[`meta ${what}`] = wrong('meta', { key: text })
    }
    const escaped = await alice.dm(alice, '😀')
    const refused = await expectEachRefused(t, alice, rows)
    return all(refused, expectEqual('seq of a pair of surrogates', escaped.seq, 1))
  },
})

// [FRM-21] Opaque content is canonical padded base64 with `encoding`; text content has no `encoding`.
export const opaqueContentIsCanonicalBase64 = defineCase({
  id: 'framing/opaque-content-is-canonical-base64',
  rules: ['FRM-21', 'FRM-22', 'FRM-04'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const raw = tap(bob)
    const bytes = t.random.bytes(100)
    await bob.delivery(await alice.dm(bob, bytes))
    await bob.delivery(await alice.dm(bob, 'text'))
    const texts = raw.map((message) => message.toString())
    const msgs = texts.map((text) => JSON.parse(text)).filter(({ type }) => type === 'msg')
    const forms = msgs.map(({ content, encoding }) => ({ content, encoding }))
    const base64 = Buffer.from(bytes).toString('base64')
    const wanted = [
      { content: base64, encoding: 'base64' },
      { content: 'text', encoding: undefined },
    ]
    return [
      clause('FRM-21', expectEqual('content and encoding', forms, wanted)),
      clause('FRM-22', expectThat('no byte order mark', !texts.some((text) => text.startsWith('\ufeff')))),
      clause('FRM-04', await expectEachRefused(t, alice, otherBase64(bob.user.id))),
    ]
  },
})

function otherBase64(to: string): Record<string, Refusal> {
  const spellings = {
    unpadded: '/w',
    'URL alphabet': '_w==',
    'unused bits': '/x==',
    'white space': '/w= =',
    'no base64': 'ä',
  }
  const rows = Object.entries(spellings).map(([what, content]) => {
    const frame = { type: 'send', msgId: randomUUID(), to, content, encoding: 'base64' }
    return [what, { frame, error: 'BAD_REQUEST' as const, names: ['content', 'encoding'] }]
  })
  const hex = { type: 'send', msgId: randomUUID(), to, content: 'ff', encoding: 'hex' }
  return {
    ...Object.fromEntries(rows),
    hex: { frame: hex, error: 'BAD_REQUEST', names: ['encoding', 'content'] },
  }
}

function named(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text) => [JSON.stringify(text), text]))
}

/** No JSON object, or almost one. */
const noObjects = [
  '',
  ' ',
  'null',
  'true',
  '42',
  '"ping"',
  '[]',
  `[${ping}]`,
  '{',
  'ping',
  'NaN',
  'undefined',
  ping.slice(0, -1),
  `${ping},`,
  `${ping}}`,
  `${ping} // n`,
  `/* ${'*'}/${ping}`,
  "{'type':'ping','n':1}",
  '{type:"ping",n:1}',
  '{"type":"ping","n":1,}',
  '{"type":"ping","n":01}',
  '{"type":"ping","n":+1}',
  '{"type":"ping","n":0x1}',
  '{"type":"ping","n":1.}',
  '{"type":"ping","n":1,"x":"\u0001"}',
  '{"type":"ping","n":1,"x":"\\x41"}',
  `\u00a0${ping}`,
]
