// One connection as the simulated server sees it.
import type { SimulatedConversation } from './simulated-conversation.ts'
import type { Down, Up } from './simulated-frames.ts'

export interface Place {
  mode: 'live' | 'behind' | 'paused'
  position: number
  unacked: number[]
  job: Job | undefined
}

interface Job {
  sync: { id: number | undefined; remaining: number }
  from: number
  allowance: number
  recovered: boolean
}

export interface Session {
  user: string
  device: string
  isOpen: boolean
  up: Up[]
  down: Down[]
  places: Map<SimulatedConversation, Place>
}

/** Only error 100 says nothing about the outcome. */
export function refuse(session: Session, id: number, code: number): undefined {
  session.down.push({ type: 'error', id, code, definite: code !== 100 })
}

export function keyOf({ user, device }: Session, conv: string): string {
  return `${user} ${device} ${conv}`
}

export function unackedOf({ places }: Session): number {
  let count = 0
  for (const { unacked } of places.values()) count += unacked.length
  return count
}
