// Frames of known and unknown types that are refused with a reply: the connection stays. In both encodings.
import { errors, type FrameType, frameFields, maxCursorsPerFrame } from '../protocol/index.ts'
import { type Bytes, frame, head, map, sortedEntries, uint } from './vector-bytes.ts'
import {
  bodyOf,
  cborFrame,
  type Draft,
  type InvalidVector,
  invalidCbor,
  invalidJson,
  jsonText,
  type Side,
  type Verdict,
  vectorLimits,
} from './vector-format.ts'
import { clientSamples, serverSamples } from './vector-frames.ts'

interface Case {
  name: string
  from: Side
  type: FrameType
  draft: Draft
  verdict: Verdict
  /** Only in one encoding. */
  only?: 'json' | 'cbor'
}

const msgId = '3f0b1c2d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
const position = { conv: 'd:alice:bob', epoch: 'k3', seq: 42 }
const send = { id: 4, msgId, to: 'bob', content: 'hi' }
const hello = { id: 1, token: 't', deviceId: 'phone' }

export function invalidFields(): InvalidVector[] {
  const cases = [
    ...missingCases(),
    ...nullCases(),
    ...mistypedCases(),
    ...integerCases(),
    ...textCases(),
    ...contentCases(),
    ...collectionCases(),
  ]
  return [...cases.flatMap(inBoth), ...jsonOnly(), ...cborOnly(), ...unknownTypes()]
}

function inBoth({ name, from, type, draft, verdict, only }: Case): InvalidVector[] {
  const vectors: InvalidVector[] = []
  if (only !== 'cbor') vectors.push(invalidJson(name, from, jsonText(type, draft), verdict, draft))
  if (only !== 'json') vectors.push(invalidCbor(name, from, cborFrame(type, draft), verdict, draft))
  return vectors
}

function bad(field: string, rule = 'FRM-04'): Verdict {
  return { rule, code: errors.BAD_REQUEST.code, field }
}

function fieldCase(name: string, type: FrameType, draft: Draft, field: string, rule?: string): Case {
  const from = serverTypes.has(type) ? 'server' : 'client'
  return { name: `${type}.${field}/${name}`, from, type, draft, verdict: bad(field, rule) }
}

const serverTypes = new Set<FrameType>(serverSamples.map(({ message }) => message.type))
for (const { message } of clientSamples) serverTypes.delete(message.type)

/** One sample of each type with as many fields as possible. */
function samples(): { type: FrameType; body: Draft }[] {
  const fullest = new Map<FrameType, Draft>()
  for (const { message } of [...clientSamples, ...serverSamples]) {
    const body = bodyOf(message)
    const known = fullest.get(message.type)
    if (!known || Object.keys(body).length > Object.keys(known).length) fullest.set(message.type, body)
  }
  return [...fullest].map(([type, body]) => ({ type, body }))
}

function missingCases(): Case[] {
  return samples().flatMap(({ type, body }) =>
    frameFields[type]
      .filter(({ optional }) => !optional)
      .map(({ name }) => fieldCase('missing', type, { ...body, [name]: undefined }, name)),
  )
}

function nullCases(): Case[] {
  return samples().flatMap(({ type, body }) =>
    Object.keys(body).map((name) => fieldCase('null', type, { ...body, [name]: null }, name)),
  )
}

/** Something that no field takes: a list of a boolean. */
function mistypedCases(): Case[] {
  return samples().flatMap(({ type, body }) =>
    Object.keys(body).map((name) => {
      const path = Array.isArray(body[name]) && name !== 'content' ? `${name}[0]` : name
      return fieldCase('mistyped', type, { ...body, [name]: [true] }, path)
    }),
  )
}

