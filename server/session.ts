// One connection as a state machine: frames in, frames out; socket, clock and randomness are handed in.
// HOT PATH, guarded by bench/server.bench.ts
import {
  type AnyMessage,
  type Bye,
  type ClientMessage,
  type CloseEntry,
  closes,
  type Decoded,
  type Encoding,
  type ErrorEntry,
  type ErrorFrame,
  errors,
  type Heartbeat,
  jsonCodec,
  networkHeartbeats,
  type Refusal,
  type RequestId,
} from '../protocol/index.ts'
import type { Place } from './conversation.ts'
import { answerFailure } from './failure.ts'
import { handleHello } from './handlers/hello.ts'
import { handleHistory } from './handlers/history.ts'
import { handleNetwork, handleRefresh } from './handlers/renew.ts'
import { handleAck, handleRead } from './handlers/receipts.ts'
import { handleSend } from './handlers/send.ts'
import { handleSync } from './handlers/sync.ts'
import { handleJoin, handleLeave } from './groups.ts'
import type { Hub, User } from './hub.ts'
import type { Socket } from './socket.ts'

/** `open`: nothing but `hello`. `authenticating`: keys are being fetched. `active`: after `welcome`. */
export type SessionState = 'open' | 'authenticating' | 'active' | 'closed'

/** More refused frames than this within the window end the connection with 4509. */
export const maxErrors = 100
export const errorWindowMs = 60_000

export class Session {
  readonly socket: Socket
  readonly encoding: Encoding
  state: SessionState = 'open'
  readonly openedAtMs: number
  lastHeardMs: number
  lastPingMs = 0
  firstPingAtMs = 0
  heartbeat: Heartbeat = networkHeartbeats.wifi
  user: User | undefined = undefined
  deviceId = ''
  sessionId = ''
  traceId = ''
  tokenId = ''
  tokenIssuedAtMs = 0
  /** 0: the token does not run out. */
  expiresAtMs = 0
  wantsPresence = false
  wantsReceipts = false
  places: Map<string, Place> | undefined = undefined
  /** Places that wait for room in the window, oldest first. */
  behind: Place[] | undefined = undefined
  /** `msg` frames that were written and not acknowledged, and about how many bytes they have. */
  unacked = 0
  unackedBytes = 0
  /** Since when the window has been full without an ack; 0: it has room. */
  stalledSinceMs = 0
  pendingSends = 0
  /** Of the last refused frames, as many as are allowed within the window. */
  errorTimesMs: number[] | undefined = undefined

  constructor(socket: Socket, encoding: Encoding, nowMs: number) {
    this.socket = socket
    this.encoding = encoding
    this.openedAtMs = nowMs
    this.lastHeardMs = nowMs
  }

  write(hub: Hub, message: AnyMessage): void {
    if (this.state === 'closed') return
    this.socket.send(
      this.encoding === 'json' ? jsonCodec.encode(message, 0) : hub.cbor.encode(message, hub.now()),
    )
  }
}

/** One text message of a JSON connection. */
export function receiveText(hub: Hub, session: Session, text: string, byteLength: number): void {
  if (session.state === 'closed') return
  session.lastHeardMs = hub.now()
  if (byteLength > hub.options.limits.maxFrame) return tooLarge(hub, session, byteLength)
  if (session.encoding !== 'json') return wrongKind(hub, session, 'a text message', 'binary messages')
  dispatch(hub, session, jsonCodec.decodeClient(text, hub.options.limits))
}

/** One binary message of a CBOR connection. The bytes are used before this returns, never after. */
export function receiveBinary(hub: Hub, session: Session, bytes: Uint8Array): void {
  if (session.state === 'closed') return
  session.lastHeardMs = hub.now()
  if (bytes.length > hub.options.limits.maxFrame) return tooLarge(hub, session, bytes.length)
  if (session.encoding !== 'cbor') return wrongKind(hub, session, 'a binary message', 'text messages')
  dispatch(hub, session, hub.cbor.decodeClient(bytes, hub.options.limits))
}

function dispatch(hub: Hub, session: Session, decoded: Decoded<ClientMessage>): void {
  if (closeIfSlow(hub, session)) return
  const { user } = session
  const waitMs = user === undefined ? 0 : hub.limiter.takeFrame(user.id, session.lastHeardMs)
  // [FRM-30] What is wrong in itself comes before what is too much.
  if (!decoded.ok) return refuseFrame(hub, session, decoded)
  if (waitMs > 0) return throttle(hub, session, decoded.message, waitMs)
  // One frame must not end everybody else's connections.
  try {
    handle(hub, session, decoded.message)
  } catch (cause) {
    answerFailure(hub, session, decoded.message, cause)
  }
}

function handle(hub: Hub, session: Session, message: ClientMessage): void {
  if (session.state !== 'active') return beforeWelcome(hub, session, message)
  switch (message.type) {
    case 'send':
      return handleSend(hub, session, message)
    case 'ack':
      return handleAck(hub, session, message)
    case 'ping':
      return session.write(hub, { type: 'pong', n: message.n })
    case 'pong':
      return
    case 'read':
      return handleRead(hub, session, message)
    case 'history':
      return handleHistory(hub, session, message)
    case 'sync':
      return handleSync(hub, session, message)
    case 'join':
      return handleJoin(hub, session, message)
    case 'leave':
      return handleLeave(hub, session, message)
    case 'network':
      return handleNetwork(hub, session, message)
    case 'refresh':
      return handleRefresh(hub, session, message)
    case 'hello':
      return handleHello(hub, session, message)
    case 'bye':
      return closeSession(hub, session, { code: 1000, name: 'NORMAL', reconnect: 'never', meaning: 'bye' })
  }
}

