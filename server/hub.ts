// Everything that connections share: who is online, which conversations are loaded, and the services they use.
import { type Codec, closes, type Encoding, type Seq } from '../protocol/index.ts'
import type { Authenticator, Claims } from './auth.ts'
import { type Conversation, createPlace, loadConversation, type Place } from './conversation.ts'
import { type Cursors, createCursors } from './cursors.ts'
import { freeWindow, goLive, leaveTopic, rejoin } from './delivery.ts'
import { createDevices, type Devices, type KnownDevices } from './devices.ts'
import type { MessageLog } from './log.ts'
import type { Logger } from './logger.ts'
import type { Counters } from './metrics.ts'
import type { ServerOptions } from './options.ts'
import { announceOffline } from './presence.ts'
import { createRecords, type Records } from './records.ts'
import { createRateLimiter, type RateLimiter } from './rate-limit.ts'
import type { Revocations } from './revocations.ts'
import { closeSession, Session } from './session.ts'
import type { Broadcaster, Socket } from './socket.ts'
import { WelcomeTails } from './welcome-tails.ts'

/** A user with at least one connection. */
export interface User {
  readonly id: string
  readonly sessions: Session[]
  /** Conversations: `null` while a member, else the last seq of the ended membership. */
  readonly conversations: Map<string, Seq | null>
  onlineSinceMs: number
}

export interface HubParts {
  options: Readonly<ServerOptions>
  log: MessageLog
  auth: Authenticator
  revocations: Revocations
  counters: Counters
  logger: Logger
  cbor: Codec<Uint8Array>
  broadcaster: Broadcaster
  now: () => number
  /** Uniform in [0, 1). */
  random: () => number
  /** Another one at every call. */
  sessionId: () => string
}

export class Hub {
  readonly options: Readonly<ServerOptions>
  readonly log: MessageLog
  readonly auth: Authenticator
  readonly revocations: Revocations
  readonly counters: Counters
  readonly logger: Logger
  readonly cbor: Codec<Uint8Array>
  readonly broadcaster: Broadcaster
  readonly now: () => number
  readonly random: () => number
  readonly sessionId: () => string
  readonly limiter: RateLimiter
  readonly welcomeTails = new WelcomeTails()
  readonly sessions = new Set<Session>()
  readonly users = new Map<string, User>()
  readonly conversations = new Map<string, Conversation>()
  readonly records: Records
  readonly cursors: Cursors
  readonly devices: Devices
  /** Conversation and user whose marks moved since the last write. */
  private readonly movedMarks = new Map<string, { conversation: Conversation; userId: string }>()
  draining = false

  constructor(parts: HubParts) {
    this.options = parts.options
    this.log = parts.log
    this.auth = parts.auth
    this.revocations = parts.revocations
    this.counters = parts.counters
    this.logger = parts.logger
    this.cbor = parts.cbor
    this.broadcaster = parts.broadcaster
    this.now = parts.now
    this.random = parts.random
    this.sessionId = parts.sessionId
    this.records = createRecords(parts.log)
    this.cursors = createCursors(this.records, parts.log.epoch)
    this.devices = createDevices(this.records, this.cursors)
    this.limiter = createRateLimiter(parts.options.limits)
  }

  open(socket: Socket, encoding: Encoding): Session {
    const session = new Session(socket, encoding, this.now())
    this.sessions.add(session)
    return session
  }

  /** Lets go of all that a connection held. Only its own: a newer connection of the same device stays. */
  release(session: Session): void {
    if (session.state === 'closed') return
    session.state = 'closed'
    this.sessions.delete(session)
    session.behind = undefined
    for (const place of session.places?.values() ?? []) this.removePlace(place)
    session.places = undefined
    const user = session.user
    if (user === undefined) return
    const index = user.sessions.indexOf(session)
    if (index >= 0) user.sessions.splice(index, 1)
    if (user.sessions.length === 0 && this.users.get(user.id) === user) {
      this.users.delete(user.id)
      announceOffline(this, user)
      for (const id of user.conversations.keys()) this.unloadIfIdle(id)
    }
  }

