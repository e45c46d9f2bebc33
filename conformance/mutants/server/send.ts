// `send`: repeats, rates and rights, a place in the log, and everybody who gets it: SPEC.md#direct-messages.
import { directConversation, type Message, peerOf, type Send } from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { findRepeat, keyOf, remember, answerRepeat } from './dedup.ts'
import { type Conversation, isGroup, isMember, topOf } from './disk.ts'
import { cachedReceivers, fanOut } from './fan-out.ts'
import { smuggled } from './oddities.ts'
import { acquaint, peersOf } from './presence.ts'
import { headerTime } from './sloppy.ts'
import type { ChatServer } from './server.ts'
import type { Raw } from './session.ts'

/** A `send` on its way to the log. */
interface Draft {
  connection: Connection
  frame: Send
  conv: string
  from: string
  /** [M228] */
  timestamp?: number | undefined
  /** [M15] The seq, where it is taken too early. */
  seq?: number
}

export function send(connection: Connection, frame: Send, raw: Raw): void {
  const { server, user } = connection
  const { has, options } = server
  const conv = frame.conv ?? directConversation(user, frame.to ?? user)
  const draft: Draft = { connection, frame, conv, from: user }
  const { id, msgId } = frame
  if (has('M100') && (smuggled(raw, 'dup') === true || smuggled(raw, 'duplicate') === true))
    return pretend(draft)
  const isUsed = (has('M12') || has('M246')) && server.memory.used.has(keyOf(draft))
  if (isUsed) return pretend(draft)
  if (has('M237') && frame.conv !== undefined && !isGroup(conv))
    return connection.refuse('NOT_MEMBER', 'name the user', { id, msgId })
  if (has('M228')) draft.timestamp = headerTime(raw)
  // [DED-12] A repeat is answered whatever the rates and windows say.
  if (!findRepeat(draft) || has('M196')) {
    const retryAfterMs = server.sendDelayMs(connection)
    const isOver = connection.unanswered >= options.limits.sendWindow
    if (isOver || retryAfterMs > 0) {
      if (has('M12')) server.memory.used.add(keyOf(draft))
      if (has('M269') && isOver) return
      const hint = has('M197') ? {} : { retryAfterMs: Math.max(1, retryAfterMs) }
      return connection.refuse('TOO_MANY_REQUESTS', 'too many messages', { id, msgId, ...hint })
    }
  }
  const claimed = has('M54') ? smuggled(raw, 'from') : undefined
  if (typeof claimed === 'string') draft.from = claimed
  submit(draft)
}

function submit(draft: Draft): void {
  const { connection, conv } = draft
  const { server } = connection
  const { has, memory } = server
  connection.unanswered++
  server.pending(conv, 1)
  const isKnown = has('M09') && findRepeat(draft) !== undefined
  const commit = (): void => {
    connection.unanswered--
    server.pending(conv, -1)
    store(draft, isKnown)
  }
  if (has('M15')) {
    draft.seq = Math.max(memory.seqs.get(conv) ?? 0, topOf(server.disk.open(conv))) + 1
    memory.seqs.set(conv, draft.seq)
    setTimeout(() => server.writer.submit(commit), Math.random() * 8)
  } else server.writer.submit(commit)
}

/** One atomic step: is it a repeat, may it be, where does it go. */
function store(draft: Draft, isKnown: boolean): void {
  const { connection, frame, conv } = draft
  const { server } = connection
  const { has } = server
  const { id, msgId } = frame
  const early = has('M196') ? hindrance(draft) : undefined
  if (early) return connection.refuse(early, 'this message is not accepted', { id, msgId })
  if (!has('M09') || isKnown) {
    const repeat = findRepeat(draft)
    if (repeat && has('B21') && !isMember(server.disk.conversations.get(conv), conv, draft.from))
      return connection.refuse('NOT_MEMBER', 'not yours any more', { id, msgId })
    if (repeat) return answerRepeat(connection, frame, conv, repeat.message)
  }
  const refused = hindrance(draft)
  if (refused) {
    if (has('M101') || (has('M247') && refused === 'NOT_FOUND')) server.memory.used.add(keyOf(draft))
    return connection.refuse(refused, 'this message is not accepted', { id, msgId })
  }
  if ((has('M101') || has('M247')) && server.memory.used.has(keyOf(draft))) return pretend(draft)
  const conversation = server.disk.open(conv)
  const message = append(draft, conversation)
  remember(draft, message)
  deliver(draft, conversation, message)
}

