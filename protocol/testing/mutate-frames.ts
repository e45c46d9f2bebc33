// Frames with one thing wrong: every field removed, and replaced by every value that belongs somewhere else.

export type Json = null | boolean | number | string | Uint8Array | Json[] | { [key: string]: Json }
export type JsonMap = { [key: string]: Json }

const cursor = { conv: 'g:a', epoch: 'e', seq: 0 }

/** Values that are right in some field, or just over the edge of one. */
const intruders: readonly Json[] = [
  ...[
    null,
    true,
    '',
    'x',
    'wifi',
    'asc',
    'read',
    'QQ==',
    'QR==',
    'base64',
    [],
    {},
    ['x'],
    [1],
    new Uint8Array(3),
  ],
  ...[0, -1, 1, 1.5, 99, 100, 999, 1000, 4999, 5000, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53],
  ...[
    'd:a:b',
    'd:b:a',
    'd:a:a',
    'd:a',
    'g:',
    'g:team',
    'g:a b',
    'd:Z:a',
    'd:a:Z',
    'ä',
    'a\u0000b',
    '\u007f',
    'a\n',
  ],
  '3f0b6c1e-8a54-4d0e-9b7a-2f1c5d6e7f80',
  '3f0b6c1e-8a54-1d0e-9b7a-2f1c5d6e7f80',
  '3F0B6C1E-8A54-4D0E-9B7A-2F1C5D6E7F80',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  ...[64, 65, 128, 129, 256, 257, 512, 513, 8192, 8193].map((length) => 'a'.repeat(length)),
  ...[64, 65, 256, 257].map((length) => '\u{1f600}'.repeat(length)),
  ...[64, 65].map((length) => Array<Json>(length).fill('fence')),
  ...[1000, 1001].map((length) => Array<Json>(length).fill(cursor)),
  ...[16, 17].map((size) => Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, 'v']))),
  ...[{ key: 'ä'.repeat(129) }, { Key: 'v' }, { key: 1 }, { intervalMs: 1 }, { cursors: [] }, cursor],
]

/** Every frame that differs from `frame` in one field, at any depth; `binary` adds byte strings. */
export function* mutants(frame: JsonMap, options: { binary: boolean }): Generator<JsonMap> {
  const values = options.binary ? intruders : intruders.filter((value) => !(value instanceof Uint8Array))
  for (const path of pathsIn(frame)) {
    yield withChange(frame, path, undefined)
    for (const value of values) yield withChange(frame, path, value)
  }
}

export function isMap(value: Json): value is JsonMap {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  )
}

/** Every text anywhere in a value; keys are not among them. */
export function textsIn(value: Json): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  return isMap(value) ? Object.values(value).flatMap(textsIn) : []
}

/** A copy in which one field is replaced, or missing; only the maps and lists on the way are copied. */
function withChange(value: Json, [step, ...rest]: readonly string[], change: Json | undefined): JsonMap {
  const copy = (Array.isArray(value) ? [...value] : { ...(value as JsonMap) }) as JsonMap
  if (step === undefined) return copy
  if (rest.length > 0) copy[step] = withChange(copy[step] as Json, rest, change)
  else if (change !== undefined) copy[step] = change
  else if (Array.isArray(copy)) copy.splice(Number(step), 1)
  else delete copy[step]
  return copy
}

function pathsIn(value: Json): string[][] {
  if (Array.isArray(value)) return value.slice(0, 2).flatMap((item, i) => pathsBelow(String(i), item))
  if (!isMap(value)) return []
  return [
    ...Object.entries(value).flatMap(([key, inner]) => pathsBelow(key, inner)),
    ['unknown'],
    ['to'],
    ['conv'],
  ]
}

function pathsBelow(key: string, value: Json): string[][] {
  return [[key], ...pathsIn(value).map((path) => [key, ...path])]
}
