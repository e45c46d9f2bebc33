// Device cursors: what each device has acknowledged, kept over reconnects and restarts.
import type { Seq } from '../protocol/index.ts'
import type { Place } from './conversation.ts'
import type { Records } from './records.ts'

export interface StoredCursor {
  epoch: string
  seq: Seq
}

export interface Cursors {
  /** The ack of this place moved; it is saved within a moment. */
  moved(place: Place): void
  /** Hands everything that moved to the log; called a few times a second. */
  save(): void
  /** The same for one place that is about to go. */
  savePlace(place: Place): void
  /** What a device has acknowledged, by conversation. */
  of(userId: string, deviceId: string): Map<string, StoredCursor>
  forget(userId: string, deviceId: string): void
}

export function createCursors(records: Records, epoch: string): Cursors {
  const movedPlaces = new Set<Place>()

  function write(place: Place): void {
    const { session, conversation } = place
    if (session.user === undefined) return
    records.put(['cursor', session.user.id, session.deviceId, conversation.id], [epoch, place.acked])
  }

  return {
    moved: (place) => void movedPlaces.add(place),
    save() {
      for (const place of movedPlaces) write(place)
      movedPlaces.clear()
    },
    savePlace(place) {
      if (movedPlaces.delete(place)) write(place)
    },
    of(userId, deviceId) {
      const cursors = new Map<string, StoredCursor>()
      for (const [key, value] of records.list(['cursor', userId, deviceId])) {
        const conv = key[3]
        if (conv === undefined || !Array.isArray(value)) continue
        const [stored, seq] = value
        if (typeof stored === 'string' && typeof seq === 'number') cursors.set(conv, { epoch: stored, seq })
      }
      return cursors
    },
    forget(userId, deviceId) {
      for (const [key] of [...records.list(['cursor', userId, deviceId])]) records.put(key, undefined)
    },
  }
}
