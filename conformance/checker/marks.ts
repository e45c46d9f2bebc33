// H15 and H16, and the acks of the harness itself: what is said about users, against what they did.
import type { AckEvent, PresenceEvent, QuietEvent, ReadEvent, ReceiptEvent } from './events.ts'
import { conversationOf, logOf, membershipOf, placeOf } from './entities.ts'
import type { Connection, State, Stream } from './state.ts'

/** The harness acknowledges or marks as read. What it has not got counts for nothing, and is a lie unless on purpose. */
export function mark(state: State, connection: Connection, event: AckEvent | ReadEvent): void {
  const conversation = conversationOf(state, event.conv)
  const log = conversation.logs.get(event.epoch)
  const stream = connection.streams.get(conversation)
  if (log === undefined || log !== conversation.log) return
  const membership = membershipOf(conversation, connection.user)
  const place = placeOf(connection.device, membership)
  const top = Math.max(place.pos, stream?.pos ?? 0, stream?.delivered ?? 0, ...(stream?.own ?? []))
  if (event.seq > top) {
    if (event.deliberate !== true) judgeHonest(state, stream, { event, top })
    return
  }
  if (event.kind === 'read') membership.read = Math.max(membership.read, event.seq)
  else {
    membership.acked = Math.max(membership.acked, event.seq)
    if (stream !== undefined) freeWindow(connection, stream, event.seq)
  }
}

function judgeHonest(
  state: State,
  stream: Stream | undefined,
  { event, top }: { event: AckEvent | ReadEvent; top: number },
): void {
  state.findings.violate('H19', {
    expected: `the harness to ${event.kind} only what ${event.connection} has got, up to seq ${top} of ${event.conv}`,
    actual: `seq ${event.seq}`,
    events: [stream?.last, event],
  })
}

/** The server said that it has the ack. */
export function confirmMark(state: State, connection: Connection, event: AckEvent | ReadEvent): void {
  if (event.kind !== 'ack' || connection.server !== 'same') return
  const conversation = conversationOf(state, event.conv)
  if (conversation.log?.epoch !== event.epoch) return
  const place = placeOf(connection.device, membershipOf(conversation, connection.user))
  if (event.seq > (place.sureAcked?.seq ?? 0)) place.sureAcked = { seq: event.seq, event }
}

function freeWindow(connection: Connection, stream: Stream, seq: number): void {
  const left = seq >= stream.delivered ? 0 : Math.min(stream.unacked, stream.delivered - seq)
  connection.unacked -= stream.unacked - left
  stream.unacked = left
}

/** How far another user is: never back, never beyond what its devices said. */
export function onReceipt(state: State, connection: Connection, event: ReceiptEvent): void {
  const conversation = conversationOf(state, event.conv)
  if (logOf(conversation, event.epoch, connection) !== conversation.log) return
  const key = `${event.mark} ${event.reader} ${event.conv}`
  const previous = connection.receipts.get(key)
  connection.receipts.set(key, event)
  state.findings.examine('H15')
  if (previous !== undefined && previous.epoch === event.epoch && event.seq < previous.seq) {
    state.findings.violate('H15', {
      expected: `${event.mark} of ${event.reader} in ${event.conv} not below seq ${previous.seq}`,
      actual: `seq ${event.seq}`,
      events: [previous, event],
    })
    return
  }
  const membership = conversation.members.get(event.reader)
  const most = (event.mark === 'read' ? membership?.read : membership?.acked) ?? 0
  if (event.seq <= most) return
  state.findings.violate('H15', {
    expected: `${event.mark} of ${event.reader} in ${event.conv} up to seq ${most}, as its devices said`,
    actual: `seq ${event.seq}`,
    events: [event],
  })
}

export function onPresence(connection: Connection, event: PresenceEvent): void {
  connection.presence.set(event.peer, event)
}

/** What every connection was told last is true, unless the truth is too young. */
export function judgePresence(state: State, quiet: QuietEvent): void {
  const { presenceBoundMs, presenceCutBoundMs } = state.options
  for (const connection of state.connections.values()) {
    if (!connection.live) continue
    for (const told of connection.presence.values()) {
      const peer = state.users.get(told.peer)
      const boundMs = peer?.changedByCut ? presenceCutBoundMs : presenceBoundMs
      const changedMs = Math.max(peer?.changed?.ms ?? 0, connection.opened.ms)
      if (quiet.ms - changedMs < boundMs) continue
      state.findings.examine('H16')
      const isOnline = (peer?.online ?? 0) > 0
      if (told.online === isOnline) continue
      state.findings.violate('H16', {
        expected: `${connection.id} to know ${told.peer} as ${nameOf(isOnline)} within ${boundMs} ms`,
        actual: `it was told ${nameOf(told.online)} last`,
        events: [told, peer?.changed, quiet],
      })
    }
  }
}

function nameOf(isOnline: boolean): string {
  return isOnline ? 'online' : 'offline'
}
