// Frames that have to be accepted, in both encodings, and what they mean.
import { type AnyMessage, frameNumbers } from '../protocol/index.ts'
import { type Bytes, bytes, frame, head, hex, list, map, sortedEntries, text, uint } from './vector-bytes.ts'
import {
  bodyOf,
  cborFrame,
  type Json,
  jsonText,
  type Side,
  toJson,
  type ValidVector,
  vectorLimits,
} from './vector-format.ts'
import { clientSamples, serverSamples } from './vector-frames.ts'

const msgId = '3f0b1c2d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'

interface Case {
  name: string
  from: Side
  message: AnyMessage
}

export function validVectors(): { json: ValidVector[]; cbor: ValidVector[] } {
  const cases = [...sampleCases(), ...textCases(), ...integerCases(), ...boundCases()]
  return {
    json: [...cases.map(asJson), ...jsonSpellings()],
    cbor: [...cases.map(asCbor), ...cases.flatMap(reversed), ...cborSpellings()],
  }
}

function asJson({ name, from, message }: Case): ValidVector {
  const wire = jsonText(message.type, bodyOf(message))
  return { name, from, encoding: 'json', text: wire, valid: true, message: toJson(message) }
}

function asCbor({ name, from, message }: Case): ValidVector {
  const wire = cborFrame(message.type, bodyOf(message))
  return { ...binary(name, from, wire, toJson(message)), canonical: true }
}

/** Readers accept the keys of a map in any order. */
function reversed({ name, from, message }: Case): ValidVector[] {
  const entries = sortedEntries(bodyOf(message)).reverse()
  if (entries.length < 2) return []
  const opaque = 'content' in message && typeof message.content !== 'string'
  const wire = frame(frameNumbers[message.type], map(entries), { flags: opaque ? 1 : 0 })
  return [binary(`${name}, keys in reverse`, from, wire, toJson(message))]
}

function binary(name: string, from: Side, wire: Bytes, message: Json): ValidVector {
  return { name, from, encoding: 'cbor', bytes: hex(wire), valid: true, message }
}

function sampleCases(): Case[] {
  return [
    ...clientSamples.map(({ name, message }): Case => ({ name, from: 'client', message })),
    ...serverSamples.map(({ name, message }): Case => ({ name, from: 'server', message })),
  ]
}

function send(content: string | Uint8Array): AnyMessage {
  return { type: 'send', id: 1, msgId, to: 'bob', content }
}

function textCases(): Case[] {
  const points = [
    0, 0x1f, 0x22, 0x5c, 0x7f, 0x80, 0x7ff, 0x800, 0x2028, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xffff,
  ]
  const astral = [0x1_0000, 0x1_f600, 0x10_ffff]
  return [
    ...[...points, ...astral].map((point): Case => {
      const name = `text/U+${point.toString(16).toUpperCase().padStart(4, '0')}`
      return { name, from: 'client', message: send(`a${String.fromCodePoint(point)}b`) }
    }),
    ...[0, 1, 23, 24, 255, 256].map(
      (length): Case => ({ name: `text/${length} bytes`, from: 'client', message: send('x'.repeat(length)) }),
    ),
    ...[0, 1, 23, 24, 255, 256].map((length): Case => {
      const content = Uint8Array.from({ length }, (_, i) => i)
      return { name: `opaque/${length} bytes`, from: 'client', message: send(content) }
    }),
  ]
}

function integerCases(): Case[] {
  const edges = [0, 23, 24, 0xff, 0x100, 0xffff, 0x1_0000, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]
  return edges.map((n) => ({ name: `integer/${n}`, from: 'server', message: { type: 'ping', n } }))
}

/** At the limit of what a field may be. */
function boundCases(): Case[] {
  const user = 'Az09._~@-'.padEnd(64, 'x')
  const meta = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, 'v']))
  const message = {
    type: 'send',
    id: 1,
    msgId,
    to: user,
    content: 'ü'.repeat(vectorLimits.maxContent / 2),
  } as const
  return [
    { name: 'bound/content of maxContent bytes in fewer characters', from: 'client', message },
    { name: 'bound/meta of 16 entries', from: 'client', message: { ...message, content: '', meta } },
    {
      name: 'bound/meta value of 256 bytes and key of 64',
      from: 'client',
      message: { ...message, content: '', meta: { ['k'.repeat(64)]: 'ü'.repeat(128) } },
    },
    { name: 'bound/empty meta', from: 'client', message: { ...message, content: '', meta: {} } },
    {
      name: 'bound/conversation with oneself',
      from: 'client',
      message: { type: 'join', id: 1, conv: 'd:a:a' },
    },
    {
      name: 'bound/longest conversation',
      from: 'client',
      message: { type: 'join', id: 1, conv: `d:${user}:${user}` },
    },
    {
      name: 'bound/longest token',
      from: 'client',
      message: { type: 'refresh', id: 1, token: ' ~'.repeat(4096) },
    },
    {
      name: 'bound/256 characters beyond U+FFFF',
      from: 'server',
      message: { type: 'bye', code: 4999, reason: '\u{1f600}'.repeat(256), reconnect: 'now' },
    },
  ]
}

