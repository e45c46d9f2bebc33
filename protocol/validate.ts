// From a parsed body to a message or a refusal, by the table of fields. Holds for both encodings.
import { base64Bytes, decodeBase64 } from './base64.ts'
import type { DecodeLimits } from './codec.ts'
import type { Decoded, Refusal, RuleId } from './decoded.ts'
import { closes, errors } from './errors.ts'
import {
  type Field,
  frameFields,
  type IntegerKind,
  type Kind,
  type ListKind,
  type TextKind,
} from './fields.ts'
import { maxMetaEntries, maxMetaValueBytes, maxRequestId, metaKeyPattern, msgIdPattern } from './limits.ts'
import { type AnyMessage, type FrameType, frameDirections } from './messages.ts'
import { isWellFormed, plainUtf8 } from './utf8.ts'

export type Side = 'client' | 'server'
/** A map that was read; its values are still unknown. */
export type Body = Readonly<Record<string, unknown>>

const frameTypes: ReadonlySet<unknown> = new Set(Object.keys(frameDirections))

interface Reading {
  readonly json: boolean
  readonly maxContent: number
  /** Set once something was refused; `path` grows on the way out. */
  problem: { path: string; rule: RuleId; code: number; detail: string } | undefined
}

/** Bytes that are no frame: the connection ends. */
export function badFrame(rule: RuleId, detail: string): Refusal {
  return { ok: false, rule, detail, code: closes.BAD_FRAME.code }
}

/** Longer than `maxFrame`: the connection ends. */
export function tooLarge(rule: RuleId, detail: string): Refusal {
  return { ok: false, rule, detail, code: closes.TOO_LARGE.code }
}

/** A known frame with a field that is not as it should be: refused, the connection stays. */
export function badField(body: Body, rule: RuleId, path: string, detail: string): Refusal {
  return named(body, { ok: false, rule, detail: `${path}: ${detail}`, code: errors.BAD_REQUEST.code })
}

/** Reads the fields of a frame that `side` wrote. */
export function readFrame(
  side: Side,
  type: unknown,
  body: Body,
  form: { json: boolean; limits: DecodeLimits },
): Decoded<AnyMessage> {
  if (!isFrameType(type) || (frameDirections[type] !== side && frameDirections[type] !== 'both')) {
    return unknownType(side, type, body)
  }
  const reading: Reading = { json: form.json, maxContent: form.limits.maxContent, problem: undefined }
  const values: Record<string, unknown> = { type }
  readFields(frameFields[type], body, values, reading)
  if (reading.problem) {
    const { path, rule, code, detail } = reading.problem
    return named(body, { ok: false, rule, detail: `${path}: ${detail}`, code })
  }
  if (type === 'send' && (body.to === undefined) === (body.conv === undefined)) {
    return badField(body, 'FRM-04', 'to', 'exactly one of to and conv is allowed')
  }
  const message: object = values
  return { ok: true, message: message as AnyMessage }
}

function isFrameType(type: unknown): type is FrameType {
  return frameTypes.has(type)
}

function unknownType(side: Side, type: unknown, body: Body): Refusal {
  const shown =
    typeof type === 'number' || (typeof type === 'string' && /^[\w.-]{1,32}$/.test(type))
      ? `type ${type}`
      : `type: ${describe(type)}`
  const detail = `${shown} arrived, which is no frame type of a ${side}`
  return named(body, { ok: false, rule: 'FRM-03', detail, code: errors.UNKNOWN_TYPE.code })
}

/** Adds the ids by which the sender will recognise its request, where they can be read. */
function named(body: Body, refusal: Refusal): Refusal {
  const { id, msgId } = body
  if (typeof id === 'number' && Number.isInteger(id) && id >= 1 && id <= maxRequestId) refusal.id = id
  if (typeof msgId === 'string' && msgIdPattern.test(msgId)) refusal.msgId = msgId
  return refusal
}

function readFields(
  fields: readonly Field[],
  from: Body,
  into: Record<string, unknown>,
  reading: Reading,
): Record<string, unknown> | undefined {
  for (const { name, kind, optional } of fields) {
    const given = from[name]
    if (given === undefined && optional) continue
    const value = readValue(kind, given, from, reading)
    if (reading.problem) {
      const { path } = reading.problem
      reading.problem.path = path === '' || path.startsWith('[') ? name + path : `${name}.${path}`
      return undefined
    }
    into[name] = value
  }
  return into
}

function readValue(kind: Kind, given: unknown, parent: Body, reading: Reading): unknown {
  switch (kind.is) {
    case 'integer':
      return readInteger(kind, given, reading)
    case 'boolean':
      return typeof given === 'boolean' ? given : mistyped(reading, given, 'true or false')
    case 'text':
      return readText(kind, given, reading)
    case 'content':
      return readContent(given, parent, reading)
    case 'meta':
      return readMeta(given, reading)
    case 'list':
      return readList(kind, given, reading)
    case 'map':
      return isMap(given) ? readFields(kind.fields, given, {}, reading) : mistyped(reading, given, 'a map')
  }
}

