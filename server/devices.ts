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
export type KnownDevices = Map<string, Milliseconds>

export interface Devices {
  of(userId: string): KnownDevices
  /** A user is known once it has authenticated: its newest device is never forgotten. */
  isKnown(userId: string): boolean
  /** Notes that a device is here, and forgets those of too many and those unseen for `keepMs`. */
  remember(
    owner: DeviceOwner,
    devices: KnownDevices,
    seen: { deviceId: string; nowMs: Milliseconds; keepMs: number },
  ): void
}

export function createDevices(records: Records, cursors: Cursors): Devices {
  return {
    of(userId) {
      const record = records.get(['devices', userId])
      const devices: KnownDevices = new Map()
      if (typeof record !== 'object' || record === null) return devices
      for (const [deviceId, seenMs] of Object.entries(record)) devices.set(deviceId, Number(seenMs))
      return devices
    },
    isKnown: (userId) => records.get(['devices', userId]) !== undefined,
    remember({ id, sessions }, devices, { deviceId, nowMs, keepMs }) {
      if (nowMs - (devices.get(deviceId) ?? 0) < grainMs) return
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
