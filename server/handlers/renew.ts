// `network` and `refresh`: new terms for a connection that stays.
import { closes, type NetworkChange, type Refresh } from '../../protocol/index.ts'
import type { Verified } from '../auth.ts'
import { grantHeartbeat } from '../heartbeats.ts'
import type { Hub } from '../hub.ts'
import { closeSession, type Session } from '../session.ts'

export function handleNetwork(hub: Hub, session: Session, message: NetworkChange): void {
  session.heartbeat = grantHeartbeat(hub.options, message.network, message.heartbeat)
  session.write(hub, { type: 'ok', id: message.id, heartbeat: session.heartbeat })
}

export function handleRefresh(hub: Hub, session: Session, message: Refresh): void {
  const verified = hub.auth.verify(message.token)
  if (!(verified instanceof Promise)) return refreshed(hub, session, message, verified)
  verified.then(
    (late) => refreshed(hub, session, message, late),
    (cause: unknown) => {
      hub.logger.error({ err: cause }, 'keys could not be fetched')
      closeSession(hub, session, closes.SERVER_ERROR, 'tokens cannot be verified now')
    },
  )
}

function refreshed(hub: Hub, session: Session, message: Refresh, verified: Verified): void {
  if (session.state !== 'active') return
  if (!verified.ok) {
    if (verified.reason === 'expired') return closeSession(hub, session, closes.TOKEN_EXPIRED)
    return closeSession(hub, session, closes.UNAUTHORIZED, 'the token was refused')
  }
  const claims = verified.claims
  if (claims.userId !== session.user?.id)
    return closeSession(hub, session, closes.UNAUTHORIZED, 'another subject')
  if (hub.revocations.isRevoked(claims)) return closeSession(hub, session, closes.REVOKED)
  session.tokenId = claims.tokenId ?? ''
  session.tokenIssuedAtMs = claims.issuedAt
  session.expiresAtMs = claims.expiresAt
  session.write(hub, { type: 'ok', id: message.id, expiresAt: claims.expiresAt })
}
