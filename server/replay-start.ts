// Where a replay begins: the cursor if it can be continued, else an honest gap.
import type { Cursor, Seq, Synced } from '../protocol/index.ts'
import { type Place, visibleTop } from './conversation.ts'
import type { Hub } from './hub.ts'
import type { ReplayStart } from './replay.ts'
import type { Session } from './session.ts'

export interface Position {
  epoch: string
  seq: Seq
}

export interface ReplayBounds {
  /** Messages to replay at most before the place pauses. */
  allowance: number
  /** Replay no more than this many of the newest; older ones become a gap. */
  newest: number
}

/** `cursor` undefined: a device that was never seen, which gets everything it is entitled to. */
export function replayStart(
  hub: Hub,
  place: Place,
  cursor: Position | undefined,
  { allowance, newest }: ReplayBounds,
): ReplayStart {
  const { conversation, session } = place
  const windows = conversation.members.get(session.user?.id ?? '')?.windows ?? []
  const head = hub.log.head(conversation.id)
  const top = visibleTop(windows, head)
  const floor = windows[0]?.[0] ?? 0
  const oldest = Math.max(floor, top - newest)
  if (cursor !== undefined && cursor.epoch !== hub.log.epoch) {
    return { place, after: oldest, gap: { from: 0, to: oldest, reason: 'epoch' }, allowance }
  }
  if (cursor !== undefined && cursor.seq > head) {
    return { place, after: top, gap: { from: top, to: cursor.seq, reason: 'future' }, allowance }
  }
  const after = Math.max(floor, Math.min(cursor?.seq ?? floor, top))
  if (after >= oldest) return { place, after, gap: undefined, allowance }
  return { place, after: oldest, gap: { from: after, to: oldest, reason: 'overflow' }, allowance }
}

/** The answer for a direct conversation that nobody has written in: it exists, and holds nothing. */
export function emptySynced(session: Session, epoch: string, cursor: Cursor): Synced {
  const synced: Synced = {
    type: 'synced',
    conv: cursor.conv,
    epoch,
    from: 0,
    to: 0,
    top: 0,
    complete: true,
    recovered: cursor.epoch === epoch && cursor.seq === 0,
  }
  if (cursor.epoch !== epoch) synced.gap = { from: 0, to: 0, reason: 'epoch' }
  else if (cursor.seq > 0) synced.gap = { from: 0, to: cursor.seq, reason: 'future' }
  if (session.wantsReceipts) synced.read = 0
  return synced
}
