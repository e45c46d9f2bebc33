// An own send without an answer may sit at a seq that its connection is never shown: it gets no `msg` for it, and no
// `sent` came. Such a seq is no skip, as long as it can be that message.
import { firstMissing } from './entities.ts'
import type { HistoryEvent } from './events.ts'
import type { SendOrder, SendRequest } from './asked.ts'
import type { Log, Message, State, Stream } from './state.ts'

/** The first seq before `before` that this connection should have been shown and was not. */
export function missingBefore(stream: Stream, before: number): number | undefined {
  const { place, log, pos, own } = stream
  if (before === pos + 1) return undefined
  for (let after = pos; ; ) {
    const seq = firstMissing(place.membership, log, { after, before, besides: own })
    if (seq === undefined || !isOwn(stream, seq)) return seq
    after = seq
  }
}

/** As `missingBefore`, when something later has come: what nobody has seen yet is put down to own sends. */
export function skippedBefore(stream: Stream, before: number): number | undefined {
  const first = missingBefore(stream, before)
  if (first === undefined) return undefined
  const { place, log, own, presumed } = stream
  const free = (orderOf(stream)?.unanswered.size ?? 0) - presumed.size
  const unseen: number[] = []
  for (let after = first - 1; ; ) {
    const seq = firstMissing(place.membership, log, { after, before, besides: own })
    if (seq === undefined) break
    if (!isOwn(stream, seq)) unseen.push(seq)
    if (unseen.length > free || (log.bySeq.has(seq) && unseen.at(-1) === seq)) return first
    after = seq
  }
  for (const seq of unseen) presume(stream, seq)
  return undefined
}

/** The ack of a message has come: it was not at any of the seqs that were put down to it. */
export function settleUnanswered(state: State, stream: Stream, event: HistoryEvent): void {
  const unanswered = orderOf(stream)?.unanswered.size ?? 0
  for (const [seq, events] of stream.presumed) {
    if (stream.presumed.size <= unanswered) return
    dropPresumed(stream, seq)
    if (mustSee(stream, seq)) complain(state, stream, { seq, events: [...events, event] })
  }
}

/** The membership may have moved since. */
function mustSee({ place, log }: Stream, seq: number): boolean {
  return firstMissing(place.membership, log, { after: seq - 1, before: seq + 1 }) !== undefined
}

/** It is known now who is at a seq: those who took it for their own may have been wrong. */
export function judgePresumed(state: State, log: Log, message: Message): void {
  for (const stream of log.presumers.get(message.seq) ?? []) {
    const events = stream.presumed.get(message.seq) ?? []
    dropPresumed(stream, message.seq)
    if (isUnanswered(orderOf(stream), message) || !mustSee(stream, message.seq)) continue
    complain(state, stream, { seq: message.seq, events: [message.invoke, message.placedBy, ...events] })
  }
}

/** The connection is over, and with it what it should have been shown. */
export function forgetPresumed(stream: Stream): void {
  for (const seq of stream.presumed.keys()) dropPresumed(stream, seq)
}

export function dropPresumed(stream: Stream, seq: number): void {
  stream.presumed.delete(seq)
  const others = stream.log.presumers.get(seq)
  others?.delete(stream)
  if (others?.size === 0) stream.log.presumers.delete(seq)
}

/** Taken for an own send before, or known to be one that was not answered. */
function isOwn(stream: Stream, seq: number): boolean {
  if (stream.presumed.has(seq)) return true
  const message = stream.log.bySeq.get(seq)
  return message !== undefined && isUnanswered(orderOf(stream), message)
}

function presume(stream: Stream, seq: number): void {
  const { log, last } = stream
  stream.presumed.set(seq, last === undefined ? [] : [last])
  const others = log.presumers.get(seq)
  if (others === undefined) log.presumers.set(seq, new Set([stream]))
  else others.add(stream)
}

function orderOf({ connection, log }: Stream): SendOrder | undefined {
  return connection.sends.get(log.conversation.id)
}

/** Does this connection not know what became of its send of this message? */
export function isUnanswered(order: SendOrder | undefined, message: Message): boolean {
  for (const request of order?.unanswered ?? []) if (request.message === message) return true
  return false
}

/** An ack answers every attempt of its message; true if there were others than this one. */
export function answerAll(order: SendOrder | undefined, { message }: SendRequest): boolean {
  let count = 0
  for (const request of order?.unanswered ?? []) {
    if (request.message !== message) continue
    order?.unanswered.delete(request)
    count += 1
  }
  return count > 1
}

function complain(
  state: State,
  stream: Stream,
  { seq, events }: { seq: number; events: (HistoryEvent | undefined)[] },
): void {
  state.findings.violate('H7', {
    expected: `${stream.connection.id} to get seq ${seq} of ${stream.log.conversation.id}, or to be told of a gap`,
    actual: 'it was left out, and is not an own send without an answer',
    events,
  })
}
