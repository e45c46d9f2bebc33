// The devices of each user: who has one is known to the server, and each one's cursors are kept for a while.
import type { Milliseconds } from '../protocol/index.ts'
import type { Cursors } from './cursors.ts'
import type { Records } from './records.ts'

/** Devices of one user that are kept; the one unseen for longest goes first. */
export const devicesPerUser = 32
/** The time of a device is written anew when it is older than this. */
const grainMs = 3_600_000

export interface DeviceOwner {
  readonly id: string
  readonly sessions: readonly { deviceId: string }[]
}

/** With the time at which each was last seen. */
export type KnownDevices = Readonly<Record<string, Milliseconds>>

export interface Devices {
  /** Undefined: the user is new. */
  of(userId: string): KnownDevices | undefined
  /** A user is known once it has authenticated: its newest device is never forgotten. */
  isKnown(userId: string): boolean
  /** Notes that a device is here, and forgets those of too many and those unseen for `keepMs`. */
  remember(
    owner: DeviceOwner,
    known: KnownDevices | undefined,
    seen: { deviceId: string; nowMs: Milliseconds; keepMs: number },
  ): void
}

export function createDevices(records: Records, cursors: Cursors): Devices {
  return {
    of(userId) {
      return records.get(['devices', userId]) as KnownDevices | undefined
    },
    isKnown: (userId) => records.get(['devices', userId]) !== undefined,
    remember({ id, sessions }, known = {}, { deviceId, nowMs, keepMs }) {
      // Of a new device called `constructor` this is NaN, and it is written like any other.
      if (nowMs - (known[deviceId] ?? 0) < grainMs) return
      const devices = new Map(Object.entries(known))
      devices.set(deviceId, nowMs)
      const unused = [...devices].filter(([other]) => !sessions.some((session) => session.deviceId === other))
      unused.sort((a, b) => a[1] - b[1])
      const tooMany = devices.size - devicesPerUser
      for (const [index, [other, seenMs]] of unused.entries()) {
        if (index >= tooMany && nowMs - seenMs <= keepMs) continue
        devices.delete(other)
        cursors.forget(id, other)
      }
      // One record for all: there are few, and a connection storm reads one for each user.
      records.put(['devices', id], Object.fromEntries(devices))
    },
  }
}
