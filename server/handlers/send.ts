// `send`: from a frame to a durable message, its `sent`, and its deliveries.
// HOT PATH, guarded by bench/server.bench.ts
import { directConversation, errors, type Msg, peerOf, type Send } from '../../protocol/index.ts'
import { type Conversation, isMember } from '../conversation.ts'
import { deliver } from '../delivery.ts'
import type { Hub, User } from '../hub.ts'
import type { AppendOutcome, Draft } from '../log.ts'
import { type RefusalContext, refuse, type Session } from '../session.ts'

export function handleSend(hub: Hub, session: Session, message: Send): void {
  const user = session.user
  if (user === undefined) return
  const waitMs = hub.limiter.takeSend(user.id, session.lastHeardMs)
  if (waitMs > 0)
    return throttle(
      hub,
      session,
      message,
      `over ${hub.options.limits.sendRatePerSecond} sends per second`,
      waitMs,
    )
  if (session.pendingSends >= hub.options.limits.sendWindow) {
    return throttle(
      hub,
      session,
      message,
      `over ${hub.options.limits.sendWindow} sends without an answer`,
      50,
    )
  }
  const conversation = findConversation(hub, session, user, message)
  if (conversation === undefined) return
  const draft = draftOf(message, conversation.id, user.id, session.lastHeardMs)
  session.pendingSends += 1
  conversation.pending += 1
  hub.log.append(draft, (outcome) => complete(hub, session, message, conversation, draft, outcome))
}

/** The conversation that a `send` names, if its sender may write there; otherwise the refusal is written. */
function findConversation(hub: Hub, session: Session, user: User, message: Send): Conversation | undefined {
  const id = message.conv ?? directConversation(user.id, message.to ?? '')
  const place = session.places?.get(id)
  if (place !== undefined) {
    if (isMember(place.conversation, user.id)) return place.conversation
    return refused(hub, session, message, errors.NOT_MEMBER, `not a member of ${id}`)
  }
  const peer = peerOf(id, user.id)
  if (peer === undefined) return refused(hub, session, message, errors.NOT_MEMBER, `not a member of ${id}`)
  if (!hub.isKnownUser(peer)) return refused(hub, session, message, errors.NOT_FOUND, `no user ${peer}`)
  if (user.conversations.size >= hub.options.limits.conversationsPerUser) {
    const most = hub.options.limits.conversationsPerUser
    return refused(hub, session, message, errors.LIMIT_REACHED, `at most ${most} conversations per user`)
  }
  return startDirect(hub, id, user.id, peer)
}

/** The first message between two users: both get the conversation, in the commit order before the message. */
function startDirect(hub: Hub, id: string, userId: string, peer: string): Conversation {
  const conversation = hub.conversation(id)
  for (const member of new Set([userId, peer])) {
    hub.records.put(['conv', member, id], null)
    hub.users.get(member)?.conversations.set(id, null)
    hub.admit(member, conversation, 0)
  }
  return conversation
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
  if (outcome.kind === 'conflict') {
    refused(hub, session, message, errors.MSGID_CONFLICT, errors.MSGID_CONFLICT.meaning)
  } else if (outcome.kind === 'unavailable') {
    hub.logger.error({ err: outcome.cause }, 'commit failed')
    throttle(hub, session, message, errors.UNAVAILABLE.meaning, 1_000, errors.UNAVAILABLE)
  } else {
    accepted(hub, session, message.id, conversation, draft, outcome)
  }
  if (conversation.places.length === 0) hub.unloadIfIdle(conversation.id)
}

function accepted(
  hub: Hub,
  session: Session,
  id: number,
  conversation: Conversation,
  draft: Draft,
  { kind, seq, timestamp }: AppendOutcome & { kind: 'stored' | 'duplicate' },
): void {
  const duplicate = kind === 'duplicate'
  const epoch = hub.log.epoch
  session.write(hub, {
    type: 'sent',
    id,
    msgId: draft.msgId,
    conv: draft.conv,
    epoch,
    seq,
    timestamp,
    duplicate,
  })
  if (duplicate) {
    hub.counters.duplicates += 1
    return
  }
  hub.counters.accepted += 1
  deliver(hub, conversation, msgOf(draft, epoch, seq, timestamp), session)
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

type Entry = (typeof errors)[keyof typeof errors]

function throttle(
  hub: Hub,
  session: Session,
  message: Send,
  why: string,
  retryAfterMs: number,
  entry: Entry = errors.TOO_MANY_REQUESTS,
): void {
  refuse(hub, session, entry, why, { id: message.id, msgId: message.msgId, retryAfterMs })
}

function refused(hub: Hub, session: Session, message: Send, entry: Entry, why: string): undefined {
  const context: RefusalContext = { id: message.id, msgId: message.msgId }
  refuse(hub, session, entry, why, context)
}