function readInteger({ min, max }: IntegerKind, given: unknown, reading: Reading): unknown {
  // + 0 turns the -0 of JSON into 0.
  if (typeof given === 'number' && given >= min && given <= max && Number.isInteger(given)) return given + 0
  const allowed = `an integer from ${min} to ${max}`
  if (typeof given !== 'number') return mistyped(reading, given, allowed)
  const got = Number.isNaN(given) ? 'a float' : `${given}`
  return refuse(reading, 'FRM-11', errors.BAD_REQUEST.code, `${got} arrived, ${allowed} is allowed`)
}

function readText(kind: TextKind, given: unknown, reading: Reading): unknown {
  if (typeof given !== 'string') return mistyped(reading, given, kind.allowed)
  if (!isWellFormed(given)) return loneSurrogate(reading)
  if (kind.accepts(given)) return given
  const detail = `${describe(given)} arrived, ${kind.allowed} is allowed`
  return refuse(reading, kind.rule, kind.code, detail)
}

function readContent(given: unknown, parent: Body, reading: Reading): unknown {
  const { json, maxContent } = reading
  const encoding = json ? parent.encoding : undefined
  if (encoding !== undefined && encoding !== 'base64') {
    return badRequest(reading, `its encoding is ${describe(encoding)}, base64 is allowed`)
  }
  if (typeof given === 'string') {
    if (encoding === 'base64') return readBase64(given, reading)
    const bytes = 3 * given.length <= maxContent ? 0 : plainUtf8.byteLength(given)
    if (bytes > maxContent) return oversized(reading, bytes)
    return isWellFormed(given) ? given : loneSurrogate(reading)
  }
  if (json || !(given instanceof Uint8Array)) return mistyped(reading, given, json ? 'text' : 'text or bytes')
  return given.length > maxContent ? oversized(reading, given.length) : given
}

function readBase64(given: string, reading: Reading): unknown {
  const bytes = base64Bytes(given)
  if (bytes > reading.maxContent) return oversized(reading, bytes)
  return decodeBase64(given) ?? mistyped(reading, given, 'canonical base64 with padding')
}

function readMeta(given: unknown, reading: Reading): unknown {
  if (!isMap(given)) return mistyped(reading, given, 'a map')
  const keys = Object.keys(given)
  if (keys.length > maxMetaEntries) {
    return badRequest(reading, `${keys.length} entries arrived, ${maxMetaEntries} are allowed`)
  }
  const meta: Record<string, string> = {}
  for (const key of keys) {
    const value = given[key]
    if (!metaKeyPattern.test(key)) return badRequest(reading, `a key does not match ${metaKeyPattern.source}`)
    if (typeof value !== 'string') return mistyped(reading, value, 'text')
    if (!isWellFormed(value)) return loneSurrogate(reading)
    const bytes = plainUtf8.byteLength(value)
    if (bytes > maxMetaValueBytes) {
      return badRequest(reading, `a value of ${bytes} bytes arrived, ${maxMetaValueBytes} are allowed`)
    }
    meta[key] = value
  }
  return meta
}

function readList(kind: ListKind, given: unknown, reading: Reading): unknown {
  if (!Array.isArray(given)) return mistyped(reading, given, 'a list')
  if (given.length > kind.maxItems) {
    return badRequest(reading, `${given.length} items arrived, ${kind.maxItems} are allowed`)
  }
  const items: unknown[] = []
  for (const item of given as unknown[]) {
    const value = readValue(kind.of, item, {}, reading)
    if (reading.problem) {
      const { path } = reading.problem
      reading.problem.path = `[${items.length}]${path === '' ? '' : `.${path}`}`
      return undefined
    }
    items.push(value)
  }
  return items
}

function isMap(value: unknown): value is Body {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  )
}

function mistyped(reading: Reading, given: unknown, allowed: string): undefined {
  return badRequest(reading, `${describe(given)} arrived, ${allowed} is allowed`)
}

function badRequest(reading: Reading, detail: string): undefined {
  return refuse(reading, 'FRM-04', errors.BAD_REQUEST.code, detail)
}

function loneSurrogate(reading: Reading): undefined {
  return refuse(reading, 'FRM-09', errors.BAD_REQUEST.code, 'a surrogate without its pair arrived')
}

function oversized(reading: Reading, bytes: number): undefined {
  const detail = `${bytes} bytes arrived, ${reading.maxContent} are allowed`
  return refuse(reading, 'FRM-18', errors.CONTENT_TOO_LARGE.code, detail)
}

function refuse(reading: Reading, rule: RuleId, code: number, detail: string): undefined {
  reading.problem = { path: '', rule, code, detail }
  return undefined
}

/** Type and size only: what arrived may be a secret in the wrong place. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'string') return `text of ${value.length} characters`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`
}
