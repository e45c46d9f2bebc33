// Bytes and texts that are no frame, or too long a one: the connection ends.
import { gzipSync } from 'node:zlib'
import { closes, frameNumbers } from '../protocol/index.ts'
import { bigEndian, type Bytes, frame, head, hex, list, map, text, uint } from './vector-bytes.ts'
import { type InvalidVector, invalidCbor, invalidJson, jsonText, vectorLimits } from './vector-format.ts'

const { maxFrame } = vectorLimits
const ack = { conv: 'd:alice:bob', epoch: 'k3', seq: 300 }

export function invalidFrames(): InvalidVector[] {
  return [...notJson(), ...jsonKeys(), ...jsonCut(), ...notUtf8(), ...headers(), ...bodies(), ...cborCut()]
}

function no(rule: string): { rule: string; code: number } {
  return { rule, code: closes.BAD_FRAME.code }
}

function tooLarge(rule: string): { rule: string; code: number } {
  return { rule, code: closes.TOO_LARGE.code }
}

function notJson(): InvalidVector[] {
  const texts: [string, string][] = [
    ['empty', ''],
    ['white space', ' \n'],
    ['null', 'null'],
    ['true', 'true'],
    ['number', '5'],
    ['text', '"ping"'],
    ['list', '[]'],
    ['list of a frame', '[{"type":"ping","n":1}]'],
    ['two frames', '{"type":"ping","n":1}{"type":"ping","n":2}'],
    ['two lines', '{"type":"ping","n":1}\n{"type":"ping","n":2}'],
    ['trailing character', '{"type":"ping","n":1}x'],
    ['trailing U+0000', '{"type":"ping","n":1}\0'],
    ['trailing comma', '{"type":"ping","n":1,}'],
    ['byte order mark', '\ufeff{"type":"ping","n":1}'],
    ['single quotes', "{'type':'ping','n':1}"],
    ['comment', '{"type":"ping","n":1/**/}'],
    ['key without quotes', '{type:"ping","n":1}'],
    ['leading zero', '{"type":"ping","n":01}'],
    ['leading plus', '{"type":"ping","n":+1}'],
    ['hexadecimal', '{"type":"ping","n":0x1}'],
    ['NaN', '{"type":"ping","n":NaN}'],
    ['raw control character', '{"type":"ping","n":1,"x":"\u0001"}'],
    ['unknown escape', '{"type":"ping","n":1,"x":"\\x41"}'],
    ['magic byte and JSON', '\u001f{"type":"ping","n":1}'],
  ]
  const padding = 'x'.repeat(maxFrame + 1 - '{"type":"ping","n":1,"x":""}'.length)
  return [
    ...texts.map(([name, wire]) => invalidJson(`not JSON/${name}`, 'client', wire, no('FRM-02'))),
    invalidJson(
      'size/one over maxFrame',
      'client',
      `{"type":"ping","n":1,"x":"${padding}"}`,
      tooLarge('FRM-05'),
    ),
  ]
}

