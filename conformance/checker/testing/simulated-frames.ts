// The frames of the simulated server: those of the protocol, as objects.
import type { ConnectionEvent, Position, SeenMessage } from '../events.ts'

/** Unacknowledged messages of one connection. */
export const windowSize = 6

export type Up =
  | { type: 'hello'; cursors: Position[] | undefined }
  | { type: 'send'; id: number; msgId: string; conv: string; hash: number }
  | { type: 'ack'; id: number | undefined; conv: string; epoch: string; seq: number }
  | { type: 'sync'; id: number; cursors: Position[]; limit: number }
  | {
      type: 'history'
      id: number
      conv: string
      order: 'asc' | 'desc'
      limit: number
      afterSeq: number
      cursor: string | undefined
    }
  | { type: 'join' | 'leave'; id: number; conv: string; member: string | undefined }
  | { type: 'ping'; n: number }

export type Down =
  | { type: 'welcome'; resumed: boolean }
  | { type: 'live'; id?: number }
  | { type: 'sent'; id: number; msgId: string; timestamp: number; duplicate: boolean; at: Position }
  | { type: 'error'; id: number; code: number; definite: boolean }
  | { type: 'ok'; id: number; epoch?: string; top?: number }
  | { type: 'msg'; message: SeenMessage; at: Position; replay: boolean }
  | {
      type: 'synced'
      id?: number
      conv: string
      epoch: string
      from: number
      to: number
      top: number
      complete: boolean
      recovered: boolean
    }
  | { type: 'gap'; conv: string; epoch: string; from: number; to: number; reason: string }
  | { type: 'page'; id: number; epoch: string; items: SeenMessage[]; complete: boolean; nextCursor?: string }
  | { type: 'membership'; at: Position; member: string; change: 'joined' | 'left' | 'removed' }
  | { type: 'pong'; n: number }
  | { type: 'closed'; code: number }

/** An event without its time and its connection. */
export type Unrecorded = ConnectionEvent extends infer Event
  ? Event extends ConnectionEvent
    ? Omit<Event, 'ms' | 'user' | 'device' | 'connection'>
    : never
  : never

/** What a client records when a frame arrives. */
export function eventOf(frame: Down): Unrecorded {
  switch (frame.type) {
    case 'msg':
      return { kind: 'deliver', ...frame.at, ...frame.message, ...(frame.replay && { replay: true }) }
    case 'sent': {
      const { id, msgId, timestamp, duplicate, at } = frame
      return { kind: 'sent', id, msgId, timestamp, duplicate, ...at }
    }
    case 'membership':
      return { kind: 'membership', ...frame.at, member: frame.member, change: frame.change }
    case 'closed':
      return { kind: 'close', code: frame.code, clean: true }
    case 'welcome':
      return { kind: 'welcome', resumed: frame.resumed, window: windowSize }
    case 'pong':
      return { kind: 'fenced', n: frame.n }
    default:
      return { kind: frame.type, ...withoutType(frame) } as Unrecorded
  }
}

function withoutType<Frame extends { type: string }>({ type: _, ...fields }: Frame): Omit<Frame, 'type'> {
  return fields
}
