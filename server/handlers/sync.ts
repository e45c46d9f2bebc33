// `sync`: sets this connection back to the client's cursors and brings what follows.
import { errors, peerOf, type Sync } from '../../protocol/index.ts'
import type { Hub, User } from '../hub.ts'
import { type ReplayStart, startReplay } from '../replay.ts'
import { emptySynced, replayStart } from '../replay-start.ts'
import { refuse, type Session } from '../session.ts'

export function handleSync(hub: Hub, session: Session, message: Sync): void {
  const user = session.user
  if (user === undefined) return
  const most = hub.options.limits.historyMaxLimit
  if (message.limit > most) {
    const why = `limit: ${message.limit} arrived, 1 to ${most} are allowed`
    return refuse(hub, session, errors.BAD_REQUEST, why, { id: message.id })
  }
  const named = new Set<string>()
  for (const { conv } of message.cursors) {
    const repeated = named.has(conv)
    if (repeated || !mayRead(user, conv)) {
      const entry = repeated ? errors.BAD_REQUEST : errors.NOT_MEMBER
      const why = repeated ? `cursors: ${conv} is named twice` : `not a member of ${conv}`
      return refuse(hub, session, entry, why, { id: message.id })
    }
    named.add(conv)
    // Throws if its end is damaged: now, before anything is said or done.
    hub.log.head(conv)
  }
  const bounds = { allowance: message.limit, newest: Number.POSITIVE_INFINITY }
  const starts: ReplayStart[] = []
  for (const cursor of message.cursors) {
    const place = session.places?.get(cursor.conv)
    if (place !== undefined) starts.push(replayStart(hub, place, cursor, bounds))
    else session.write(hub, { ...emptySynced(session, hub.log.epoch, cursor), id: message.id })
  }
  startReplay(hub, session, starts, message.id)
}

/** Direct conversations exist for their two users before anything was written in them. */
function mayRead(user: User, conv: string): boolean {
  return user.conversations.get(conv) === null || peerOf(conv, user.id) !== undefined
}
