// H2, H3, H6, H12 and the duplicates of H1: which message is at which place, and did anybody send it?
// HOT PATH, guarded by bench/checker.bench.ts: hence four parameters instead of an object per event.
import type { DeliverEvent, HistoryEvent, PageEvent, SeenMessage, SendEvent, SentEvent } from './events.ts'
import { conversationOf, userOf } from './entities.ts'
import { retire, settleLater } from './settle.ts'
import type { Log, Message, State, User } from './state.ts'
import { addToSums } from './sums.ts'
import { judgePresumed } from './unanswered.ts'

/** What showed a message: an ack, a delivery or a page of history. */
export type SeenBy = SentEvent | DeliverEvent | PageEvent

/** A send begins. Gives the message, which an earlier attempt may have named already. */
export function attempt(state: State, user: User, event: SendEvent): Message {
  let message = user.messages.get(event.msgId)
  if (message === undefined) {
    message = createMessage(user, event.msgId)
    user.messages.set(event.msgId, message)
  }
  if (message.invoke === undefined) message.invoke = event
  else if (message.invoke.hash !== event.hash || message.invoke.conv !== event.conv)
    addVariant(state, message, event)
  // Refused attempts had no effect: real time counts from this one.
  if (!isPossible(message)) message.after = conversationOf(state, event.conv).log?.acked
  message.open += 1
  return message
}

function addVariant(state: State, message: Message, event: SendEvent): void {
  message.variants ??= []
  message.variants.push(event)
  if (event.deliberate === true) return
  state.findings.violate('H19', {
    expected: `the harness to repeat ${event.msgId} with the same body and conversation`,
    actual: 'it reused the msgId for another message',
    events: [message.invoke, event],
  })
}

/** Some attempt may have had an effect. */
function isPossible(message: Message): boolean {
  return message.open + message.unknown + message.ok > 0
}

/** A message was seen at a place: is it the one that belongs there? */
export function observe(state: State, log: Log, seen: SeenMessage, event: SeenBy): void {
  const { findings } = state
  const message = userOf(state, seen.from).messages.get(seen.msgId)
  const resident = log.bySeq.get(seen.seq)
  findings.tallies.H3.examined += 1
  if (resident !== undefined) {
    if (resident === message || isResident(resident, seen)) compare(state, resident, { log, seen, event })
    else twoAtOnePlace(state, resident, { log, seen, event })
  } else if (seen.seq <= log.floor) {
    if (message !== undefined && message.log === undefined) place(state, message, { log, seen, event })
  } else if (message === undefined) {
    place(state, unsent(state, { log, seen, event }), { log, seen, event })
  } else if (
    message.log !== undefined &&
    (message.log === log || message.log.conversation !== log.conversation)
  ) {
    twoPlaces(state, message, { log, seen, event })
  } else {
    place(state, message, { log, seen, event })
  }
}

/** The same message, although its sender's list has forgotten it or holds a newer one of that name. */
function isResident({ from, msgId }: Message, seen: SeenMessage): boolean {
  return from.id === seen.from && msgId === seen.msgId
}

interface Seen {
  log: Log
  seen: SeenMessage
  event: SeenBy
}

/** The first time that a message is seen at a place. */
function place(state: State, message: Message, { log, seen, event }: Seen): void {
  message.log = log
  message.seq = seen.seq
  message.timestamp = seen.timestamp
  message.hash = seen.hash
  message.placedBy = event
  if (seen.seq > log.head) log.head = seen.seq
  if (message.invoke !== undefined) compareWithAttempts(state, message, { log, seen, event })
  countRecovered(state, message)
  if (seen.seq <= log.floor) {
    retire(state, message)
    return
  }
  log.bySeq.set(seen.seq, message)
  addToSums(log.sums, seen)
  if (log.presumers.size > 0) judgePresumed(state, log, message)
  settleLater(state, log, message)
}

function compareWithAttempts(state: State, message: Message, { log, seen, event }: Seen): void {
  const { findings } = state
  const attempts = message.variants === undefined ? undefined : [message.invoke, ...message.variants]
  const conv = log.conversation.id
  findings.tallies.H2.examined += 1
  if (!(attempts?.some((one) => one?.conv === conv) ?? message.invoke?.conv === conv)) {
    findings.violate('H2', {
      expected: `${describe(seen)} in ${message.invoke?.conv}, where it was sent`,
      actual: `it is in ${conv}, where nobody sent it`,
      events: [message.invoke, event],
    })
  } else if (!(attempts?.some((one) => one?.hash === seen.hash) ?? message.invoke?.hash === seen.hash)) {
    findings.violate('H3', {
      expected: `${describe(seen)} with the body that was sent, hash ${message.invoke?.hash}`,
      actual: `hash ${seen.hash}`,
      events: [message.invoke, event],
    })
  }
  judgeRefused(state, message)
  judgeRealTime(state, message, { log, seen, event })
}

