// One line of a history file: read with every field checked, or refused with what arrived and what is allowed.
import {
  eventFields,
  type Field,
  type Fields,
  type FieldType,
  messageFields,
  positionFields,
} from './event-fields.ts'
import { type HistoryEvent, historyVersion } from './events.ts'

export type HistoryLine =
  | { ok: true; event: HistoryEvent }
  /** `detail`: what arrived, what is allowed. */
  | { ok: false; line: number; detail: string }

/** Reads line `line` (from 1) of a history file. The first one is the header, and only the first one. */
export function parseHistoryLine(text: string, line: number): HistoryLine {
  const value = parseJson(text)
  const detail = isRecord(value) ? refusal(value, line) : `${show(text)} arrived, a JSON object is allowed`
  return detail === undefined ? { ok: true, event: value as HistoryEvent } : { ok: false, line, detail }
}

/** The line for one event, without its line end. */
export function formatHistoryLine(event: HistoryEvent): string {
  return JSON.stringify(event)
}

type Json = Readonly<Record<string, unknown>>

const allowed: Readonly<Record<Exclude<FieldType, readonly string[]>, string>> = {
  text: 'a string',
  count: 'an integer from 0 to 2^53-1',
  time: 'a number of milliseconds from 0',
  flag: 'true or false',
  texts: 'a list of strings',
  positions: 'a list of {conv, epoch, seq}',
  messages: 'a list of {seq, from, msgId, hash, timestamp}',
}

function refusal(value: Json, line: number): string | undefined {
  const kind = value.kind
  const fields: Fields | undefined =
    typeof kind === 'string' && Object.hasOwn(eventFields, kind)
      ? eventFields[kind as HistoryEvent['kind']]
      : undefined
  if (fields === undefined)
    return `kind: ${show(kind)} arrived, ${Object.keys(eventFields).join(', ')} are allowed`
  if ((kind === 'header') !== (line === 1)) {
    return line === 1
      ? `kind: ${show(kind)} arrived, the first line is the header`
      : 'a header arrived after line 1'
  }
  // A later version may have other fields: the version is what is wrong with them.
  return wrongVersion(value) ?? wrongField(value, fields, 'kind')
}

function wrongVersion({ kind, version }: Json): string | undefined {
  if (kind !== 'header' || version === historyVersion) return undefined
  return `version: ${show(version)} arrived, ${historyVersion} is allowed`
}

function wrongField(value: Json, fields: Fields, besides?: string): string | undefined {
  for (const [name, field] of Object.entries(fields)) {
    if (!isField(value[name], field))
      return `${name}: ${show(value[name])} arrived, ${describe(field)} is allowed`
  }
  for (const name of Object.keys(value)) {
    if (name !== besides && !Object.hasOwn(fields, name)) {
      return `${name} arrived, ${Object.keys(fields).join(', ')} are allowed`
    }
  }
  return undefined
}

function isField(value: unknown, { type, optional }: Field): boolean {
  if (value === undefined) return optional
  if (typeof type !== 'string') return typeof value === 'string' && type.includes(value)
  switch (type) {
    case 'text':
      return typeof value === 'string'
    case 'count':
      return Number.isSafeInteger(value) && (value as number) >= 0
    case 'time':
      return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY
    case 'flag':
      return typeof value === 'boolean'
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
    case 'positions':
      return isListOf(value, positionFields)
    case 'messages':
      return isListOf(value, messageFields)
  }
}

function isListOf(value: unknown, fields: Fields): boolean {
  return (
    Array.isArray(value) && value.every((item) => isRecord(item) && wrongField(item, fields) === undefined)
  )
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describe({ type, optional }: Field): string {
  const words = typeof type === 'string' ? allowed[type] : type.join(' or ')
  return optional ? `${words}, or nothing,` : words
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? 'nothing')
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
