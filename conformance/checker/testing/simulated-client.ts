// One device of the simulated run: what it has stored, and what it waits for.
import type { Position } from '../events.ts'
import type { Up } from './simulated-frames.ts'
import type { Session } from './simulated-session.ts'

export interface Client {
  user: string
  device: string
  session: Session | undefined
  connection: string
  /** What the device has stored up to. */
  cursors: Map<string, Position>
  /** Conversations of which a sync with a limit has left something. */
  paused: Set<string>
  /** The last message of each conversation, as far as it is to be acknowledged. */
  unacked: Map<string, Position>
  lastId: number
  openIds: Map<number, 'send' | 'other'>
  /** Pages that may be continued. */
  walk: (Up & { type: 'history' }) | undefined
}

export function createClient(user: string, device: string): Client {
  return {
    user,
    device,
    session: undefined,
    connection: '',
    cursors: new Map(),
    paused: new Set(),
    unacked: new Map(),
    lastId: 0,
    openIds: new Map(),
    walk: undefined,
  }
}