  /** The user of a first connection, with its conversations. */
  userOnline(userId: string, session: Session, devices: KnownDevices | undefined): User {
    // A list that is grown from nothing would reserve room for many: nearly everybody has one connection.
    const sessions = [session]
    const user: User = { id: userId, sessions, conversations: new Map(), onlineSinceMs: this.now() }
    // Nobody can write to a user without a device, so a new one has nothing to look up.
    if (devices !== undefined) {
      for (const [key, value] of this.records.list(['conv', userId])) {
        user.conversations.set(key[2] ?? '', typeof value === 'number' ? value : null)
      }
    }
    this.users.set(userId, user)
    return user
  }

  isKnownUser(userId: string): boolean {
    return this.users.has(userId) || this.devices.isKnown(userId)
  }

  /** The loaded conversation, or one read from the records that nobody online takes part in yet. */
  conversation(id: string): Conversation {
    return this.conversations.get(id) ?? loadConversation(this.log, this.records, id)
  }

  /**
   * Gives each connection of a user a live place in a conversation, at `at`. Called in commit order, so that everything after `at` is still to be delivered.
   */
  admit(userId: string, conversation: Conversation, at: Seq): void {
    const user = this.users.get(userId)
    if (user === undefined) return
    for (const session of user.sessions) {
      const old = session.places?.get(conversation.id)
      if (old === undefined) goLive(this.addPlace(session, conversation, at))
      else rejoin(old)
    }
  }

  addPlace(session: Session, conversation: Conversation, at: Seq): Place {
    const place = createPlace(session, conversation, at)
    session.places ??= new Map()
    session.places.set(conversation.id, place)
    conversation.places.push(place)
    this.conversations.set(conversation.id, conversation)
    return place
  }

  removePlace(place: Place): void {
    const { session, conversation } = place
    this.cursors.savePlace(place)
    leaveTopic(place)
    const index = conversation.places.indexOf(place)
    if (index >= 0) conversation.places.splice(index, 1)
    session.places?.delete(conversation.id)
    if (session.behind !== undefined) session.behind = session.behind.filter((other) => other !== place)
    freeWindow(session, place.unacked)
    this.unloadIfIdle(conversation.id)
  }

  unloadIfIdle(id: string): void {
    const conversation = this.conversations.get(id)
    if (conversation === undefined || conversation.places.length > 0 || conversation.pending > 0) return
    for (const user of conversation.marks.keys()) if (this.movedMarks.has(`${id} ${user}`)) return
    this.conversations.delete(id)
  }

  /** Revokes a token, or all tokens of a user that were issued until now, and closes the connections that used them. */
  revoke(target: { sub: string } | { jti: string }): void {
    if ('sub' in target) this.revocations.revokeSubject(target.sub)
    else this.revocations.revokeToken(target.jti)
    for (const session of [...this.sessions]) {
      if (session.user === undefined) continue
      if (this.revocations.isRevoked(claimsOf(session, session.user.id)))
        closeSession(this, session, closes.REVOKED)
    }
  }

  marksMoved(conversation: Conversation, userId: string): void {
    this.movedMarks.set(`${conversation.id} ${userId}`, { conversation, userId })
  }

  /** Hands moved cursors and marks to the log; called a few times a second, and before it closes. */
  savePositions(): void {
    this.cursors.save()
    for (const { conversation, userId } of this.movedMarks.values()) {
      const marks = conversation.marks.get(userId)
      if (marks !== undefined) this.records.put(['marks', conversation.id, userId], { ...marks })
    }
    const moved = [...this.movedMarks.values()]
    this.movedMarks.clear()
    for (const { conversation } of moved) this.unloadIfIdle(conversation.id)
  }
}

function claimsOf(session: Session, userId: string): Claims {
  const claims: Claims = { userId, expiresAt: session.expiresAtMs, issuedAt: session.tokenIssuedAtMs }
  if (session.tokenId !== '') claims.tokenId = session.tokenId
  return claims
}
