// Going away in good order: announce, keep answering for a while, then close everything as resumable.
import { closes } from '../protocol/index.ts'
import type { Hub } from './hub.ts'
import { closeSession } from './session.ts'

/** Spread of reconnects after a drain, so that the next node is not met by all at once. */
const reconnectMinMs = 100
const reconnectMaxMs = 5_000

export function announceDrain(hub: Hub, graceMs: number): void {
  hub.draining = true
  for (const session of hub.sessions) {
    if (session.state !== 'active') continue
    session.write(hub, { type: 'drain', graceMs, reconnectMinMs, reconnectMaxMs, resumable: true })
  }
}

export function closeAll(hub: Hub): void {
  for (const session of [...hub.sessions]) closeSession(hub, session, closes.SERVICE_RESTART)
}
