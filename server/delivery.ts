// How messages reach connections as they commit, and the window of those that are not acknowledged.
// HOT PATH, guarded by bench/server.bench.ts
import { type Encoding, jsonCodec, type Msg, type Seq } from '../protocol/index.ts'
import type { Conversation, Place, Window } from './conversation.ts'
import type { Hub } from './hub.ts'
import type { Session } from './session.ts'
import type { Wire } from './socket.ts'

export const noWindows: readonly Window[] = []

/** Writes a committed message to every live place but its origin's; a place without room falls behind. */
export function deliver(hub: Hub, conversation: Conversation, frame: Msg, origin: Session | undefined): void {
  const seq = frame.seq
  const window = hub.options.limits.window
  const maxBytes = hub.options.maxBufferedBytes
  const places = conversation.places
  let text: string | undefined
  let bytes: Uint8Array | undefined
  let delivered = 0
  for (let index = 0; index < places.length; index++) {
    const place = places[index]
    if (place === undefined || place.mode !== 'live' || seq <= place.position) continue
    const session = place.session
    if (session === origin) {
      place.position = seq
      place.written = seq
      continue
    }
    if (session.unacked >= window || session.unackedBytes >= maxBytes) {
      fallBehind(hub, place)
      continue
    }
    let wire: Wire
    if (session.encoding === 'json') {
      text ??= jsonCodec.encode(frame, 0)
      wire = text
    } else {
      bytes ??= hub.cbor.encode(frame, hub.now())
      wire = bytes
    }
    written(place, seq, wire.length)
    delivered += 1
    if (conversation.isGroup) session.socket.flush()
    else session.socket.send(wire)
  }
  if (conversation.isGroup) {
    if (text !== undefined) publish(hub, conversation, 'json', text, origin)
    if (bytes !== undefined) publish(hub, conversation, 'cbor', bytes, origin)
  }
  hub.counters.delivered += delivered
}

/** One encoding's share of a group: encoded once, copied to all subscribers by the socket layer. */
function publish(
  hub: Hub,
  conversation: Conversation,
  encoding: Encoding,
  wire: Wire,
  origin: Session | undefined,
): void {
  const topic = conversation.topics[encoding]
  if (origin !== undefined && origin.state !== 'closed' && origin.encoding === encoding) {
    origin.socket.publish(topic, wire)
  } else {
    hub.broadcaster.publish(topic, wire)
  }
}

/** Counts a `msg` into the window. */
export function written(place: Place, seq: Seq, bytes: number): void {
  place.position = seq
  if (seq > place.written) place.written = seq
  place.lastMsgSeq = seq
  place.unacked += 1
  place.session.unacked += 1
  place.session.unackedBytes += bytes
}

function fallBehind(hub: Hub, place: Place): void {
  leaveTopic(place)
  place.mode = 'behind'
  place.session.behind ??= []
  place.session.behind.push(place)
  if (place.session.stalledSinceMs === 0) place.session.stalledSinceMs = hub.now()
}

export function goLive(place: Place): void {
  const { session, conversation } = place
  place.mode = 'live'
  if (!conversation.isGroup) return
  // What was on its way when this membership began is not for this user.
  const windows = conversation.members.get(session.user?.id ?? '')?.windows ?? noWindows
  place.position = Math.max(place.position, windows[windows.length - 1]?.[0] ?? 0)
  session.socket.subscribe(conversation.topics[session.encoding])
}

/** What this connection has not had yet of the membership before comes first. */
export function rejoin(place: Place): void {
  place.endsAt = null
  if (place.mode === 'ended') goLive(place)
}

export function leaveTopic(place: Place): void {
  if (place.conversation.isGroup && place.mode === 'live') {
    place.session.socket.unsubscribe(place.conversation.topics[place.session.encoding])
  }
}

/** Makes room for as many messages; their bytes are not known one by one, so their share is taken off. */
export function freeWindow(session: Session, count: number): void {
  if (count <= 0) return
  const left = Math.max(0, session.unacked - count)
  session.unackedBytes = left === 0 ? 0 : (session.unackedBytes * left) / session.unacked
  session.unacked = left
  session.stalledSinceMs = 0
}
