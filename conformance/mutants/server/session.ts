// Frames in: what has to be so before a frame is acted on, and who acts on it: SPEC.md#the-order-of-the-checks.
import {
  type ClientMessage,
  type CloseName,
  cborCodec,
  type Decoded,
  errors,
  frameNumbers,
  headerBytes,
  type ErrorName,
  jsonCodec,
  maxSafe,
  type Refusal,
} from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { send } from './send.ts'
import { join, leave } from './groups.ts'
import { arm } from './heartbeat.ts'
import { hello } from './hello.ts'
import { history } from './history.ts'
import { grant } from './options.ts'
import { ack, read } from './receipts.ts'
import type { ChatServer } from './server.ts'
import { isIgnored, loosened, overStrict, reflagged } from './sloppy.ts'
import { sync } from './sync.ts'
import { verify } from './tokens.ts'

const needs: Partial<Record<ClientMessage['type'], string>> = {
  join: 'groups',
  leave: 'groups',
  history: 'history',
  sync: 'sync',
}

/** What a frame came as. */
export type Raw = string | Uint8Array

export function onMessage(connection: Connection, data: Buffer, isBinary: boolean): void {
  const { server } = connection
  if (connection.state === 'closing' || !connection.isOpen) return
  const isPing =
    server.has('M287') && (isBinary ? data[headerBytes] === frameNumbers.ping : data.includes('ping'))
  if (!server.has('M49') && !isPing) connection.heardAtMs = performance.now()
  const isUnbounded = (server.has('M56') && !isBinary) || server.has('M212')
  if (data.length > server.options.limits.maxFrame && !isUnbounded)
    return connection.bye('TOO_LARGE', `${data.length} bytes`)
  if (isBinary !== (connection.encoding === 'cbor') && !server.has('M79'))
    return connection.bye('BAD_FRAME', 'a message of the other kind')
  const raw = isBinary ? new Uint8Array(data) : data.toString()
  if (server.has('M58') && raw === 'null') return server.crash()
  const decoded = decode(server, loosened(server, raw))
  const tooStrict = decoded.ok ? overStrict(server, raw, decoded.message) : undefined
  if (tooStrict !== undefined) onRefusal(connection, tooStrictly(decoded, tooStrict))
  else if (decoded.ok) onFrame(connection, decoded.message, raw)
  else onRefusal(connection, decoded)
}

/** What is right, refused. */
function tooStrictly(decoded: Decoded<ClientMessage>, code: number): Refusal {
  const id = decoded.ok && 'id' in decoded.message ? decoded.message.id : undefined
  return { ok: false, rule: '', detail: 'n: not accepted', code, ...(id !== undefined && { id }) }
}

function decode(server: ChatServer, raw: Raw): Decoded<ClientMessage> {
  const { maxFrame, maxContent } = server.options.limits
  const limits = {
    maxFrame: server.has('M212') ? 100 * maxFrame : maxFrame,
    maxContent: server.has('M145') ? 2 * maxContent : maxContent,
  }
  const decoded =
    typeof raw === 'string' ? jsonCodec.decodeClient(raw, limits) : cborCodec.decodeClient(raw, limits)
  const again = decoded.ok ? undefined : reflagged(server, raw, decoded)
  if (again) return cborCodec.decodeClient(again, limits)
  if (!decoded.ok && decoded.rule === 'FRM-06' && server.has('M55')) return { ...decoded, code: 4502 }
  return decoded
}

function onRefusal(connection: Connection, refusal: Refusal): void {
  const { code, detail, id, msgId } = refusal
  const { has } = connection.server
  if (isIgnored(connection.server, refusal)) return
  if (has('M246') && msgId && connection.identity)
    connection.server.memory.used.add(`${connection.user} ${msgId}`)
  if (code >= 4000) return connection.bye(code === 4503 ? 'TOO_LARGE' : 'BAD_FRAME', detail.slice(0, 200))
  if (connection.state === 'open' && has('B08')) return connection.bye('UNAUTHORIZED', 'no session yet')
  if (has('M299') && code === errors.UNKNOWN_TYPE.code)
    return connection.refuse('BAD_REQUEST', 'type', id ? { id } : {})
  if (has('M80') && code === errors.UNKNOWN_TYPE.code)
    return connection.bye('BAD_FRAME', detail.slice(0, 200))
  if (has('M141')) connection.isDeafOnce = true
  if (has('M185') && code === errors.BAD_REQUEST.code) return
  const shown = has('M215') && code === errors.BAD_MSGID.code ? errors.BAD_REQUEST.code : code
  const [name] = Object.entries(errors).find(([, row]) => row.code === shown) as [ErrorName, unknown]
  if (has('M294') && id === undefined && !msgId) return connection.refuse(name, detail, { id: 1 })
  connection.refuse(name, has('M186') ? 'bad request' : detail, {
    ...(id && { id }),
    ...(msgId && { msgId }),
  })
}

