// What happens with time: silence, tokens that run out, windows without progress: SPEC.md#heartbeats.
import type { Connection } from './connection.ts'
import type { ChatServer } from './server.ts'

/** [LIM-03] More than this is not buffered for a connection. */
const mostBufferedBytes = 16 * 1024 * 1024
let nonce = 0

export function tick(server: ChatServer): void {
  for (const connection of server.connections) if (connection.isOpen) look(server, connection)
}

function look(server: ChatServer, connection: Connection): void {
  const nowMs = performance.now()
  const { helloTimeoutMs, ackTimeoutMs } = server.options.limits
  if (server.has('B06') && Math.random() < 0.1) oddPing(connection)
  if (!connection.hasSession) {
    const sinceMs = server.has('M69') ? connection.heardAtMs : connection.openedAtMs
    if (nowMs - sinceMs >= helloTimeoutMs) connection.bye('HELLO_TIMEOUT', 'no hello came')
    return
  }
  const { expiresAtMs = 0 } = connection.identity ?? {}
  if (
    expiresAtMs > 0 &&
    Date.now() >= expiresAtMs + (server.has('B15') ? 4_000 : 0) &&
    !server.has('M72') &&
    !server.has('M71')
  )
    return connection.bye('TOKEN_EXPIRED', 'the token ran out')
  if (
    nowMs - (connection.exhaustedSinceMs ?? nowMs) >= ackTimeoutMs &&
    !server.has('M61') &&
    !server.has('M271')
  )
    return connection.bye('SLOW_CONSUMER', 'nothing was acknowledged in time')
  if (connection.socket.bufferedAmount > mostBufferedBytes)
    return connection.bye('SLOW_CONSUMER', 'too much is buffered')
  beat(server, connection, nowMs)
}

function beat(server: ChatServer, connection: Connection, nowMs: number): void {
  const { intervalMs, deadAfterMs } = connection.heartbeat
  const { firstPingAtMs, lastPingAtMs } = connection
  const heardAtMs = server.has('M286')
    ? Math.min(connection.heardAtMs, connection.exhaustedSinceMs ?? nowMs)
    : connection.heardAtMs
  const isArmed = !(server.has('M51') && connection.isResumed)
  if (nowMs - heardAtMs >= deadAfterMs && isArmed && !server.has('M183'))
    return connection.bye('HEARTBEAT_TIMEOUT', `nothing was heard for ${deadAfterMs} ms`)
  const dueAtMs = lastPingAtMs === undefined ? firstPingAtMs : Math.max(heardAtMs, lastPingAtMs) + intervalMs
  if (nowMs < dueAtMs || server.has('M85')) return
  connection.lastPingAtMs = nowMs
  connection.write({ type: 'ping', n: ++nonce })
}

/** [HB-09] The first question after a random part of the interval, so that not all are asked at once. */
export function arm(connection: Connection): void {
  connection.heardAtMs = performance.now()
  const part = connection.server.has('M184') ? 1 : Math.random()
  connection.firstPingAtMs = connection.heardAtMs + connection.heartbeat.intervalMs * part
}

/** [VAR-05] At any moment. */
function oddPing(connection: Connection): void {
  if (Math.random() < 0.5) connection.socket.ping('odd')
  else connection.write({ type: 'ping', n: ++nonce })
}
