// `hello`: who is this, what does it want, and where did it stop?
import { type Cursor, closes, errors, type Hello, peerOf, type Seq } from '../../protocol/index.ts'
import type { Claims, Verified } from '../auth.ts'
import { visibleTop } from '../conversation.ts'
import { goLive } from '../delivery.ts'
import { answerFailure, logFailure } from '../failure.ts'
import { grantHeartbeat } from '../heartbeats.ts'
import type { Hub, User } from '../hub.ts'
import { announceOnline } from '../presence.ts'
import { type ReplayStart, startReplay } from '../replay.ts'
import { emptySynced, type Position, replayStart } from '../replay-start.ts'
import { closeSession, refuse, type Session } from '../session.ts'
import { parseTraceparent } from '../trace.ts'
import { isDamage } from '../unreadable.ts'
import { welcomeTail } from '../welcome-tails.ts'

const retryTooManyMs = 5_000

export function handleHello(hub: Hub, session: Session, message: Hello): void {
  if (session.state === 'open') session.state = 'authenticating'
  const verified = hub.auth.verify(message.token)
  if (!(verified instanceof Promise)) return authenticated(hub, session, message, verified)
  verified.then(
    (late) => {
      try {
        authenticated(hub, session, message, late)
      } catch (cause) {
        answerFailure(hub, session, message, cause)
      }
    },
    (cause: unknown) => {
      hub.logger.error({ err: cause }, 'keys could not be fetched')
      closeSession(hub, session, closes.SERVER_ERROR, 'tokens cannot be verified now')
    },
  )
}

function authenticated(hub: Hub, session: Session, message: Hello, verified: Verified): void {
  if (session.state === 'closed') return
  if (!verified.ok) {
    if (verified.reason === 'expired') return closeSession(hub, session, closes.TOKEN_EXPIRED)
    return closeSession(hub, session, closes.UNAUTHORIZED, 'the token was refused')
  }
  const claims = verified.claims
  if (hub.revocations.isRevoked(claims)) return closeSession(hub, session, closes.REVOKED)
  if (session.state === 'active') return helloAgain(hub, session, message, claims)
  if (hub.draining) return closeSession(hub, session, closes.DRAINING)
  admit(hub, session, message, claims)
}

/** A second `hello` changes nothing; with another subject it ends the connection. */
function helloAgain(hub: Hub, session: Session, message: Hello, claims: Claims): void {
  if (claims.userId !== session.user?.id)
    return closeSession(hub, session, closes.UNAUTHORIZED, 'another subject')
  refuse(hub, session, errors.BAD_REQUEST, 'type: hello was answered already', { id: message.id })
}

function admit(hub: Hub, session: Session, message: Hello, claims: Claims): void {
  const online = hub.users.get(claims.userId)
  const replaced = online?.sessions.find((other) => other.deviceId === message.deviceId)
  const most = hub.options.limits.connectionsPerUser
  if (replaced === undefined && online !== undefined && online.sessions.length >= most) {
    return closeSession(
      hub,
      session,
      closes.RATE_LIMITED,
      `at most ${most} connections per user`,
      retryTooManyMs,
    )
  }
  const devices = hub.devices.of(claims.userId)
  const user = online ?? hub.userOnline(claims.userId, session, devices)
  online?.sessions.push(session)
  openSession(hub, session, message, claims, user)
  hub.devices.remember(user, devices, {
    deviceId: message.deviceId,
    nowMs: session.lastHeardMs,
    keepMs: hub.options.limits.resumeWindowMs,
  })
  // The new connection counts before the old one goes: presence does not flap.
  if (replaced !== undefined) closeSession(hub, replaced, closes.SESSION_REPLACED)
  const starts = placesOf(hub, session, user, message)
  welcome(hub, session, message, resumed(message, starts, user, hub.log.epoch))
  if (online === undefined) announceOnline(hub, user)
  answerEmpty(hub, session, user, message.resume?.cursors ?? [])
  startReplay(hub, session, starts, undefined)
  if (hub.logger.isLevelEnabled('debug')) {
    hub.logger.debug({ session: session.sessionId, ...parseTraceparent(message.traceparent) }, 'session open')
  }
}