function onFrame(connection: Connection, frame: ClientMessage, raw: Raw): void {
  const { server } = connection
  if (frame.type === 'bye' && server.has('B22')) return connection.socket.close(1000)
  if (frame.type === 'pong' || frame.type === 'bye') return
  if (!connection.hasSession) return greeting(connection, frame)
  if (connection.isDeafOnce) {
    connection.isDeafOnce = false
    return
  }
  const delayMs = server.has('M187') && frame.type === 'ping' ? 0 : server.frameDelayMs(connection.user)
  if (delayMs > 0) return tooFast(connection, frame, delayMs)
  const need = needs[frame.type]
  if (need !== undefined && !server.can(need) && server.has('M284'))
    return connection.refuse(
      'UNKNOWN_TYPE',
      'no such type',
      'id' in frame && frame.id ? { id: frame.id } : {},
    )
  if (need !== undefined && !server.can(need))
    return connection.refuse(
      'CAPABILITY_REQUIRED',
      `${frame.type} needs ${need}`,
      'id' in frame ? { id: frame.id as number } : {},
    )
  act(connection, frame, raw)
}

/** [AUTH-01] Before `welcome`. */
function greeting(connection: Connection, frame: ClientMessage): void {
  const { server } = connection
  if (frame.type === 'hello') return hello(connection, frame)
  if (frame.type === 'ping' && server.has('M293')) return connection.bye('UNAUTHORIZED', 'hello comes first')
  if (frame.type === 'ping') {
    if (server.has('M69')) connection.heardAtMs = performance.now()
    return connection.write({ type: 'pong', n: frame.n })
  }
  if (server.has('M68'))
    return connection.refuse(
      'NOT_MEMBER',
      'no session yet',
      'id' in frame && frame.id ? { id: frame.id } : {},
    )
  connection.bye('UNAUTHORIZED', 'hello comes first')
}

function tooFast(connection: Connection, frame: ClientMessage, retryAfterMs: number): void {
  const id = 'id' in frame && frame.id !== undefined ? { id: frame.id } : {}
  const msgId = frame.type === 'send' ? { msgId: frame.msgId } : {}
  connection.refuse('TOO_MANY_REQUESTS', 'too many frames', { ...id, ...msgId, retryAfterMs })
}

function act(connection: Connection, frame: ClientMessage, raw: Raw): void {
  const { server } = connection
  switch (frame.type) {
    case 'ping':
      if (server.has('M49')) connection.heardAtMs = performance.now()
      return pong(connection, frame.n)
    case 'hello':
      return helloAgain(connection, frame)
    case 'network':
      return network(connection, frame)
    case 'refresh':
      return refresh(connection, frame)
    case 'send':
      return send(connection, frame, raw)
    case 'ack':
      return ack(connection, frame)
    case 'read':
      return read(connection, frame)
    case 'join':
      return join(connection, frame)
    case 'leave':
      return leave(connection, frame)
    case 'sync':
      return sync(connection, frame)
    case 'history':
      return history(connection, frame)
  }
}

function pong(connection: Connection, n: number): void {
  connection.write({
    type: 'pong',
    n: connection.server.has('M84')
      ? n % 2 ** 32
      : connection.server.has('M297')
        ? Math.min(maxSafe, Math.fround(n))
        : n,
  })
}

/** [AUTH-08] [AUTH-20] */
function helloAgain(connection: Connection, { id, token }: Extract<ClientMessage, { type: 'hello' }>): void {
  const verdict = verify(connection.server, token)
  if (!verdict.ok) return connection.bye(verdict.close, 'the token is not accepted')
  if (connection.server.has('M77')) connection.identity = verdict.identity
  else if (verdict.identity.sub !== connection.user) return connection.bye('UNAUTHORIZED', 'another subject')
  connection.refuse('BAD_REQUEST', 'type: this connection has its session', { id })
}

/** [HB-10] */
function network(connection: Connection, frame: Extract<ClientMessage, { type: 'network' }>): void {
  const { has } = connection.server
  const granted = grant(frame.network, frame.heartbeat)
  const heartbeat = has('M87') ? { ...granted, deadAfterMs: granted.deadAfterMs + 1 } : granted
  if (!has('M86')) connection.heartbeat = granted
  if (!has('M86')) arm(connection)
  connection.write({ type: 'ok', id: frame.id, heartbeat })
  if (has('M265')) connection.write({ type: 'ok', id: frame.id, heartbeat })
}

/** [AUTH-22] [AUTH-23] */
function refresh(connection: Connection, { id, token }: Extract<ClientMessage, { type: 'refresh' }>): void {
  const { has } = connection.server
  const verdict = verify(connection.server, token)
  const end = (name: CloseName): void => connection.bye(name, 'the token is not accepted')
  if (!verdict.ok) return end(has('M188') ? 'UNAUTHORIZED' : verdict.close)
  if (verdict.identity.sub !== connection.user && !has('M74')) return end('UNAUTHORIZED')
  if (!has('M73')) connection.identity = verdict.identity
  connection.write({
    type: 'ok',
    id,
    expiresAt: has('M163') ? verdict.identity.expiresAtMs / 1000 : verdict.identity.expiresAtMs,
  })
}