function integerCases(): Case[] {
  const outOfRange: [string, FrameType, Draft, string][] = [
    ['zero', 'join', { id: 0, conv: 'g:a' }, 'id'],
    ['2^32', 'join', { id: 2 ** 32, conv: 'g:a' }, 'id'],
    ['zero', 'send', { ...send, id: 0 }, 'id'],
    ['2^32', 'send', { ...send, id: 2 ** 32 }, 'id'],
    ['zero', 'ack', { ...position, id: 0 }, 'id'],
    ['2^32', 'ack', { ...position, id: 2 ** 32 }, 'id'],
    ['zero', 'sync', { id: 1, cursors: [], limit: 0 }, 'limit'],
    ['zero', 'history', { id: 1, conv: 'g:a', order: 'asc', limit: 0 }, 'limit'],
    ['two digits', 'error', { code: 99, name: '', message: '', retryable: true }, 'code'],
    ['four digits', 'error', { code: 1000, name: '', message: '', retryable: true }, 'code'],
    ['three digits', 'bye', { code: 999, reason: '', reconnect: 'now' }, 'code'],
    ['5000', 'bye', { code: 5000, reason: '', reconnect: 'now' }, 'code'],
    ['2^53', 'ping', { n: 2 ** 53 }, 'n'],
    ['2^53', 'ack', { ...position, seq: 2 ** 53 }, 'seq'],
  ]
  return [
    ...outOfRange.map(([name, type, draft, field]) => fieldCase(name, type, draft, field, 'FRM-11')),
    fieldCase('text', 'ping', { n: '1' }, 'n'),
    fieldCase('boolean', 'ping', { n: true }, 'n'),
  ]
}

function textCases(): Case[] {
  const conversation = (name: string, conv: string) => fieldCase(name, 'join', { id: 1, conv }, 'conv')
  const user = (name: string, to: string) => fieldCase(name, 'send', { ...send, to }, 'to')
  const epoch = (name: string, given: string) =>
    fieldCase(name, 'ack', { ...position, epoch: given }, 'epoch')
  const withClient = (name: string) => ({ ...hello, client: { name, version: '1' } })
  const traceparent = '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01'
  return [
    ...[
      ['upper case', msgId.toUpperCase()],
      ['version 1', msgId.replace('-4a6b', '-1a6b')],
      ['variant of Microsoft', msgId.replace('-8c7d', '-cc7d')],
      ['braces', `{${msgId}}`],
      ['without hyphens', msgId.replaceAll('-', '')],
      ['empty', ''],
    ].map(([name = '', given]): Case => {
      const draft = { ...send, msgId: given }
      const verdict = { rule: 'FRM-18', code: errors.BAD_MSGID.code, field: 'msgId' }
      return { name: `send.msgId/${name}`, from: 'client', type: 'send', draft, verdict }
    }),
    conversation('users in the wrong order', 'd:bob:alice'),
    conversation('second user a beginning of the first', 'd:alice:al'),
    conversation('one user', 'd:alice'),
    conversation('three users', 'd:a:b:c'),
    conversation('no group', 'g:'),
    conversation('group of 65 characters', `g:${'x'.repeat(65)}`),
    conversation('second user of 65 characters', `d:a:${'b'.repeat(65)}`),
    conversation('unknown kind', 'x:alice'),
    conversation('upper case', 'G:team'),
    conversation('line break at the end', 'g:team\n'),
    user('empty', ''),
    user('65 characters', 'x'.repeat(65)),
    user('colon', 'a:b'),
    user('space', 'a b'),
    user('beyond ASCII', 'zoë'),
    user('line break at the end', 'bob\n'),
    epoch('empty', ''),
    epoch('129 characters', 'x'.repeat(129)),
    epoch('control character', 'a\tb'),
    epoch('beyond ASCII', 'ü'),
    fieldCase('empty', 'refresh', { id: 1, token: '' }, 'token'),
    fieldCase('8193 characters', 'refresh', { id: 1, token: 'x'.repeat(8193) }, 'token'),
    fieldCase('empty', 'send', { ...send, contentType: '' }, 'contentType'),
    fieldCase('129 characters', 'send', { ...send, contentType: 'x'.repeat(129) }, 'contentType'),
    fieldCase('upper case', 'hello', { ...hello, traceparent }, 'traceparent'),
    fieldCase('empty', 'hello', withClient(''), 'client.name'),
    fieldCase('65 characters', 'hello', withClient('\u{1f600}'.repeat(65)), 'client.name'),
    fieldCase('257 characters', 'bye', { code: 1000, reason: 'x'.repeat(257), reconnect: 'now' }, 'reason'),
    fieldCase('unknown word', 'network', { id: 1, network: 'satellite' }, 'network'),
    fieldCase('unknown word', 'history', { id: 1, conv: 'g:a', order: 'ASC', limit: 1 }, 'order'),
    fieldCase('both to and conv', 'send', { ...send, conv: 'g:team' }, 'to'),
    fieldCase('neither to nor conv', 'send', { ...send, to: undefined }, 'to'),
  ]
}

