// What a golden vector is; vectors/README.md describes it for readers of any language.
import {
  type AnyMessage,
  type Encoding,
  frameNumbers,
  maxRequestId,
  msgIdPattern,
} from '../protocol/index.ts'
import { type Bytes, frame, type Header, hex, item } from './vector-bytes.ts'

export type Side = 'client' | 'server'
/** A value of JSON, as vectors show messages. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

interface Wire {
  name: string
  from: Side
  encoding: Encoding
  /** Hexadecimal; of the binary form, and of text that is not UTF-8. */
  bytes?: string
  text?: string
}

export interface ValidVector extends Wire {
  valid: true
  /** In the JSON form: opaque content as base64. */
  message: Json
  /** These bytes are the only ones that an encoder may write for the message. */
  canonical?: true
}

export interface InvalidVector extends Wire {
  valid: false
  rule: string
  code: number
  /** What the answer has to name. */
  field?: string
  id?: number
  msgId?: string
}

export type Vector = ValidVector | InvalidVector

/** Small, so that vectors at the limits are small. */
export const vectorLimits = { maxFrame: 10_240, maxContent: 256 }

/** A frame that is refused with a reply, or bytes that end the connection. */
export interface Verdict {
  rule: string
  code: number
  field?: string
}

/** A body whose values need not be what the protocol wants. `undefined` removes a field. */
export type Draft = Record<string, unknown>

export function jsonText(type: unknown, draft: Draft): string {
  return JSON.stringify({ type, ...toJson(draft) })
}

export function cborFrame(type: keyof typeof frameNumbers, draft: Draft, header: Header = {}): Bytes {
  const present = Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== undefined))
  const flags = present.content instanceof Uint8Array ? 1 : 0
  return frame(frameNumbers[type], item(present), { flags, ...header })
}

/** Opaque content as base64. */
export function toJson(value: object): { [key: string]: Json } {
  // Not assigned one by one: __proto__ is a key like any other.
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]): [string, Json][] =>
      inner instanceof Uint8Array
        ? [
            [key, Buffer.from(inner).toString('base64')],
            ['encoding', 'base64'],
          ]
        : [[key, plain(inner)]],
    ),
  )
}

function plain(value: unknown): Json {
  if (Array.isArray(value)) return value.map(plain)
  return typeof value === 'object' && value !== null ? toJson(value) : (value as Json)
}

/** `type` is not part of the body in the binary form. */
export function bodyOf(message: AnyMessage): Draft {
  const { type: _, ...body } = message
  return body
}

/** The ids that an answer to this body has to repeat. */
export function readable({ id, msgId }: Draft): { id?: number; msgId?: string } {
  return {
    ...(typeof id === 'number' && Number.isInteger(id) && id >= 1 && id <= maxRequestId ? { id } : {}),
    ...(typeof msgId === 'string' && msgIdPattern.test(msgId) ? { msgId } : {}),
  }
}

export function invalidJson(
  name: string,
  from: Side,
  text: string,
  verdict: Verdict,
  draft: Draft = {},
): InvalidVector {
  return { name, from, encoding: 'json', text, valid: false, ...verdict, ...readable(draft) }
}

export function invalidCbor(
  name: string,
  from: Side,
  wire: Bytes,
  verdict: Verdict,
  draft: Draft = {},
): InvalidVector {
  return { name, from, encoding: 'cbor', bytes: hex(wire), valid: false, ...verdict, ...readable(draft) }
}