function beforeWelcome(hub: Hub, session: Session, message: ClientMessage): void {
  switch (message.type) {
    case 'hello':
      if (session.state === 'open') return handleHello(hub, session, message)
      break
    case 'ping':
      return session.write(hub, { type: 'pong', n: message.n })
    case 'pong':
      return
    case 'bye':
      return closeSession(hub, session, { code: 1000, name: 'NORMAL', reconnect: 'never', meaning: 'bye' })
  }
  closeSession(hub, session, closes.UNAUTHORIZED, `${message.type} before welcome`)
}

export interface RefusalContext {
  id?: RequestId | undefined
  msgId?: string | undefined
  retryAfterMs?: number
}

/** Answers a request with `error`; the connection stays. */
export function refuse(
  hub: Hub,
  session: Session,
  entry: ErrorEntry,
  message: string,
  context: RefusalContext = {},
): void {
  const frame: ErrorFrame = {
    type: 'error',
    code: entry.code,
    name: entry.name,
    message,
    retryable: entry.retryable,
  }
  if (context.id !== undefined) frame.id = context.id
  if (context.msgId !== undefined) frame.msgId = context.msgId
  if (context.retryAfterMs !== undefined) frame.retryAfterMs = context.retryAfterMs
  hub.counters.countError(entry.code)
  session.write(hub, frame)
}

function refuseFrame(hub: Hub, session: Session, refusal: Refusal): void {
  hub.counters.countRefusal(refusal.rule)
  if (refusal.code >= 1000) {
    const entry = Object.values(closes).find((close) => close.code === refusal.code) ?? closes.BAD_FRAME
    return closeSession(hub, session, entry, `${refusal.rule}: ${refusal.detail}`)
  }
  if (session.state !== 'active') {
    return closeSession(
      hub,
      session,
      closes.UNAUTHORIZED,
      `${refusal.rule} before welcome: ${refusal.detail}`,
    )
  }
  const entry = Object.values(errors).find((error) => error.code === refusal.code) ?? errors.BAD_REQUEST
  refuse(hub, session, entry, `${refusal.rule}: ${refusal.detail}`, refusal)
  countError(hub, session)
}

/** Keeps a peer that only sends refused frames from costing us for ever. */
function countError(hub: Hub, session: Session): void {
  const nowMs = hub.now()
  session.errorTimesMs ??= []
  const times = session.errorTimesMs
  if (times.push(nowMs) <= maxErrors) return
  const sinceMs = nowMs - (times.shift() ?? nowMs)
  if (sinceMs > errorWindowMs) return
  closeSession(hub, session, closes.TOO_MANY_ERRORS, `${maxErrors + 1} refused frames in ${sinceMs} ms`)
}

function throttle(hub: Hub, session: Session, message: ClientMessage, retryAfterMs: number): void {
  const context: RefusalContext = { retryAfterMs }
  if ('id' in message) context.id = message.id
  if ('msgId' in message) context.msgId = message.msgId
  refuse(
    hub,
    session,
    errors.TOO_MANY_REQUESTS,
    `over ${hub.options.limits.frameRatePerSecond} frames per second`,
    context,
  )
  countError(hub, session)
}

/** Says `bye`, then closes with the same code. What the session held is released at once. */
export function closeSession(
  hub: Hub,
  session: Session,
  entry: CloseEntry,
  reason: string = entry.meaning,
  retryAfterMs?: number,
): void {
  if (session.state === 'closed') return
  const bye: Bye = { type: 'bye', code: entry.code, reason: reason.slice(0, 256), reconnect: entry.reconnect }
  if (retryAfterMs !== undefined) bye.retryAfterMs = retryAfterMs
  session.write(hub, bye)
  hub.counters.countClose(entry.code)
  hub.release(session)
  session.socket.end(entry.code, entry.name)
}

/** Ends a connection for which more waits in user space than is allowed: its answers would only add to that. */
export function closeIfSlow(hub: Hub, session: Session): boolean {
  const bytes = session.socket.bufferedBytes()
  if (bytes <= hub.options.maxBufferedBytes) return false
  closeSession(hub, session, closes.SLOW_CONSUMER, `${bytes} bytes wait for a peer that does not read them`)
  return true
}

function tooLarge(hub: Hub, session: Session, byteLength: number): void {
  hub.counters.countRefusal('FRM-05')
  closeSession(
    hub,
    session,
    closes.TOO_LARGE,
    `FRM-05: ${byteLength} bytes arrived, at most ${hub.options.limits.maxFrame} are allowed`,
  )
}

function wrongKind(hub: Hub, session: Session, arrived: string, allowed: string): void {
  hub.counters.countRefusal('FRM-01')
  closeSession(hub, session, closes.BAD_FRAME, `${arrived} arrived, this connection carries ${allowed}`)
}
