// Liveness and deadlines of every connection, looked at a few times a second.
import {
  closes,
  type Heartbeat,
  type HeartbeatRequest,
  type Network,
  networkHeartbeats,
} from '../protocol/index.ts'
import type { Hub } from './hub.ts'
import type { ServerOptions } from './options.ts'
import { closeIfSlow, closeSession, type Session } from './session.ts'

/** Grain of all deadlines; well inside the tolerance that the protocol allows. */
export const sweepIntervalMs = 250

/** What the client asked for, clamped to what this server allows. */
export function grantHeartbeat(
  options: Readonly<ServerOptions>,
  network: Network | undefined,
  request: HeartbeatRequest | undefined,
): Heartbeat {
  const base = networkHeartbeats[network ?? 'wifi']
  const { minIntervalMs, maxIntervalMs } = options.heartbeat
  // The common case shares one object among all connections.
  if (request === undefined && base.intervalMs >= minIntervalMs && base.intervalMs <= maxIntervalMs)
    return base
  const intervalMs = clamp(request?.intervalMs ?? base.intervalMs, minIntervalMs, maxIntervalMs)
  const timeoutMs = clamp(request?.timeoutMs ?? base.timeoutMs, 500, 60_000)
  const maxMissed = clamp(request?.maxMissed ?? base.maxMissed, 1, 10)
  return { intervalMs, timeoutMs, maxMissed, deadAfterMs: maxMissed * intervalMs + timeoutMs }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}

export function sweep(hub: Hub): void {
  const nowMs = hub.now()
  for (const session of hub.sessions) {
    if (session.state === 'active') sweepActive(hub, session, nowMs)
    else if (nowMs - session.openedAtMs >= hub.options.limits.helloTimeoutMs) {
      closeSession(hub, session, closes.HELLO_TIMEOUT)
    }
  }
}

function sweepActive(hub: Hub, session: Session, nowMs: number): void {
  const silentMs = nowMs - session.lastHeardMs
  if (session.expiresAtMs > 0 && nowMs >= session.expiresAtMs + hub.options.jwt.leewaySeconds * 1000) {
    return closeSession(hub, session, closes.TOKEN_EXPIRED)
  }
  if (session.stalledSinceMs > 0 && nowMs - session.stalledSinceMs >= hub.options.limits.ackTimeoutMs) {
    const reason = `no ack for ${nowMs - session.stalledSinceMs} ms with ${session.unacked} messages outstanding`
    return closeSession(hub, session, closes.SLOW_CONSUMER, reason)
  }
  if (closeIfSlow(hub, session)) return
  if (silentMs >= session.heartbeat.deadAfterMs) return closeSession(hub, session, closes.HEARTBEAT_TIMEOUT)
  const sinceLifeOrPing = nowMs - Math.max(session.lastHeardMs, session.lastPingMs)
  if (sinceLifeOrPing >= session.heartbeat.intervalMs || isFirstPingDue(session, nowMs)) {
    session.lastPingMs = nowMs
    session.write(hub, { type: 'ping', n: nowMs })
  }
}

/** The first probe comes early by a random share, so that a mass reconnect does not probe in step. */
function isFirstPingDue(session: Session, nowMs: number): boolean {
  return session.firstPingAtMs > 0 && nowMs >= session.firstPingAtMs && takeFirstPing(session)
}

function takeFirstPing(session: Session): boolean {
  session.firstPingAtMs = 0
  return true
}