/** Other ways to write the same in JSON. */
function jsonSpellings(): ValidVector[] {
  const ping = { type: 'ping', n: 1 }
  const hi = toJson(send('hi'))
  const padding = vectorLimits.maxFrame - '{"type":"ping","n":1,"x":""}'.length
  const spellings: [string, string, Json][] = [
    ['white space', ' {\n"type"\t:\r"ping" , "n" : 1 } ', ping],
    ['keys in another order', '{"n":1,"type":"ping"}', ping],
    ['escaped key and value', '{"t\\u0079pe":"p\\u0069ng","n":1}', ping],
    ['1.0 for 1', '{"type":"ping","n":1.0}', ping],
    ['10e-1 for 1', '{"type":"ping","n":10e-1}', ping],
    ['1E3 for 1000', '{"type":"ping","n":1E3}', { type: 'ping', n: 1000 }],
    ['9007199254740991.0', '{"type":"ping","n":9007199254740991.0}', { type: 'ping', n: 2 ** 53 - 1 }],
    ['-0 for 0', '{"type":"ping","n":-0}', { type: 'ping', n: 0 }],
    ['unknown null', '{"type":"ping","n":1,"x":null}', ping],
    ['unknown list and object', '{"type":"ping","n":1,"x":[1,{"n":2}]}', ping],
    [
      'unknown numbers beyond every range',
      '{"type":"ping","n":1,"x":[1e999,-1,1.5,18446744073709551615]}',
      ping,
    ],
    ['unknown __proto__', '{"__proto__":{"n":2},"type":"ping","n":1}', ping],
    ['unknown constructor', '{"constructor":{"prototype":{"n":2}},"type":"ping","n":1}', ping],
    ['unknown lone surrogates', '{"type":"ping","n":1,"\\ud800":"\\udc00"}', ping],
    ['nested 8 deep', `{"type":"ping","n":1,"x":${'['.repeat(7)}${']'.repeat(7)}}`, ping],
    [
      'brackets and quotes in a text',
      jsonText('send', bodyOf(send('[[[[[[[[[{"a":1,"a":2}\\"'))),
      { ...hi, content: '[[[[[[[[[{"a":1,"a":2}\\"' },
    ],
    [
      'escaped slash',
      jsonText('send', bodyOf(send('hi'))).replace('"hi"', '"h\\/i"'),
      { ...hi, content: 'h/i' },
    ],
    [
      'escaped pair of surrogates',
      jsonText('send', bodyOf(send('hi'))).replace('"hi"', '"\\ud83d\\ude00"'),
      { ...hi, content: '\u{1f600}' },
    ],
    ['from in a send is unknown', jsonText('send', { from: 'eve', ...bodyOf(send('hi')) }), hi],
    ['encoding without content is unknown', '{"type":"ping","n":1,"encoding":"rot13"}', ping],
    ['a frame of maxFrame bytes', `{"type":"ping","n":1,"x":"${'x'.repeat(padding)}"}`, ping],
  ]
  return spellings.map(([name, wire, message]) => ({
    name: `spelling/${name}`,
    from: 'client',
    encoding: 'json',
    text: wire,
    valid: true,
    message,
  }))
}

/** Other ways to write the same in CBOR. */
function cborSpellings(): ValidVector[] {
  const ping = { type: 'ping', n: 1 }
  const n = ['n', uint(1)] as const
  const unknown: [string, Bytes][] = [
    ['null', [0xf6]],
    ['negative integer', head(1, 4)],
    ['integer of 2^64-1', [0x1b, ...Array<number>(8).fill(0xff)]],
    ['integer of -2^64', [0x3b, ...Array<number>(8).fill(0xff)]],
    ['float of 16 bits', [0xf9, 0x3c, 0x00]],
    ['float of 32 bits', [0xfa, 0x7f, 0x80, 0x00, 0x00]],
    ['float of 64 bits', [0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ['bytes', bytes([0xff])],
    ['list and map', list([uint(1), map([n])])],
    ['nested 8 deep', [...Array<number>(6).fill(0x81), 0x80]],
  ]
  const opaque = bodyOf(send(Uint8Array.of(1)))
  const padding = vectorLimits.maxFrame - frame(5, map([n, ['x', text('x'.repeat(256))]])).length + 256
  const spellings: [string, Bytes, Json][] = [
    ...unknown.map(([name, value]): [string, Bytes, Json] => [
      `unknown ${name}`,
      frame(frameNumbers.ping, map([n, ['x', value]])),
      ping,
    ]),
    ['unknown __proto__', frame(frameNumbers.ping, map([['__proto__', map([['n', uint(2)]])], n])), ping],
    ['unknown empty key', frame(frameNumbers.ping, map([['', uint(2)], n])), ping],
    ['unknown key beyond ASCII', frame(frameNumbers.ping, map([['ü', uint(2)], n])), ping],
    ['type in the body is unknown', frame(frameNumbers.ping, map([n, ['type', text('pong')]])), ping],
    [
      'encoding in the body is unknown',
      cborFrame('send', { ...opaque, encoding: 'rot13' }),
      toJson(send(Uint8Array.of(1))),
    ],
    ['flags 1 to 7 are ignored', frame(frameNumbers.ping, map([n]), { flags: 0xfe }), ping],
    [
      'flags 1 to 7 are ignored beside bit 0',
      cborFrame('send', opaque, { flags: 0xff }),
      toJson(send(Uint8Array.of(1))),
    ],
    ['header timestamp 0', frame(frameNumbers.ping, map([n]), { timestamp: 0n }), ping],
    ['header timestamp 2^53-1', frame(frameNumbers.ping, map([n]), { timestamp: 2n ** 53n - 1n }), ping],
    ['a frame of maxFrame bytes', frame(frameNumbers.ping, map([n, ['x', text('x'.repeat(padding))]])), ping],
  ]
  return spellings.map(([name, wire, message]) => binary(`spelling/${name}`, 'client', wire, message))
}
