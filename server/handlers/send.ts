// `send`: from a frame to a durable message, its `sent`, and its deliveries.
// HOT PATH, guarded by bench/server.bench.ts
import {
  directConversation,
  type ErrorEntry,
  errors,
  type Msg,
  peerOf,
  type Send,
} from '../../protocol/index.ts'
import { type Conversation, isMember } from '../conversation.ts'
import { deliver } from '../delivery.ts'
import type { Hub, User } from '../hub.ts'
import type { AppendOutcome, Draft } from '../log.ts'
import { introduce } from '../presence.ts'
import { type RefusalContext, refuse, type Session } from '../session.ts'

/** A window has room again after a commit. */
const windowRetryMs = 50
const unavailableRetryMs = 1_000

export function handleSend(hub: Hub, session: Session, message: Send): void {
  const user = session.user
  if (user === undefined) return
  const { sendRatePerSecond, sendWindow } = hub.options.limits
  const waitMs = hub.limiter.takeSend(user.id, session.lastHeardMs)
  if (waitMs > 0) {
    const why = `over ${sendRatePerSecond} sends per second`
    return refuseNew(hub, session, message, errors.TOO_MANY_REQUESTS, why, waitMs)
  }
  if (session.pendingSends >= sendWindow) {
    const why = `over ${sendWindow} sends without an answer`
    return refuseNew(hub, session, message, errors.TOO_MANY_REQUESTS, why, windowRetryMs)
  }
  const conversation = findConversation(hub, session, user, message)
  if (conversation === undefined) return
  const draft = draftOf(message, conversation.id, user.id, session.lastHeardMs)
  hub.log.append(draft, (outcome) => complete(hub, session, message, conversation, draft, outcome))
  session.pendingSends += 1
  conversation.pending += 1
}

/** The conversation that a `send` names, if its sender may write there; otherwise the refusal is written. */
function findConversation(hub: Hub, session: Session, user: User, message: Send): Conversation | undefined {
  const id = conversationOf(message, user.id)
  const place = session.places?.get(id)
  if (place !== undefined) {
    if (isMember(place.conversation, user.id)) return place.conversation
    return refuseNew(hub, session, message, errors.NOT_MEMBER, `not a member of ${id}`)
  }
  const peer = peerOf(id, user.id)
  if (peer === undefined) return refuseNew(hub, session, message, errors.NOT_MEMBER, `not a member of ${id}`)
  if (!hub.isKnownUser(peer)) return refuseNew(hub, session, message, errors.NOT_FOUND, `no user ${peer}`)
  if (user.conversations.size >= hub.options.limits.conversationsPerUser) {
    const most = hub.options.limits.conversationsPerUser
    return refuseNew(hub, session, message, errors.LIMIT_REACHED, `at most ${most} conversations per user`)
  }
  return startDirect(hub, id, user.id, peer)
}

function conversationOf({ conv, to }: Send, userId: string): string {
  return conv ?? directConversation(userId, to ?? '')
}

/** The first message between two users: both get the conversation, in the commit order before the message. */
function startDirect(hub: Hub, id: string, userId: string, peer: string): Conversation {
  const conversation = hub.conversation(id)
  for (const member of new Set([userId, peer])) {
    hub.records.put(['conv', member, id], null, (failure) => {
      if (failure !== undefined) undoStart(hub, conversation, member)
    })
    hub.users.get(member)?.conversations.set(id, null)
    hub.admit(member, conversation, 0)
  }
  return conversation
}

/** The record failed, and with it the first message: the next one has to write both. */
function undoStart(hub: Hub, conversation: Conversation, member: string): void {
  hub.users.get(member)?.conversations.delete(conversation.id)
  for (const place of [...conversation.places]) if (place.session.user?.id === member) hub.removePlace(place)
}

function draftOf(message: Send, conv: string, from: string, timestamp: number): Draft {
  const draft: Draft = { conv, msgId: message.msgId, from, content: message.content, timestamp }
  if (message.contentType !== undefined) draft.contentType = message.contentType
  if (message.clientTime !== undefined) draft.clientTime = message.clientTime
  if (message.meta !== undefined) draft.meta = message.meta
  return draft
}

function complete(
  hub: Hub,
  session: Session,
  message: Send,
  conversation: Conversation,
  draft: Draft,
  outcome: AppendOutcome,
): void {
  session.pendingSends -= 1
  conversation.pending -= 1
  answer(hub, session, message, conversation.id, outcome)
  if (outcome.kind === 'stored') {
    const msg = msgOf(draft, hub.log.epoch, outcome.seq, outcome.timestamp)
    deliver(hub, conversation, msg, session)
    if (msg.seq === 1 && !conversation.isGroup) introduce(hub, msg.from, conversation)
  }
  if (conversation.places.length === 0) hub.unloadIfIdle(conversation.id)
}

/** What an answer needs of its request. */
type Attempt = Pick<Send, 'id' | 'msgId'>

function answer(hub: Hub, session: Session, attempt: Attempt, conv: string, outcome: AppendOutcome): void {
  const { id, msgId } = attempt
  switch (outcome.kind) {
    case 'conflict':
      return refuse(hub, session, errors.MSGID_CONFLICT, errors.MSGID_CONFLICT.meaning, { id, msgId })
    case 'unavailable': {
      hub.logger.error({ err: outcome.cause }, 'a message could not be stored')
      const context: RefusalContext = { id, msgId, retryAfterMs: unavailableRetryMs }
      return refuse(hub, session, errors.UNAVAILABLE, errors.UNAVAILABLE.meaning, context)
    }
    case 'duplicate':
      hub.counters.duplicates += 1
      break
    case 'stored':
      hub.counters.accepted += 1
  }
  const { kind, seq, timestamp } = outcome
  const duplicate = kind === 'duplicate'
  session.write(hub, { type: 'sent', id, msgId, conv, epoch: hub.log.epoch, seq, timestamp, duplicate })
}

function msgOf(draft: Draft, epoch: string, seq: number, timestamp: number): Msg {
  const msg: Msg = {
    type: 'msg',
    conv: draft.conv,
    epoch,
    seq,
    msgId: draft.msgId,
    from: draft.from,
    content: draft.content,
    timestamp,
  }
  if (draft.contentType !== undefined) msg.contentType = draft.contentType
  if (draft.clientTime !== undefined) msg.clientTime = draft.clientTime
  if (draft.meta !== undefined) msg.meta = draft.meta
  return msg
}

/**
 * Refuses a message that is new; a repeat is answered as one, whatever its sender may do by now [DED-12]. Only who
 * would be refused pays for the look-up.
 */
function refuseNew(
  hub: Hub,
  session: Session,
  message: Send,
  entry: ErrorEntry,
  why: string,
  retryAfterMs?: number,
): undefined {
  const { id, msgId } = message
  if (isAnsweredAsRepeat(hub, session, message)) return
  refuse(hub, session, entry, why, retryAfterMs === undefined ? { id, msgId } : { id, msgId, retryAfterMs })
}

function isAnsweredAsRepeat(hub: Hub, session: Session, message: Send): boolean {
  const userId = session.user?.id ?? ''
  const conv = conversationOf(message, userId)
  // Any number of repeats may wait for one commit: they must not hold their contents.
  const attempt: Attempt = { id: message.id, msgId: message.msgId }
  const draft = draftOf(message, conv, userId, session.lastHeardMs)
  return hub.log.answerRepeat(draft, (outcome) => answer(hub, session, attempt, conv, outcome))
}