function contentCases(): Case[] {
  const { maxContent } = vectorLimits
  const over = (name: string, content: string | Uint8Array): Case => {
    const verdict = { rule: 'FRM-18', code: errors.CONTENT_TOO_LARGE.code, field: 'content' }
    return {
      name: `send.content/${name}`,
      from: 'client',
      type: 'send',
      draft: { ...send, content },
      verdict,
    }
  }
  const json = (name: string, draft: Draft): Case => ({
    ...fieldCase(name, 'send', { ...send, ...draft }, 'content'),
    only: 'json',
  })
  return [
    over('one byte over maxContent', 'x'.repeat(maxContent + 1)),
    over('one byte over maxContent in fewer characters', `x${'ü'.repeat(maxContent / 2)}`),
    over('one opaque byte over maxContent', new Uint8Array(maxContent + 1)),
    json('unknown encoding', { encoding: 'utf-8' }),
    json('null encoding', { encoding: null }),
    json('base64 without padding', { content: 'AQ', encoding: 'base64' }),
    json('base64 with too much padding', { content: 'AQI==', encoding: 'base64' }),
    json('base64 of padding only', { content: '====', encoding: 'base64' }),
    json('base64 with bits left over', { content: 'AR==', encoding: 'base64' }),
    json('base64 with a line break', { content: 'AQID\n', encoding: 'base64' }),
    json('base64 of the URL alphabet', { content: '_-8=', encoding: 'base64' }),
  ]
}

function collectionCases(): Case[] {
  const meta = (name: string, given: unknown) => fieldCase(name, 'send', { ...send, meta: given }, 'meta')
  const many = Array.from({ length: maxCursorsPerFrame + 1 }, () => 0)
  const entries = Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])
  const cursors = (given: unknown[]) => ({ id: 1, cursors: given, limit: 1 })
  return [
    meta('17 entries', Object.fromEntries(entries)),
    meta('key in upper case', { Key: 'v' }),
    meta('key of 65 characters', { ['k'.repeat(65)]: 'v' }),
    meta('key __proto__', Object.fromEntries([['__proto__', 'v']])),
    meta('value of 257 bytes', { k: `x${'ü'.repeat(128)}` }),
    meta('number for a value', { k: 1 }),
    fieldCase('65 entries', 'hello', { ...hello, caps: Array.from({ length: 65 }, () => 'c') }, 'caps'),
    fieldCase('empty', 'hello', { ...hello, caps: ['a', ''] }, 'caps[1]'),
    fieldCase('1001 entries', 'sync', cursors(many), 'cursors'),
    fieldCase('missing', 'sync', cursors([position, { conv: 'g:a', seq: 1 }]), 'cursors[1].epoch'),
    fieldCase('null', 'hello', { ...hello, resume: { cursors: [null] } }, 'resume.cursors[0]'),
    fieldCase('missing', 'hello', { ...hello, resume: {} }, 'resume.cursors'),
  ]
}