function jsonKeys(): InvalidVector[] {
  const texts: [string, string][] = [
    ['same key twice', '{"type":"ping","n":1,"n":2}'],
    ['same key twice with the same value', '{"type":"ping","n":1,"n":1}'],
    ['type twice', '{"type":"ping","type":"pong","n":1}'],
    ['same key in another spelling', '{"type":"ping","n":1,"\\u006e":2}'],
    ['same unknown key twice', '{"type":"ping","n":1,"x":1,"x":2}'],
    ['same key twice in an unknown object', '{"type":"ping","n":1,"x":{"a":1,"a":2}}'],
    ['same key twice in a list', '{"type":"ping","n":1,"x":[{"a":1},{"a":1,"a":2}]}'],
    ['__proto__ twice', '{"type":"ping","n":1,"__proto__":1,"__proto__":2}'],
    ['__proto__ in two spellings', '{"type":"ping","n":1,"__proto__":{},"\\u005f_proto__":{}}'],
    ['9 levels', `{"type":"ping","n":1,"x":${'['.repeat(8)}${']'.repeat(8)}}`],
    ['9 levels of objects', `{"type":"ping","n":1,"x":${'{"a":'.repeat(8)}1${'}'.repeat(8)}}`],
    ['5000 levels', `{"type":"ping","n":1,"x":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['9000 brackets that never close', '['.repeat(9000)],
  ]
  return texts.map(([name, wire]) => invalidJson(`keys and nesting/${name}`, 'client', wire, no('SEC-04')))
}

/** A frame of the JSON form, cut after each character. */
function jsonCut(): InvalidVector[] {
  const whole = jsonText('ack', ack)
  return Array.from({ length: whole.length - 1 }, (_, i) => {
    const length = i + 1
    return invalidJson(`cut/after ${length} characters`, 'client', whole.slice(0, length), no('FRM-02'))
  })
}

const badUtf8: [string, Bytes][] = [
  ['continuation alone', [0x80]],
  ['overlong in 2 bytes', [0xc0, 0xaf]],
  ['overlong U+0000', [0xc0, 0x80]],
  ['overlong in 3 bytes', [0xe0, 0x80, 0xaf]],
  ['overlong in 4 bytes', [0xf0, 0x80, 0x80, 0xaf]],
  ['high surrogate', [0xed, 0xa0, 0x80]],
  ['pair of surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['lead byte f5', [0xf5, 0x80, 0x80, 0x80]],
  ['byte ff', [0xff]],
  ['2 bytes cut', [0xc3]],
  ['3 bytes cut', [0xe2, 0x82]],
  ['4 bytes cut', [0xf0, 0x9f, 0x98]],
  ['cut by ASCII', [0xe2, 0x82, 0x41]],
]

function notUtf8(): InvalidVector[] {
  const [before = '', after = ''] = '{"type":"ping","n":1,"x":"\n"}'.split('\n')
  const utf8 = (value: string): Bytes => [...Buffer.from(value)]
  return badUtf8.flatMap(([name, bad]): InvalidVector[] => {
    const item = [...head(3, bad.length), ...bad]
    const common = { from: 'client', valid: false, ...no('FRM-09') } as const
    return [
      {
        name: `not UTF-8/${name}`,
        encoding: 'json',
        bytes: hex([...utf8(before), ...bad, ...utf8(after)]),
        ...common,
      },
      { name: `not UTF-8/${name}`, encoding: 'cbor', bytes: hex(ping([['x', item]])), ...common },
      { name: `not UTF-8/key, ${name}`, encoding: 'cbor', bytes: hex(ping([[item, uint(1)]])), ...common },
    ]
  })
}

/** A `ping` with further entries. */
function ping(entries: [string | Bytes, Bytes][]): Bytes {
  return frame(frameNumbers.ping, map([['n', uint(1)], ...entries]))
}

function headers(): InvalidVector[] {
  const body = map([['n', uint(1)]])
  const payload = body.length + 2
  const of = (header: Parameters<typeof frame>[2]) => frame(frameNumbers.ping, body, header)
  const gzip = [...gzipSync('{"type":"ping","n":1}')]
  const full = maxFrame - of({}).length - 5
  const padded = (extra: number) => ping([['x', text('x'.repeat(full + extra))]])
  const cases: [string, Bytes, { rule: string; code: number }][] = [
    ['empty message', [], no('FRM-23')],
    ['header without payload', of({ length: 0 }).slice(0, 13), no('FRM-23')],
    ['type without flags', of({ length: 1 }).slice(0, 14), no('FRM-23')],
    ['wrong magic', of({ magic: 0x1e }), no('FRM-23')],
    ['magic of 0', of({ magic: 0 }), no('FRM-23')],
    ['JSON in a binary message', [...Buffer.from('{"type":"ping","n":1}')], no('FRM-23')],
    ['length too short by 1', of({ length: payload - 1 }), no('FRM-23')],
    ['length too long by 1', of({ length: payload + 1 }), no('FRM-23')],
    ['length with the header', of({ length: payload + 13 }), no('FRM-23')],
    ['length in little-endian order', of({ length: payload * 2 ** 24 }), tooLarge('FRM-06')],
    ['length of 0', of({ length: 0 }), no('FRM-23')],
    ['length at the limit', of({ length: maxFrame - 13 }), no('FRM-23')],
    ['length over the limit by 1', of({ length: maxFrame - 12 }), tooLarge('FRM-06')],
    ['length of 2^32-1', of({ length: 2 ** 32 - 1 }), tooLarge('FRM-06')],
    ['length of 2^32-1 and nothing else', of({ length: 2 ** 32 - 1 }).slice(0, 5), tooLarge('FRM-06')],
    ['BIN-07: a gzip stream, which begins with the magic', gzip, tooLarge('FRM-06')],
    ['timestamp of -1', of({ timestamp: -1n }), no('FRM-23')],
    ['timestamp of 2^53', of({ timestamp: 2n ** 53n }), no('FRM-23')],
    ['timestamp of -2^63', of({ timestamp: -(2n ** 63n) }), no('FRM-23')],
    ['message one over maxFrame', padded(1), tooLarge('FRM-05')],
  ]
  return cases.map(([name, wire, verdict]) => invalidCbor(`header/${name}`, 'client', wire, verdict))
}

function bodies(): InvalidVector[] {
  const entry = (value: Bytes) => ping([['x', value]])
  const raw = (...body: number[]) => frame(frameNumbers.ping, body)
  const huge = (major: number): Bytes => [major * 32 + 27, ...bigEndian(2n ** 62n, 8)]
  const nested = (levels: number): Bytes => [...Array<number>(levels - 1).fill(0x81), 0x80]
  const cases: [string, Bytes, string][] = [
    ['nothing', raw(), 'FRM-08'],
    ['list for the map', frame(frameNumbers.ping, list([uint(1)])), 'FRM-27'],
    ['integer for the map', raw(0x01), 'FRM-27'],
    ['null for the map', raw(0xf6), 'FRM-27'],
    ['text for the map', frame(frameNumbers.ping, text('n')), 'FRM-27'],
    ['byte after the map', raw(0xa1, 0x61, 0x6e, 0x01, 0x00), 'FRM-08'],
    ['second map', raw(0xa0, 0xa0), 'FRM-08'],
    ['indefinite map', raw(0xbf, 0x61, 0x6e, 0x01, 0xff), 'FRM-27'],
    ['indefinite list', entry([0x9f, 0x01, 0xff]), 'FRM-27'],
    ['indefinite text', entry([0x7f, 0x61, 0x61, 0xff]), 'FRM-27'],
    ['indefinite bytes', entry([0x5f, 0x41, 0x61, 0xff]), 'FRM-27'],
    ['break alone', entry([0xff]), 'FRM-27'],
    ['tag', entry([0xc1, 0x01]), 'FRM-27'],
    ['tag of a big number', entry([0xc2, 0x41, 0x01]), 'FRM-27'],
    ['tag around the map', raw(0xd9, 0xd9, 0xf7, 0xa1, 0x61, 0x6e, 0x01), 'FRM-27'],
    ['undefined', entry([0xf7]), 'FRM-27'],
    ['simple value 16', entry([0xf0]), 'FRM-27'],
    ['simple value 32', entry([0xf8, 0x20]), 'FRM-27'],
    ['reserved head', entry([0x1c]), 'FRM-27'],
    ['integer for a key', raw(0xa1, 0x01, 0x01), 'FRM-27'],
    ['bytes for a key', raw(0xa1, 0x41, 0x6e, 0x01), 'FRM-27'],
    ['23 in 2 bytes', raw(0xa1, 0x61, 0x6e, 0x18, 23), 'FRM-08'],
    ['255 in 3 bytes', raw(0xa1, 0x61, 0x6e, 0x19, 0, 255), 'FRM-08'],
    ['65535 in 5 bytes', raw(0xa1, 0x61, 0x6e, 0x1a, 0, 0, 255, 255), 'FRM-08'],
    ['2^32-1 in 9 bytes', raw(0xa1, 0x61, 0x6e, 0x1b, 0, 0, 0, 0, 255, 255, 255, 255), 'FRM-08'],
    ['length of a text in 2 bytes', entry([0x78, 1, 0x61]), 'FRM-08'],
    ['length of a key in 2 bytes', raw(0xa1, 0x78, 1, 0x6e, 0x01), 'FRM-08'],
    ['count of the map in 2 bytes', raw(0xb8, 1, 0x61, 0x6e, 0x01), 'FRM-08'],
    ['text longer than the frame', entry([0x7a, 0xff, 0xff, 0xff, 0xff]), 'FRM-07'],
    ['text of 2^62 bytes', entry(huge(3)), 'FRM-07'],
    ['bytes of 2^62', entry(huge(2)), 'FRM-07'],
    ['list of 2^62 items', entry(huge(4)), 'FRM-07'],
    ['map of 2^62 entries', entry(huge(5)), 'FRM-07'],
    ['body of 2^62 entries', frame(frameNumbers.ping, huge(5)), 'FRM-07'],
    ['list longer than the frame', entry([0x84, 1, 2]), 'FRM-07'],
    ['map longer than the frame', raw(0xa2, 0x61, 0x6e, 0x01), 'FRM-07'],
    ['same key twice', ping([['n', uint(2)]]), 'SEC-04'],
    [
      'same unknown key twice',
      ping([
        ['x', uint(1)],
        ['x', uint(1)],
      ]),
      'SEC-04',
    ],
    [
      'same key twice in an unknown map',
      entry(
        map([
          ['a', uint(1)],
          ['a', uint(2)],
        ]),
      ),
      'SEC-04',
    ],
    [
      'same key twice in a list',
      entry(
        list([
          map([
            ['', uint(1)],
            ['', uint(2)],
          ]),
        ]),
      ),
      'SEC-04',
    ],
    [
      '__proto__ twice',
      ping([
        ['__proto__', uint(1)],
        ['__proto__', uint(1)],
      ]),
      'SEC-04',
    ],
    ['9 levels', entry(nested(8)), 'SEC-04'],
    ['9 levels of maps', entry([...Array<Bytes>(8).fill([0xa1, 0x61, 0x61]).flat(), 0x01]), 'SEC-04'],
    ['5000 levels', entry(nested(5000)), 'SEC-04'],
  ]
  return cases.map(([name, wire, rule]) => invalidCbor(`body/${name}`, 'client', wire, no(rule)))
}

/** A frame of the binary form, cut after each byte: as it is, and with a header that says so. */
function cborCut(): InvalidVector[] {
  const texts = {
    seq: text('seq'),
    conv: text('conv'),
    id: text(ack.conv),
    epoch: text('epoch'),
    k3: text(ack.epoch),
  }
  const items = [head(5, 3), texts.seq, uint(ack.seq), texts.conv, texts.id, texts.epoch, texts.k3]
  const whole = frame(frameNumbers.ack, items.flat())
  const vectors: InvalidVector[] = []
  for (let length = 1; length < whole.length; length++) {
    vectors.push(invalidCbor(`cut/after ${length} bytes`, 'client', whole.slice(0, length), no('FRM-23')))
    if (length < 15) continue
    const cut = frame(frameNumbers.ack, whole.slice(15, length))
    const rule = ruleOfCut(items, length - 15)
    vectors.push(invalidCbor(`cut/after ${length} bytes, length corrected`, 'client', cut, no(rule)))
  }
  return vectors
}

/** A text or map of which the beginning is there says how long it is, and that does not fit; else an item is missing. */
function ruleOfCut(items: readonly Bytes[], length: number): string {
  const [map = [], ...entries] = items
  if (length === 0) return 'FRM-08'
  // Three entries of at least two bytes each.
  if (length - map.length < 6) return 'FRM-07'
  let start = map.length
  for (const bytes of entries) {
    const isText = (bytes[0] as number) >> 5 === 3
    if (length > start && length < start + bytes.length) return isText ? 'FRM-07' : 'FRM-08'
    start += bytes.length
  }
  return 'FRM-08'
}
