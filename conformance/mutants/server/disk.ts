// What survives the death of a server: plain data, changed by nobody but the writer of the server that runs.
import { randomBytes } from 'node:crypto'
import { type Message, peerOf } from '../../../protocol/index.ts'

/** The seqs in (`from`, `to`] that a member may see; `to` is infinite while it is one. */
export interface Window {
  from: number
  to: number
  change?: 'left' | 'removed'
}

export interface Conversation {
  id: string
  epoch: string
  /** In seq order. */
  log: Message[]
  /** Of groups: those who are members, the earliest first; that one is the owner. */
  members: string[]
  /** Of groups: of everybody who ever was a member. */
  windows: Map<string, Window[]>
}

/** What a repeat is compared with. */
export interface Accepted {
  message: Message
  atMs: number
}

export class Disk {
  /** Signs page cursors. */
  readonly key = randomBytes(16).toString('hex')
  readonly epoch: string
  readonly conversations = new Map<string, Conversation>()
  /** Names of the conversations that a user takes or took part in. */
  readonly ofUser = new Map<string, Set<string>>()
  readonly accepted = new Map<string, Accepted>()
  /** Everybody who ever authenticated. */
  readonly users = new Set<string>()
  /** How far each device has acknowledged each conversation, by `<user> <device>`. */
  readonly positions = new Map<string, Map<string, number>>()
  /** How far each user has acknowledged and read each conversation, by `<kind> <user>`. */
  readonly reports = new Map<string, Map<string, number>>()
  /** Seconds: of a user, up to which tokens were issued; of a token, when. By `sub <user>` or `jti <token>`. */
  readonly revoked = new Map<string, number>()

  constructor(epoch = `e${randomBytes(4).toString('hex')}`) {
    this.epoch = epoch
  }

  /** [M01] [M154] These messages were never written. */
  lose(isLost: (message: Message) => boolean): void {
    for (const [key, { message }] of this.accepted) if (isLost(message)) this.accepted.delete(key)
    for (const conversation of this.conversations.values())
      conversation.log = conversation.log.filter((message) => !isLost(message))
  }

  /** [M115] Who is a member was only in memory. */
  loseMembers(): void {
    for (const conversation of this.conversations.values()) {
      conversation.members = []
      conversation.windows.clear()
    }
  }

  /** The conversation of that name, made if there is none. */
  open(id: string): Conversation {
    const known = this.conversations.get(id)
    if (known) return known
    const fresh: Conversation = { id, epoch: this.epoch, log: [], members: [], windows: new Map() }
    this.conversations.set(id, fresh)
    return fresh
  }

  takePart(user: string, id: string): void {
    entry(this.ofUser, user, () => new Set<string>()).add(id)
  }

  position(device: string, id: string): number {
    return this.positions.get(device)?.get(id) ?? 0
  }

  setPosition(device: string, id: string, seq: number): void {
    entry(this.positions, device, () => new Map<string, number>()).set(id, seq)
  }

  report(kind: string, user: string, id: string): number {
    return this.reports.get(`${kind} ${user}`)?.get(id) ?? 0
  }

  setReport(kind: string, user: string, id: string, seq: number): void {
    entry(this.reports, `${kind} ${user}`, () => new Map<string, number>()).set(id, seq)
  }
}

/** The value of a key, made if there is none. */
export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const fresh = make()
  map.set(key, fresh)
  return fresh
}

export function isGroup(id: string): boolean {
  return id.startsWith('g:')
}

export function topOf({ log }: Conversation): number {
  return log.at(-1)?.seq ?? 0
}

/** True if `user` takes or took part in it. */
export function hasPart(conversation: Conversation | undefined, id: string, user: string): boolean {
  return isGroup(id) ? (conversation?.windows.has(user) ?? false) : peerOf(id, user) !== undefined
}

export function isMember(conversation: Conversation | undefined, id: string, user: string): boolean {
  return isGroup(id) ? (conversation?.members.includes(user) ?? false) : peerOf(id, user) !== undefined
}

/** The highest seq that `user` may see; 0 if there is none. */
export function topFor(conversation: Conversation, user: string): number {
  const top = topOf(conversation)
  if (!isGroup(conversation.id)) return top
  return Math.min(top, conversation.windows.get(user)?.at(-1)?.to ?? 0)
}

export function isVisible(conversation: Conversation, user: string, seq: number): boolean {
  if (!isGroup(conversation.id)) return true
  return conversation.windows.get(user)?.some(({ from, to }) => from < seq && seq <= to) ?? false
}

/** The next message above `seq` that `user` may see. */
export function nextFor(conversation: Conversation, user: string, seq: number): Message | undefined {
  const { log } = conversation
  // Dense from 1, unless a defect makes it otherwise.
  let at = log[seq]?.seq === seq + 1 ? seq : log.findIndex((message) => message.seq > seq)
  if (at < 0) return undefined
  while (at < log.length && !isVisible(conversation, user, log[at]?.seq ?? 0)) at++
  return log[at]
}

export function messagesFor(conversation: Conversation, user: string, after: number): Message[] {
  return conversation.log.filter(({ seq }) => seq > after && isVisible(conversation, user, seq))
}