function deliver(draft: Draft, conversation: Conversation, message: Message): void {
  const { connection } = draft
  const { server } = connection
  const { has } = server
  const present = has('M21') ? cachedReceivers(server, conversation, message.from) : undefined
  const answer = (): void =>
    connection.write({ type: 'sent', id: draft.frame.id, ...placeOf(message), duplicate: false })
  const spread = (): void => fanOut(connection, conversation, message, present)
  if (has('M89')) {
    answer()
    setTimeout(spread, 8)
  } else {
    spread()
    if (has('M103')) setTimeout(answer, Math.random() * 10)
    else if (!(has('M198') && Math.random() < 0.5)) answer()
  }
}

/** What an answer says of the place of a message. */
export function placeOf({ msgId, conv, epoch, seq, timestamp }: Message) {
  return { msgId, conv, epoch, seq, timestamp }
}

function hindrance({
  connection,
  frame,
  conv,
  from,
}: Draft): 'NOT_MEMBER' | 'NOT_FOUND' | 'LIMIT_REACHED' | 'BAD_REQUEST' | undefined {
  const { server } = connection
  const { disk, has } = server
  const conversation = disk.conversations.get(conv)
  if (isGroup(conv))
    return isMember(conversation, conv, from) ||
      (has('M106') && conversation) ||
      (has('M277') && conversation?.windows.has(from))
      ? undefined
      : 'NOT_MEMBER'
  const peer = peerOf(conv, from)
  if (peer === undefined) return has('M91') && conversation ? undefined : 'NOT_MEMBER'
  if (server.can('directory') && !disk.users.has(peer) && !has('M90')) return 'NOT_FOUND'
  const { clientTime } = frame
  if (has('M249') && clientTime !== undefined && clientTime < (conversation?.log.at(-1)?.clientTime ?? 0))
    return 'BAD_REQUEST'
  if (has('M93') && frame.content.length === 0) return 'BAD_REQUEST'
  const isNew = (conversation?.log.length ?? 0) === 0
  const most = server.options.limits.conversationsPerUser + (has('M144') ? 1 : 0)
  return isNew && countConversations(server, from) >= most ? 'LIMIT_REACHED' : undefined
}

/** Groups that a user is a member of, and direct conversations that hold a message. */
export function countConversations({ disk }: ChatServer, user: string): number {
  let count = 0
  for (const id of disk.ofUser.get(user) ?? []) {
    const conversation = disk.conversations.get(id)
    if (!conversation) continue
    if (isGroup(id) ? conversation.members.includes(user) : conversation.log.length > 0) count++
  }
  return count
}

function append(draft: Draft, conversation: Conversation): Message {
  const { connection, frame, conv, from } = draft
  const { disk } = connection.server
  const { msgId, content, contentType, clientTime, meta } = frame
  const message: Message = {
    conv,
    epoch: conversation.epoch,
    seq: draft.seq ?? nextSeq(connection.server, conversation),
    msgId,
    from,
    content,
    ...(contentType !== undefined && { contentType }),
    timestamp: timestampOf(draft, conversation),
    ...(clientTime !== undefined && { clientTime }),
    ...(meta && { meta }),
  }
  const peer = isGroup(conv) ? undefined : peerOf(conv, from)
  const isFirst = conversation.log.length === 0
  const wereStrangers = peer !== undefined && isFirst && !peersOf(connection.server, from).has(peer)
  conversation.log.push(message)
  if (!isGroup(conv)) for (const user of [from, peerOf(conv, from) ?? from]) disk.takePart(user, conv)
  if (wereStrangers) acquaint(connection.server, from, peer)
  return message
}

function nextSeq({ has, memory }: ChatServer, conversation: Conversation): number {
  if (has('M14')) return Date.now()
  if (has('M19')) return ++memory.seq
  if (has('M17')) {
    const seq = (memory.seqs.get(conversation.id) ?? 0) + 1
    memory.seqs.set(conversation.id, seq)
    return seq
  }
  const skipped = has('M251') && isGroup(conversation.id) && Math.random() < 0.1 ? 1 : 0
  return topOf(conversation) + 1 + skipped
}

function timestampOf(draft: Draft, { log }: Conversation): number {
  const { connection, frame } = draft
  const { has } = connection.server
  if (has('M92') && frame.clientTime !== undefined) return frame.clientTime
  if (draft.timestamp !== undefined) return draft.timestamp
  if (has('M65')) return Math.floor(Date.now() / 1000)
  if (has('M102')) return Date.now() - Math.floor(Math.random() * 500)
  return Math.max(Date.now(), log.at(-1)?.timestamp ?? 0)
}

/** [M12] [M100] [M101] Says that it was there before, and stores nothing. */
function pretend({ connection, frame, conv }: Draft): void {
  const { epoch, log } = connection.server.disk.open(conv)
  const { id, msgId } = frame
  const [seq, timestamp] = [Math.max(1, log.length), Date.now()]
  connection.write({ type: 'sent', id, msgId, conv, epoch, seq, timestamp, duplicate: true })
}
