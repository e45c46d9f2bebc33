// How many things the judge remembers, by which its memory is held in bounds.
import type { Connection, Conversation, State, User } from './state.ts'

export function stateSize(state: State): number {
  let size = state.retired.length + state.findings.kept()
  for (const user of state.users.values()) size += userSize(user)
  for (const conversation of state.conversations.values()) size += conversationSize(conversation)
  for (const connection of state.connections.values()) size += connectionSize(connection)
  return size
}

function userSize({ messages, devices, memberships }: User): number {
  return 1 + messages.size + devices.size + memberships.size
}

function conversationSize({ logs, places, members }: Conversation): number {
  let size = 1 + places.length
  for (const { windows, held } of members.values()) size += 1 + windows.length + (held?.size ?? 0)
  for (const { bySeq, fresh, sums, finals, presumers } of logs.values()) {
    size += 1 + bySeq.size + fresh.length + sums.stretches.size + finals.length + presumers.size
  }
  return size
}

function connectionSize(connection: Connection): number {
  const { streams, requests, sends, fences, walks, presence, receipts, due } = connection
  let size = 1 + requests.size + fences.size + walks.size + presence.size + receipts.size + (due?.size ?? 0)
  for (const { own, presumed, rewinds } of streams.values())
    size += 1 + own.size + presumed.size + rewinds.length
  for (const { waiting, unanswered } of sends.values()) size += 1 + waiting.length + unanswered.size
  return size
}
