// Forgetting: a message that every device has got and whose sends are answered is kept for a while, then dropped.
import { firstMissing } from './entities.ts'
import type { Log, Message, State } from './state.ts'

/** A sweep that finds little makes the next one come later. */
const sweepAtLeast = 32

/** A message has got its place: it stays fresh until a sweep finds it settled. */
export function settleLater(state: State, log: Log, message: Message): void {
  log.fresh.push(message)
  if (log.fresh.length < log.sweepAt) return
  sweep(state, log)
  log.sweepAt = Math.max(sweepAtLeast, log.fresh.length * 2)
}

/** A message that has no place and may never get one: every attempt was refused. */
export function retire(state: State, message: Message): void {
  if (message.isRetired) return
  message.isRetired = true
  state.retired.push(message)
  forgetOldest(state)
}

function sweep(state: State, log: Log): void {
  const arrived = arrivedEverywhere(log)
  const fresh: Message[] = []
  for (const message of log.fresh) {
    if (message.seq <= arrived && message.open === 0) retire(state, message)
    else fresh.push(message)
  }
  log.fresh = fresh
}

/** The seq up to which every known device has everything that is for it. */
function arrivedEverywhere(log: Log): number {
  const { conversation, head } = log
  if (log !== conversation.log) return head
  let arrived = head
  for (const { membership, pos } of conversation.places) {
    if (pos >= arrived) continue
    const missing = firstMissing(membership, log, { after: pos, before: arrived + 1 })
    if (missing !== undefined) arrived = missing - 1
  }
  return arrived
}

function forgetOldest(state: State): void {
  while (state.retired.length - state.retiredFrom > state.options.remembered) {
    const message = state.retired[state.retiredFrom]
    state.retiredFrom += 1
    if (message !== undefined) forget(message)
  }
  // Cut when half of it is gone: each message is moved once.
  if (state.retiredFrom * 2 <= state.retired.length) return
  state.retired = state.retired.slice(state.retiredFrom)
  state.retiredFrom = 0
}

function forget(message: Message): void {
  const { from, msgId, log, seq } = message
  message.isRetired = false
  // Refused, and then tried again: it has come back to life.
  if (log === undefined && message.open + message.unknown + message.ok > 0) return
  if (message.open > 0) {
    log?.fresh.push(message)
    return
  }
  if (from.messages.get(msgId) === message) from.messages.delete(msgId)
  if (log === undefined || log.bySeq.get(seq) !== message) return
  log.bySeq.delete(seq)
  if (seq > log.floor) log.floor = seq
}