function openSession(hub: Hub, session: Session, message: Hello, claims: Claims, user: User): void {
  session.state = 'active'
  session.user = user
  session.deviceId = message.deviceId
  session.sessionId = hub.sessionId()
  session.tokenId = claims.tokenId ?? ''
  session.tokenIssuedAtMs = claims.issuedAt
  session.expiresAtMs = claims.expiresAt
  session.heartbeat = grantHeartbeat(hub.options, message.network, message.heartbeat)
  session.firstPingAtMs = session.lastHeardMs + Math.max(1, session.heartbeat.intervalMs * hub.random())
  session.wantsPresence = hub.options.presence && message.caps?.includes('presence') === true
  session.wantsReceipts = hub.options.receipts && message.caps?.includes('receipts') === true
}

/** A place in each conversation of the user; the ones with something to replay are returned. */
function placesOf(hub: Hub, session: Session, user: User, message: Hello): ReplayStart[] {
  if (user.conversations.size === 0) return []
  const named = new Map<string, Position>()
  for (const cursor of message.resume?.cursors ?? []) named.set(cursor.conv, cursor)
  const stored = hub.cursors.of(user.id, message.deviceId)
  const bounds = { allowance: Number.POSITIVE_INFINITY, newest: hub.options.limits.offlineMax }
  const starts: ReplayStart[] = []
  for (const [id, endsAt] of user.conversations) {
    const position = named.get(id) ?? stored.get(id)
    if (endsAt !== null && !named.has(id) && position !== undefined && position.seq >= endsAt) continue
    const head = headOf(hub, session, id)
    if (head === undefined) continue
    const conversation = hub.conversation(id)
    const place = hub.addPlace(session, conversation, 0)
    place.endsAt = endsAt
    place.acked = stored.get(id)?.epoch === hub.log.epoch ? (stored.get(id)?.seq ?? 0) : 0
    const start = replayStart(hub, place, position, bounds)
    place.position = start.after
    const top = visibleTop(conversation.members.get(user.id)?.windows ?? [], head)
    if (named.has(id) || start.gap !== undefined || start.after < top) starts.push(start)
    // While the end itself is still on its way to the disk, so are the last messages before it.
    else if (endsAt !== null && endsAt <= head) hub.removePlace(place)
    else goLive(place)
  }
  return starts
}

/** Undefined if the end of the conversation is damaged: it stays closed, and its user's others do not. */
function headOf(hub: Hub, session: Session, conv: string): Seq | undefined {
  try {
    return hub.log.head(conv)
  } catch (cause) {
    if (!isDamage(cause)) throw cause
    logFailure(hub, { err: cause, conv, session: session.sessionId }, 'a conversation cannot be opened')
    return undefined
  }
}

/** A named direct conversation that nobody has written in yet; one that is not this user's gets no answer. */
function answerEmpty(hub: Hub, session: Session, user: User, named: readonly Cursor[]): void {
  for (const cursor of new Map(named.map((one) => [one.conv, one])).values()) {
    if (user.conversations.has(cursor.conv) || peerOf(cursor.conv, user.id) === undefined) continue
    session.write(hub, emptySynced(session, hub.log.epoch, cursor))
  }
}

/** Everything that the client named can be continued without a loss. */
function resumed(message: Hello, starts: readonly ReplayStart[], user: User, epoch: string): boolean {
  const cursors = message.resume?.cursors
  if (cursors === undefined) return false
  return cursors.every((cursor) => {
    const start = starts.find(({ place }) => place.conversation.id === cursor.conv)
    if (start !== undefined) return start.gap === undefined
    return peerOf(cursor.conv, user.id) !== undefined && cursor.epoch === epoch && cursor.seq === 0
  })
}

function welcome(hub: Hub, session: Session, message: Hello, isResumed: boolean): void {
  if (message.resume !== undefined) hub.counters.countResume(isResumed ? 'lossless' : 'lost')
  const serverTime = hub.now()
  const { sessionId, expiresAtMs: expiresAt, user } = session
  const userId = user?.id ?? ''
  if (session.encoding === 'cbor') {
    const own = { id: message.id, sessionId, userId, serverTime, expiresAt, resumed: isResumed }
    return session.write(hub, { type: 'welcome', ...own, ...welcomeTail(hub, session) })
  }
  // In a storm this is the largest frame of all, and most of it is the same for everybody. No name needs an escape.
  const head = `{"type":"welcome","id":${message.id},"sessionId":"${sessionId}","userId":"${userId}"`
  const rest = `"serverTime":${serverTime},"expiresAt":${expiresAt},"resumed":${isResumed}`
  session.socket.send(`${head},${rest},${hub.welcomeTails.of(hub, session)}`)
}
