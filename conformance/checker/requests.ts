// Requests and what came of them: granted, refused, or never known.
import type {
  AckEvent,
  ErrorEvent,
  HistoryRequestEvent,
  JoinEvent,
  LeaveEvent,
  OkEvent,
  PageEvent,
  ReadEvent,
  SendEvent,
  SentEvent,
  SyncEvent,
  TimeoutEvent,
} from './events.ts'
import { conversationOf, logOf } from './entities.ts'
import { confirmMark, mark } from './marks.ts'
import {
  askMembership,
  doubtMembership,
  grantMembership,
  judgeVisible,
  refuseMembership,
} from './membership.ts'
import { attempt, countRecovered, judgeAcks, judgeRefused, observe } from './messages.ts'
import { askHistory, readPage } from './reads.ts'
import { askSync, refuseSync } from './replay.ts'
import { judgeSendOrder, queueSend, unqueueSend } from './send-order.ts'
import { retire } from './settle.ts'
import type { Request, SendRequest } from './asked.ts'
import type { Connection, Log, State } from './state.ts'
import { followOwn } from './streams.ts'
import { answerAll } from './unanswered.ts'

export function onSend(state: State, connection: Connection, event: SendEvent): void {
  state.counters.sends += 1
  const message = attempt(state, connection.user, event)
  const request: SendRequest = {
    kind: 'send',
    event,
    message,
    isUnknown: false,
    passedBy: undefined,
    before: undefined,
  }
  connection.requests.set(event.id, request)
  queueSend(connection, request)
}

export function onSent(state: State, connection: Connection, event: SentEvent): void {
  const request = connection.requests.get(event.id)
  if (request?.kind !== 'send' || request.event.msgId !== event.msgId) {
    onStrayAck(state, connection, event)
    return
  }
  connection.requests.delete(event.id)
  const { message } = request
  closeAttempt(request)
  if (message.ok === 0) state.counters.okSends += 1
  message.ok += 1
  if (event.duplicate) state.counters.duplicateAcks += 1
  const log = logOf(conversationOf(state, event.conv), event.epoch, connection)
  if (event.duplicate) unqueueSend(connection, request)
  else judgeSendOrder(state, connection, request, event)
  if (!judgeAcks(state, message, event)) return
  accept(state, connection, { log, event, request })
}

export function onMark(state: State, connection: Connection, event: AckEvent | ReadEvent): void {
  mark(state, connection, event)
  if (event.id !== undefined) connection.requests.set(event.id, { kind: 'mark', event })
}

export function onSync(state: State, connection: Connection, event: SyncEvent): void {
  askSync(state, connection, event)
  connection.requests.set(event.id, { kind: 'sync', event })
}

export function onHistory(state: State, connection: Connection, event: HistoryRequestEvent): void {
  connection.requests.set(event.id, askHistory(connection, conversationOf(state, event.conv), event))
}

export function onMember(state: State, connection: Connection, event: JoinEvent | LeaveEvent): void {
  connection.requests.set(event.id, askMembership(state, connection, event))
}

interface Accepted {
  log: Log
  event: SentEvent
  request: SendRequest
}

function accept(state: State, connection: Connection, { log, event, request }: Accepted): void {
  const { seq, msgId, timestamp } = event
  const seen = { seq, from: connection.user.id, msgId, hash: request.event.hash, timestamp }
  observe(state, log, seen, event)
  countRecovered(state, request.message)
  if (log.acked === undefined || seq > log.acked.seq) log.acked = event
  const isVisible = judgeVisible(state, connection, log, { seq, event })
  // A repeat on the connection of an attempt without an answer: that one may have stored it.
  const wasTried = answerAll(connection.sends.get(event.conv), request)
  if (isVisible && (!event.duplicate || wasTried)) followOwn(state, connection, log, event)
}

/** An ack for a request that is not open. */
function onStrayAck(state: State, connection: Connection, event: SentEvent): void {
  state.counters.strayAnswers += 1
  const message = connection.user.messages.get(event.msgId)
  if (message !== undefined) {
    judgeAcks(state, message, event)
    return
  }
  state.findings.violate('H2', {
    expected: `acks only for what ${connection.user.id} sent`,
    actual: `an ack for msgId ${event.msgId}, which nobody sent`,
    events: [event],
  })
}

export function onError(state: State, connection: Connection, event: ErrorEvent): void {
  const request = take(state, connection, event.id)
  if (request === undefined) return
  if (!event.definite) onUnknown(state, connection, request)
  else if (request.kind === 'send') onRefused(state, connection, request, event)
  else if (request.kind === 'member') refuseMembership(state, request)
  else if (request.kind === 'sync') refuseSync(connection, event.id)
}

function onRefused(state: State, connection: Connection, request: SendRequest, event: ErrorEvent): void {
  const { message } = request
  state.counters.refusedSends += 1
  unqueueSend(connection, request)
  closeAttempt(request)
  connection.sends.get(request.event.conv)?.unanswered.delete(request)
  message.refusedBy = event
  judgeRefused(state, message)
  if (message.log === undefined && message.open + message.unknown + message.ok === 0) retire(state, message)
}

/** A late answer still counts, so the request stays. */
export function onTimeout(state: State, connection: Connection, event: TimeoutEvent): void {
  const request = connection.requests.get(event.id)
  if (request?.kind === 'send') doubtSend(state, request)
}

/** It was cut off, or failed in a way that says nothing. */
export function onUnknown(state: State, connection: Connection, request: Request): void {
  if (request.kind === 'member') doubtMembership(state, request)
  if (request.kind !== 'send') return
  unqueueSend(connection, request)
  doubtSend(state, request)
}

function doubtSend(state: State, request: SendRequest): void {
  if (request.isUnknown) return
  request.isUnknown = true
  request.message.open -= 1
  request.message.unknown += 1
  state.counters.unknownSends += 1
  countRecovered(state, request.message)
}

function closeAttempt({ message, isUnknown }: SendRequest): void {
  if (isUnknown) message.unknown -= 1
  else message.open -= 1
}

export function onOk(state: State, connection: Connection, event: OkEvent): void {
  const request = take(state, connection, event.id)
  if (request?.kind === 'member') grantMembership(state, request, event)
  else if (request?.kind === 'mark') confirmMark(state, connection, request.event)
}

export function onPage(state: State, connection: Connection, event: PageEvent): void {
  const request = take(state, connection, event.id)
  if (request?.kind === 'history') readPage(state, connection, request, event)
}

function take(state: State, connection: Connection, id: number): Request | undefined {
  const request = connection.requests.get(id)
  if (request === undefined) state.counters.strayAnswers += 1
  else connection.requests.delete(id)
  return request
}
