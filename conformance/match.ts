// Picking frames of a server: by type, by fields, by the request that they answer.
import type { ServerMessage } from '../protocol/index.ts'
import { show } from './trace.ts'

export type FrameOf<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>
/** Fields that have to be equal, or a test of the whole frame. */
export type Where<T extends ServerMessage['type']> = Partial<FrameOf<T>> | ((frame: FrameOf<T>) => boolean)
/** What answers a request; `synced` and `live` answer `sync`. */
export type Reply = FrameOf<'welcome' | 'error' | 'ok' | 'sent' | 'page' | 'synced' | 'live'>

/** Every frame that ends a request has its id. */
export function isAnswer(frame: ServerMessage, id: number): frame is Reply {
  switch (frame.type) {
    case 'welcome':
    case 'error':
    case 'ok':
    case 'sent':
    case 'page':
    case 'live':
      return frame.id === id
    default:
      return false
  }
}

/** True if a frame is of `type` and as `where` wants it. */
export function matches<T extends ServerMessage['type']>(
  frame: ServerMessage,
  type: T,
  where: Where<T>,
): frame is FrameOf<T> {
  if (frame.type !== type) return false
  const own = frame as FrameOf<T>
  if (typeof where === 'function') return where(own)
  return Object.entries(where).every(([name, value]) => own[name as keyof FrameOf<T>] === value)
}

/** `where` in words, for a finding. */
export function describeWhere<T extends ServerMessage['type']>(where: Where<T>): string {
  if (typeof where === 'function') return ` with ${where.toString().replace(/\s+/g, ' ').slice(0, 100)}`
  return Object.entries(where)
    .map(([name, value]) => ` ${name}=${show(name, value)}`)
    .join('')
}
