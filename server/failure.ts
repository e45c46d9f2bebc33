// What becomes of a frame that fails for a reason of ours: a defect that it met, or a log that cannot be read.
import { type ClientMessage, closes, errors } from '../protocol/index.ts'
import type { Hub } from './hub.ts'
import { closeSession, refuse, type Session } from './session.ts'

/** A request is told, and everything else goes on. Whoever waits for no answer would never learn: its connection ends. */
export function answerFailure(hub: Hub, session: Session, message: ClientMessage, cause: unknown): void {
  logFailure(
    hub,
    { err: cause, type: message.type, session: session.sessionId },
    'a frame could not be handled',
  )
  if (
    session.state !== 'active' ||
    message.type === 'hello' ||
    !('id' in message) ||
    message.id === undefined
  )
    return closeSession(hub, session, closes.SERVER_ERROR)
  const { id } = message
  // Reading has no effect, so nothing is unknown about it.
  if (message.type === 'history')
    return refuse(hub, session, errors.UNAVAILABLE, 'the log cannot be read', { id })
  const msgId = message.type === 'send' ? message.msgId : undefined
  refuse(hub, session, errors.INTERNAL, errors.INTERNAL.meaning, { id, msgId })
}

/** Names ids only, never content. */
export interface Failure {
  err: unknown
  type?: string
  session?: string
  conv?: string
}

export function logFailure(hub: Hub, failure: Failure, what: string): void {
  hub.counters.failures += 1
  hub.logger.error(failure, what)
}
