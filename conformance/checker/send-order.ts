// H5: sends of one connection to one conversation get their seqs in the order in which they were written.
import type { SentEvent } from './events.ts'
import type { SendRequest } from './asked.ts'
import type { Connection, State } from './state.ts'

export function queueSend(connection: Connection, request: SendRequest): void {
  const { conv } = request.event
  const order = connection.sends.get(conv)
  if (order === undefined) {
    connection.sends.set(conv, { waiting: [request], unanswered: new Set([request]), highest: undefined })
  } else {
    order.waiting.push(request)
    order.unanswered.add(request)
  }
}

/** Refused, or acked as a repeat: says nothing about the order. */
export function unqueueSend(connection: Connection, request: SendRequest): void {
  const waiting = connection.sends.get(request.event.conv)?.waiting
  const index = waiting?.indexOf(request) ?? -1
  if (index >= 0) waiting?.splice(index, 1)
}

/** An ack, not of a repeat. Answers mostly come in order, so that each request is looked at once or twice. */
export function judgeSendOrder(
  state: State,
  connection: Connection,
  request: SendRequest,
  sent: SentEvent,
): void {
  const order = connection.sends.get(request.event.conv)
  if (order === undefined) return
  state.findings.tallies.H5.examined += 1
  if (request.passedBy === undefined) {
    const { waiting, highest } = order
    const index = waiting.indexOf(request)
    for (const earlier of waiting.splice(0, index + 1)) {
      earlier.passedBy = sent
      earlier.before = highest
    }
    if (isBelow(sent, highest)) complain(state, request, sent, highest)
  } else if (isBelow(request.passedBy, sent)) {
    complain(state, request, sent, request.passedBy)
  } else if (isBelow(sent, request.before)) {
    complain(state, request, sent, request.before)
  }
  if (order.highest === undefined || !isBelow(sent, order.highest)) order.highest = sent
}

function isBelow(sent: SentEvent, other: SentEvent | undefined): boolean {
  return other !== undefined && other.epoch === sent.epoch && sent.seq <= other.seq
}

function complain(
  state: State,
  { event, message }: SendRequest,
  sent: SentEvent,
  other: SentEvent | undefined,
): void {
  if (other === undefined) return
  state.findings.violate('H5', {
    expected: `seqs of ${event.connection} in ${event.conv} in the order in which it sent`,
    actual: `msgId ${event.msgId} at ${sent.seq}, msgId ${other.msgId} at ${other.seq}, the other way round`,
    events: [event, message.from.messages.get(other.msgId)?.invoke, sent, other],
  })
}