/** Jepsen's aborted read: every attempt was definitely refused, and yet the message is there. */
export function judgeRefused(state: State, message: Message): void {
  if (message.refusedBy === undefined || message.placedBy === undefined || isPossible(message)) return
  state.findings.violate('H2', {
    expected: `msgId ${message.msgId} of ${message.from.id} nowhere, after error ${message.refusedBy.code}`,
    actual: `it is at seq ${message.seq}`,
    events: [message.invoke, message.refusedBy, message.placedBy],
  })
}

/** Acks of the sending connection itself are judged by H5. */
function judgeRealTime(state: State, message: Message, { log, seen, event }: Seen): void {
  const { after, invoke } = message
  if (after === undefined || after.epoch !== log.epoch || after.conv !== log.conversation.id) return
  state.findings.tallies.H6.examined += 1
  if (seen.seq > after.seq || after.connection === invoke?.connection) return
  // A repeat of something long forgotten: its first attempt was earlier than what is known.
  if (event.kind === 'sent' && event.duplicate && seen.seq <= log.floor) return
  state.findings.violate('H6', {
    expected: `${describe(seen)} above ${after.seq}, which was acked before it was sent`,
    actual: `seq ${seen.seq}`,
    events: [after, invoke, event],
  })
}

function compare(state: State, message: Message, { seen, event }: Seen): void {
  if (message.hash === seen.hash && message.timestamp === seen.timestamp) return
  const what = message.hash === seen.hash ? 'timestamp' : 'hash'
  state.findings.violate('H3', {
    expected: `${describe(seen)} at seq ${seen.seq} with ${what} ${message[what]}, as it was seen before`,
    actual: `${what} ${seen[what]}`,
    events: [message.placedBy, event],
  })
}

function twoAtOnePlace(state: State, resident: Message, { seen, event }: Seen): void {
  state.findings.violate('H3', {
    expected: `msgId ${resident.msgId} of ${resident.from.id} at seq ${seen.seq}, as it was seen before`,
    actual: describe(seen),
    events: [resident.placedBy, event],
  })
}

/** Acks that disagree with each other are judged by H12, before this. */
function twoPlaces(state: State, message: Message, { log, seen, event }: Seen): void {
  // A record of its own, so that other observers of the same place do not count again.
  const copy: Message = {
    ...message,
    log,
    seq: seen.seq,
    hash: seen.hash,
    timestamp: seen.timestamp,
    open: 0,
  }
  copy.isRetired = false
  log.bySeq.set(seen.seq, copy)
  if (seen.seq > log.head) log.head = seen.seq
  settleLater(state, log, copy)
  state.findings.violate('H1', {
    expected: `${describe(seen)} once, at seq ${message.seq} of ${message.log?.conversation.id}`,
    actual: `it is also at seq ${seen.seq} of ${log.conversation.id}`,
    events: [message.invoke, message.placedBy, event],
  })
}

/** From before the recording, or from nobody. */
function unsent(state: State, { log, seen, event }: Seen): Message {
  const user = userOf(state, seen.from)
  const message = createMessage(user, seen.msgId)
  user.messages.set(seen.msgId, message)
  if (seen.seq <= log.base) return message
  state.findings.tallies.H2.examined += 1
  state.findings.violate('H2', {
    expected: 'only what somebody sent',
    actual: `${describe(seen)}, which nobody sent`,
    events: [event],
  })
  return message
}

/** An outcome was unknown, and now it is known: the message is there. Legal. */
export function countRecovered(state: State, message: Message): void {
  if (message.wasRecovered || message.unknown === 0 || message.placedBy === undefined) return
  message.wasRecovered = true
  state.counters.recoveredSends += 1
}

/** An ack has to say what earlier acks of the same message said; false if it does not. */
export function judgeAcks(state: State, message: Message, event: SentEvent): boolean {
  const first = message.sent
  if (first === undefined) {
    message.sent = event
    return true
  }
  state.findings.examine('H12')
  const isSame =
    first.conv === event.conv &&
    first.epoch === event.epoch &&
    first.seq === event.seq &&
    first.timestamp === event.timestamp
  if (isSame || first.epoch !== event.epoch) return true
  state.findings.violate('H12', {
    expected: `msgId ${event.msgId} acked with ${placeOfAck(first)}, as before`,
    actual: placeOfAck(event),
    events: [message.invoke, first, event],
  })
  return false
}

function placeOfAck({ conv, seq, timestamp }: SentEvent): string {
  return `${conv} seq ${seq} timestamp ${timestamp}`
}

function createMessage(from: User, msgId: string): Message {
  return {
    from,
    msgId,
    invoke: undefined,
    variants: undefined,
    open: 0,
    unknown: 0,
    ok: 0,
    refusedBy: undefined,
    after: undefined,
    log: undefined,
    seq: 0,
    hash: 0,
    timestamp: 0,
    placedBy: undefined,
    sent: undefined,
    wasRecovered: false,
    isRetired: false,
  }
}

function describe({ from, msgId }: SeenMessage): string {
  return `msgId ${msgId} of ${from}`
}

/** What first showed the message at a seq, for a proof. */
export function evidenceAt(log: Log, seq: number): HistoryEvent[] {
  const message = log.bySeq.get(seq)
  return [message?.invoke, message?.placedBy].filter((event) => event !== undefined)
}
