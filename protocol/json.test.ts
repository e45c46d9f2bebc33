// What the vectors do not show about the JSON codec: what it says, what it hides, and its two ways of reading.
import { describe, expect, it } from 'vitest'
import { defaultLimits, type Hello, jsonCodec, type Msg, type Send } from './index.ts'

const msgId = '3f0b1c2d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
const send: Send = { type: 'send', id: 4, msgId, to: 'bob', content: 'hi' }
const msg: Msg = {
  type: 'msg',
  conv: 'd:alice:bob',
  epoch: 'k3',
  seq: 1,
  msgId,
  from: 'alice',
  content: 'hi',
  timestamp: 2,
}

function client(text: string) {
  return jsonCodec.decodeClient(text, defaultLimits)
}

function detailOf(text: string): string {
  const decoded = client(text)
  if (decoded.ok) throw new Error('accepted')
  return decoded.detail
}

describe('a refusal', () => {
  it.each([
    [
      { ...send, to: 5 },
      'to: a number arrived, a name of 1 to 64 characters of A-Z a-z 0-9 . _ ~ @ - is allowed',
    ],
    [{ ...send, content: null }, 'content: null arrived, text is allowed'],
    [{ ...send, content: undefined }, 'content: nothing arrived, text is allowed'],
    [{ ...send, id: 0 }, 'id: 0 arrived, an integer from 1 to 4294967295 is allowed'],
    [{ ...send, meta: { k: [] } }, 'meta: a list of 0 arrived, text is allowed'],
    [
      { type: 'sync', id: 1, limit: 1, cursors: [{}] },
      'cursors[0].conv: nothing arrived, d:<low user>:<high user> or g:<group> is allowed',
    ],
    [{ type: 'shout' }, 'type shout arrived, which is no frame type of a client'],
  ])('of %j says what arrived and what is allowed', (frame, detail) => {
    expect(detailOf(JSON.stringify(frame))).toBe(detail)
  })

  it('never repeats a token, content or anything else in the wrong place', () => {
    const hello: Hello = { type: 'hello', id: 1, token: 't', deviceId: 'd' }
    const secret = 'hunter2-is-\u00e4-secret'
    const frames: object[] = [
      ...Object.keys(hello).map((field) => ({ ...hello, [field]: secret })),
      ...['type', 'id', 'msgId', 'to'].map((field) => ({ ...send, [field]: secret })),
      { ...send, content: [secret] },
      { ...send, content: secret, encoding: 'base64' },
      { ...send, encoding: secret },
      { ...send, meta: { [secret]: 'v' } },
      { ...send, contentType: secret },
      { [secret]: 1 },
    ]
    for (const frame of frames) expect(detailOf(JSON.stringify(frame))).not.toContain('hunter2')
    expect(detailOf(`{"token":"${secret}"`)).not.toContain('hunter2')
    expect(detailOf(`{"${secret}":1,"${secret}":2}`)).not.toContain('hunter2')
  })
})

describe('decoding', () => {
  it('leaves absent what is absent, and unknown what is unknown', () => {
    const decoded = client(JSON.stringify({ ...send, from: 'eve', x: 1 }))
    expect(decoded).toStrictEqual({ ok: true, message: send })
  })

  it('finds a key that comes twice where exponents make the text as short as without it', () => {
    const twice = '{"type":"ping","n":1e12,"n":1e12}'
    expect(twice.length).toBe(jsonCodec.encode({ type: 'ping', n: 1e12 }, 0).length)
    expect(client(twice)).toMatchObject({ ok: false, rule: 'SEC-04' })
  })

  it('accepts numbers that an exponent could have shortened', () => {
    for (const n of [1000, 12_000, 1e12, 2 ** 53 - 1, 2 ** 53 - 992]) {
      expect(client(`{"type":"ping","n":${n}}`)).toEqual({ ok: true, message: { type: 'ping', n } })
    }
  })

  it('looks at the structure of a long text too', () => {
    const long = { ...send, content: '["'.repeat(2_500) }
    const text = JSON.stringify(long)
    expect(client(text)).toEqual({ ok: true, message: long })
    expect(client(text.replace('"id"', '"x":{"a":1,"a":2},"id"'))).toMatchObject({ rule: 'SEC-04' })
    expect(client(text.replace('"id"', `"x":${'['.repeat(8)}${']'.repeat(8)},"id"`))).toMatchObject({
      rule: 'SEC-04',
    })
  })

  it('refuses 100,000 levels at once', () => {
    expect(client('{"a":'.repeat(20_000))).toMatchObject({
      rule: 'SEC-04',
      detail: expect.stringContaining('20000'),
    })
  })

  it('refuses a surrogate without its pair that no escape hides', () => {
    const text =
      '{"type":"send","id":4,"msgId":"3f0b1c2d-4e5f-4a6b-8c7d-9e0f1a2b3c4d","to":"bob","content":"\ud800"}'
    expect(client(text)).toMatchObject({ ok: false, rule: 'FRM-09', code: 101, id: 4, msgId })
  })

  it('leaves no trace of __proto__', () => {
    const decoded = client(
      `{"type":"ping","n":1,"__proto__":{"polluted":1},"x":{"__proto__":{"polluted":1}}}`,
    )
    expect(decoded).toStrictEqual({ ok: true, message: { type: 'ping', n: 1 } })
    expect(Object.getPrototypeOf(decoded.ok && decoded.message)).toBe(Object.prototype)
    expect('polluted' in {}).toBe(false)
  })

  it('takes a meta key that objects inherit', () => {
    const message = { ...send, meta: { constructor: 'x' } }
    expect(client(JSON.stringify(message))).toStrictEqual({ ok: true, message })
  })

  it('counts bytes of content, not characters', () => {
    const text = JSON.stringify({ ...send, content: 'ü'.repeat(5) })
    expect(jsonCodec.decodeClient(text, { maxFrame: 1_000, maxContent: 10 })).toMatchObject({ ok: true })
    expect(jsonCodec.decodeClient(text, { maxFrame: 1_000, maxContent: 9 })).toMatchObject({ code: 105 })
  })
})

describe('encoding', () => {
  it('puts the fields in the order of the specification', () => {
    const { type, timestamp, ...rest } = msg
    expect(jsonCodec.encode({ timestamp, ...rest, type }, 0)).toBe(JSON.stringify(msg))
  })

  it('escapes a surrogate without its pair, so that the text can be sent and is refused by its reader', () => {
    const text = jsonCodec.encode({ ...send, content: '\ud800' }, 0)
    expect(text).toContain('"\\ud800"')
    expect(client(text)).toMatchObject({ ok: false, rule: 'FRM-09', code: 101 })
  })

  it('lets no text break out of its quotes', () => {
    const evil = 'bob","content":"forged'
    expect(JSON.parse(jsonCodec.encode({ ...send, to: evil }, 0))).toEqual({ ...send, to: evil })
  })
})