/** What only JSON can spell. */
function jsonOnly(): InvalidVector[] {
  const ping = (name: string, n: string) =>
    invalidJson(`ping.n/${name}`, 'client', `{"type":"ping","n":${n}}`, bad('n', 'FRM-11'))
  const surrogate = (name: string, field: string, draft: Draft) =>
    invalidJson(
      `send.${field}/${name}`,
      'client',
      jsonText('send', { ...send, ...draft }),
      bad(field, 'FRM-09'),
      send,
    )
  return [
    ping('negative', '-1'),
    ping('fraction', '1.5'),
    ping('2^53+1', '9007199254740993'),
    ping('2^64-1', '18446744073709551615'),
    ping('2^64', '18446744073709551616'),
    ping('infinite', '1e400'),
    ping('fraction that rounds to 1', '1.00000000000000000001'),
    ping('fraction that rounds to 2^53-1', '9007199254740991.1'),
    ping('fraction that rounds to 0', '1e-400'),
    surrogate('lone high surrogate', 'content', { content: 'a\ud800b' }),
    surrogate('lone low surrogate', 'content', { content: '\udc00' }),
    surrogate('pair in the wrong order', 'content', { content: '\ude00\ud83d' }),
    surrogate('high surrogate at the end', 'content', { content: 'a\ud83d' }),
    surrogate('lone surrogate', 'meta', { meta: { k: '\ud800' } }),
    surrogate('lone surrogate', 'to', { to: 'bob\udfff' }),
  ]
}

/** What only CBOR can spell. */
function cborOnly(): InvalidVector[] {
  const ping = (name: string, n: Bytes) =>
    invalidCbor(`ping.n/${name}`, 'client', frame(5, map([['n', n]])), bad('n', 'FRM-11'))
  const flags = (name: string, wire: Bytes, draft: Draft) =>
    invalidCbor(`flags/${name}`, 'client', wire, bad('content', 'FRM-25'), draft)
  const opaque = { ...send, content: Uint8Array.of(1) }
  return [
    ping('negative', head(1, 0)),
    ping('-2^64', [0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ping('2^53+1', [0x1b, 0, 0x20, 0, 0, 0, 0, 0, 1]),
    ping('2^64-1', [0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ping('float 1.0', [0xf9, 0x3c, 0x00]),
    ping('float 1.5', [0xf9, 0x3e, 0x00]),
    ping('not a number', [0xf9, 0x7e, 0x00]),
    flags('text marked as opaque', cborFrame('send', send, { flags: 1 }), send),
    flags('opaque not marked', cborFrame('send', opaque, { flags: 0 }), opaque),
    flags('opaque not marked, other flags set', cborFrame('send', opaque, { flags: 0xfe }), opaque),
    flags('marked without content', frame(5, map([['n', uint(1)]]), { flags: 1 }), {}),
    invalidCbor(
      'send.to/bytes',
      'client',
      cborFrame('send', { ...send, to: Uint8Array.of(98) }),
      bad('to'),
      send,
    ),
  ]
}

/** Unknown to the side that reads; the ids are still repeated. */
function unknownTypes(): InvalidVector[] {
  const verdict = { rule: 'FRM-03', code: errors.UNKNOWN_TYPE.code }
  const json = (name: string, from: Side, type: unknown, draft: Draft) =>
    invalidJson(`type/${name}`, from, jsonText(type, draft), verdict, draft)
  const cbor = (name: string, from: Side, type: number, draft: Draft) =>
    invalidCbor(`type/${name}`, from, frame(type, map(sortedEntries(draft))), verdict, draft)
  return [
    json('unknown', 'client', 'shout', send),
    json('in upper case', 'client', 'SEND', send),
    json('empty', 'client', '', {}),
    json('missing', 'client', undefined, send),
    json('null', 'client', null, { id: 0 }),
    json('number of the binary form', 'client', 9, send),
    json('list', 'client', ['send'], { id: 2 ** 32 }),
    json('constructor', 'client', 'constructor', { id: 1 }),
    json('__proto__', 'client', '__proto__', { id: 1 }),
    json("server's own", 'client', 'live', { id: 4 }),
    json("client's own", 'server', 'refresh', { id: 4, token: 't' }),
    cbor('0', 'client', 0, send),
    cbor('27', 'client', 27, { id: 4 }),
    cbor('255', 'client', 255, {}),
    cbor("server's own", 'client', 19, { id: 4 }),
    cbor("client's own", 'server', 8, { id: 4, token: 't' }),
  ]
}
