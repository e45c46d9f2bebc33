// Which fields each kind of event has: the table that a line of a history is held against.
import type { EventKind, HistoryEvent } from './events.ts'

/** What a field may hold; an array lists the allowed words. */
export type FieldType =
  | 'text'
  | 'count'
  | 'time'
  | 'flag'
  | 'texts'
  | 'positions'
  | 'messages'
  | readonly string[]

export interface Field {
  type: FieldType
  optional: boolean
}

export type Fields = Readonly<Record<string, Field>>

/** Every field but `kind` itself, so that a field added to an event cannot be forgotten here. */
type FieldsOf<Event> = Event extends HistoryEvent
  ? { readonly [Name in Exclude<keyof Event, 'kind'>]-?: Field }
  : never

const text = need('text')
const count = need('count')
const flag = need('flag')

const timed = { ms: need('time') }
const onConnection = { ...timed, user: text, device: text, connection: text }
const position = { conv: text, epoch: text, seq: count }
const message = { seq: count, from: text, msgId: text, hash: count, timestamp: count }

export const positionFields: Fields = position
export const messageFields: Fields = message

export const eventFields: { readonly [Kind in EventKind]: FieldsOf<Extract<HistoryEvent, { kind: Kind }>> } =
  {
    header: { format: need(['chatspec-history']), version: count, capabilities: may('texts') },
    base: { ...timed, ...position, members: may('texts') },
    fault: { ...timed, fault: text, phase: need(['start', 'stop']) },
    quiet: timed,
    connect: { ...onConnection, cursors: may('positions'), deliberate: may('flag') },
    welcome: { ...onConnection, resumed: flag, window: may('count') },
    live: { ...onConnection, id: may('count') },
    close: { ...onConnection, code: count, clean: flag },
    send: { ...onConnection, id: count, msgId: text, conv: text, hash: count, deliberate: may('flag') },
    sent: { ...onConnection, ...position, id: count, msgId: text, timestamp: count, duplicate: flag },
    error: { ...onConnection, id: count, code: count, definite: flag },
    timeout: { ...onConnection, id: count },
    ok: { ...onConnection, id: count, epoch: may('text'), top: may('count') },
    deliver: { ...onConnection, ...position, ...message, replay: may('flag') },
    ack: { ...onConnection, ...position, id: may('count'), deliberate: may('flag') },
    read: { ...onConnection, ...position, id: may('count'), deliberate: may('flag') },
    sync: { ...onConnection, id: count, cursors: need('positions'), deliberate: may('flag') },
    synced: {
      ...onConnection,
      id: may('count'),
      conv: text,
      epoch: text,
      from: count,
      to: count,
      top: count,
      complete: flag,
      recovered: flag,
    },
    gap: { ...onConnection, conv: text, epoch: text, from: count, to: count, reason: text },
    history: {
      ...onConnection,
      id: count,
      conv: text,
      order: need(['asc', 'desc']),
      afterSeq: may('count'),
      beforeSeq: may('count'),
      timed: may('flag'),
      cursor: may('text'),
      final: may('flag'),
    },
    page: {
      ...onConnection,
      id: count,
      epoch: text,
      items: need('messages'),
      nextCursor: may('text'),
      complete: flag,
    },
    join: { ...onConnection, id: count, conv: text, member: may('text') },
    leave: { ...onConnection, id: count, conv: text, member: may('text') },
    membership: { ...onConnection, ...position, member: text, change: need(['joined', 'left', 'removed']) },
    receipt: { ...onConnection, ...position, reader: text, mark: need(['delivered', 'read']) },
    presence: { ...onConnection, peer: text, online: flag },
    fence: { ...onConnection, n: count },
    fenced: { ...onConnection, n: count },
    invalid: { ...onConnection, deliberate: flag },
  }

function need(type: FieldType): Field {
  return { type, optional: false }
}

function may(type: FieldType): Field {
  return { type, optional: true }
}
