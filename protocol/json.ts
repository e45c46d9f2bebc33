// The JSON form: one object per text message.
import { encodeBase64 } from './base64.ts'
import type { Codec, DecodeLimits } from './codec.ts'
import type { Decoded, Refusal } from './decoded.ts'
import { type Field, frameFields, type Kind } from './fields.ts'
import { maxDepth } from './limits.ts'
import { readHot, writeHot } from './json-hot.ts'
import { countMembers, parseUnrounded, type Structure, scanJson } from './json-scan.ts'
import type { AnyMessage, ClientMessage, ServerMessage } from './messages.ts'
import { type Body, badFrame, describe, readFrame, type Side, tooLarge } from './validate.ts'

/** Characters. Engines parse as many levels without harm. */
const harmlessLength = 4096

/** Text messages of `chatspec.v1.json`. The transport has checked the size in bytes. */
export const jsonCodec: Codec<string> = {
  encoding: 'json',
  encode,
  decodeClient: (text, limits) => decode('client', text, limits) as Decoded<ClientMessage>,
  decodeServer: (text, limits) => decode('server', text, limits) as Decoded<ServerMessage>,
}

function encode(message: AnyMessage): string {
  return writeHot(message) ?? encodeAny(message)
}

function encodeAny(message: AnyMessage): string {
  const body = toJson(frameFields[message.type], { ...message })
  return JSON.stringify({ type: message.type, ...body })
}

function toJson(fields: readonly Field[], from: Body): Record<string, unknown> {
  const into: Record<string, unknown> = {}
  for (const { name, kind } of fields) {
    const value = from[name]
    if (value === undefined) continue
    if (value instanceof Uint8Array) {
      into[name] = encodeBase64(value)
      into.encoding = 'base64'
    } else into[name] = valueToJson(kind, value)
  }
  return into
}

function valueToJson(kind: Kind, value: unknown): unknown {
  if (kind.is === 'map') return toJson(kind.fields, value as Body)
  if (kind.is === 'meta') return sorted(value as Body)
  if (kind.is === 'list') return (value as unknown[]).map((item) => valueToJson(kind.of, item))
  return value
}

/** Equal messages are equal texts, in whatever order an application put its entries. */
function sorted(meta: Body): Body {
  return Object.fromEntries(Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function decode(side: Side, text: string, limits: DecodeLimits): Decoded<AnyMessage> {
  if (text.length > limits.maxFrame) {
    return tooLarge('FRM-05', `${text.length} characters arrived, ${limits.maxFrame} bytes are allowed`)
  }
  // A short text cannot be nested so deeply that parsing it does harm.
  const structure = text.length > harmlessLength ? scanJson(text) : undefined
  if (structure && structure.depth > maxDepth) return tooDeep(structure.depth)
  const value = parse(text)
  const message = isObject(value) ? readHot(side, value, text.length, limits.maxContent) : undefined
  if (message) return { ok: true, message }
  return decodeAny(side, text, value, structure ?? scanJson(text), limits)
}

/** The general way: accepts what the hot way does, and everything else that is right, and names what is wrong. */
function decodeAny(
  side: Side,
  text: string,
  value: unknown,
  { depth, members, fractions }: Structure,
  limits: DecodeLimits,
): Decoded<AnyMessage> {
  if (depth > maxDepth) return tooDeep(depth)
  if (value === undefined) return badFrame('FRM-02', `${text.length} characters that are not JSON arrived`)
  if (!isObject(value)) return badFrame('FRM-02', `${describe(value)} arrived, an object is allowed`)
  if (countMembers(value) !== members) return badFrame('SEC-04', 'an object with the same key twice arrived')
  const body = fractions ? (parseUnrounded(text) as Body) : value
  return readFrame(side, body.type, body, { json: true, limits })
}

function tooDeep(depth: number): Refusal {
  return badFrame('SEC-04', `nesting of ${depth} arrived, ${maxDepth} is allowed`)
}

/** Undefined if it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
