// One good request of each type, for what has to hold for all of them.
import { randomUUID } from 'node:crypto'
import type { LooseFrame } from './loose.ts'
import type { Reply } from './match.ts'
import type { Position } from './session.ts'

export interface Specimen {
  frame: LooseFrame
  /** The type of the frame that ends it when all goes well. */
  answer: Reply['type']
}

export interface SpecimenParts {
  /** Whom to write to. */
  to: string
  /** A good one of the same user. */
  token: string
  /** In a conversation that the user takes part in. */
  position: Position
  /** A group that nobody is a member of. */
  group: string
}

/** In an order in which each of them succeeds; without those that need what `caps` do not list. */
export function specimens(caps: readonly string[], parts: SpecimenParts): Specimen[] {
  const { to, token, group } = parts
  const { conv, epoch, seq } = parts.position
  const all: (Specimen & { needs?: string })[] = [
    { frame: { type: 'send', msgId: randomUUID(), to, content: 'a specimen' }, answer: 'sent' },
    { frame: { type: 'network', network: 'wifi' }, answer: 'ok' },
    { frame: { type: 'refresh', token }, answer: 'ok' },
    { frame: { type: 'ack', conv, epoch, seq }, answer: 'ok' },
    { frame: { type: 'read', conv, epoch, seq }, answer: 'ok', needs: 'receipts' },
    { frame: { type: 'join', conv: group }, answer: 'ok', needs: 'groups' },
    { frame: { type: 'leave', conv: group }, answer: 'ok', needs: 'groups' },
    { frame: { type: 'sync', cursors: [{ conv, epoch, seq }], limit: 1 }, answer: 'live', needs: 'sync' },
    { frame: { type: 'history', conv, order: 'asc', limit: 1 }, answer: 'page', needs: 'history' },
  ]
  return all.filter(({ needs }) => needs === undefined || caps.includes(needs))
}
