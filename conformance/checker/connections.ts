// Connections come and go; what a device has got stays.
import { dueNow } from './completeness.ts'
import { deviceOf, streamOf, userOf } from './entities.ts'
import type { CloseEvent, ConnectEvent, WelcomeEvent } from './events.ts'
import { resume } from './replay.ts'
import { onUnknown } from './requests.ts'
import type { Connection, State } from './state.ts'
import { forgetPresumed } from './unanswered.ts'

export function openConnection(state: State, event: ConnectEvent): void {
  const user = userOf(state, event.user)
  const device = deviceOf(user, event.device)
  const connection: Connection = {
    id: event.connection,
    user,
    device,
    opened: event,
    welcome: undefined,
    server: 'same',
    live: false,
    streams: new Map(),
    requests: new Map(),
    sends: new Map(),
    due: dueNow(user),
    lost: undefined,
    fences: new Map(),
    deliveries: 0,
    unacked: 0,
    wasFull: false,
    walks: new Map(),
    presence: new Map(),
    receipts: new Map(),
  }
  if (device.connection !== undefined) keepPositions(device.connection)
  device.connection = connection
  state.connections.set(connection.id, connection)
  state.counters.connects += 1
  if (event.cursors !== undefined) state.counters.resumes += 1
  resume(state, connection)
}

/** What its device gets by a newer connection says nothing about where this one stands. */
function keepPositions(replaced: Connection): void {
  for (const { log } of replaced.device.places.keys()) if (log !== undefined) streamOf(replaced, log)
}

export function welcome(connection: Connection, event: WelcomeEvent): void {
  const { user } = connection
  if (connection.welcome === undefined) user.online += 1
  connection.welcome = event
  user.changed = event
  user.changedByCut = false
}

/** Open requests have an unknown outcome from here on. */
export function closeConnection(state: State, connection: Connection, event: CloseEvent): void {
  for (const request of connection.requests.values()) onUnknown(state, connection, request)
  const { user, device } = connection
  if (connection.welcome !== undefined) {
    user.online -= 1
    user.changed = event
    user.changedByCut = !event.clean
  }
  for (const stream of connection.streams.values()) forgetPresumed(stream)
  state.connections.delete(connection.id)
  // A newer connection of the device may have got the same at the same time: nothing can be said of repeats.
  if (device.connection !== connection) return
  device.connection = undefined
  for (const { place, log, delivered } of connection.streams.values()) {
    if (log === log.conversation.log && delivered > place.delivered) place.delivered = delivered
  }
}
