// `ack` and `read`: cumulative positions of devices and users, and the receipts that tell others.
// HOT PATH, guarded by bench/server.bench.ts
import { type Ack, errors, peerOf, type Read, type Seq } from '../../protocol/index.ts'
import { type Conversation, hasAtMost, type Marks, type Place } from '../conversation.ts'
import type { Hub } from '../hub.ts'
import { receiptMembersMax, receiptOf } from '../receipts.ts'
import { acknowledge } from '../replay.ts'
import { refuse, type Session } from '../session.ts'

export function handleAck(hub: Hub, session: Session, message: Ack): void {
  const place = placeFor(hub, session, message)
  if (place === undefined) return
  const moved = acknowledge(hub, place, message.seq)
  if (moved && hasAtMost(place.conversation, receiptMembersMax)) {
    advance(hub, session, place.conversation, 'delivered', message.seq)
  }
  if (message.id !== undefined) session.write(hub, { type: 'ok', id: message.id })
}

export function handleRead(hub: Hub, session: Session, message: Read): void {
  const place = placeFor(hub, session, message)
  if (place === undefined) return
  if (place.endsAt !== null)
    return refuse(hub, session, errors.NOT_MEMBER, `not a member of ${message.conv}`, { id: message.id })
  advance(hub, session, place.conversation, 'read', message.seq)
  if (message.id !== undefined) session.write(hub, { type: 'ok', id: message.id })
}

/** The place that a position names, if it is one that this device can have reached. */
function placeFor(hub: Hub, session: Session, message: Ack | Read): Place | undefined {
  const place = session.places?.get(message.conv)
  if (place === undefined && peerOf(message.conv, session.user?.id ?? '') === undefined) {
    refuse(hub, session, errors.NOT_MEMBER, `not a member of ${message.conv}`, { id: message.id })
    return undefined
  }
  const head = place === undefined ? 0 : (place.endsAt ?? hub.log.head(message.conv))
  if (message.epoch !== hub.log.epoch || message.seq > head) {
    const arrived = message.epoch !== hub.log.epoch ? 'another epoch' : `seq ${message.seq}`
    const why = `${arrived} arrived, this epoch reaches ${head}`
    refuse(hub, session, errors.UNRECOVERABLE_POSITION, why, { id: message.id })
    return undefined
  }
  if (place === undefined && message.id !== undefined) session.write(hub, { type: 'ok', id: message.id })
  return place
}

function advance(hub: Hub, session: Session, conversation: Conversation, kind: keyof Marks, seq: Seq): void {
  const userId = session.user?.id ?? ''
  let marks = conversation.marks.get(userId)
  if (marks === undefined) {
    marks = { delivered: 0, read: 0 }
    conversation.marks.set(userId, marks)
  }
  if (seq <= marks[kind]) return
  marks[kind] = seq
  hub.marksMoved(conversation, userId)
  if (!hasAtMost(conversation, receiptMembersMax)) return
  const receipt = receiptOf(hub, conversation, { userId, kind, seq })
  for (const place of conversation.places) {
    const other = place.session
    if (other === session || !other.wantsReceipts || place.endsAt !== null) continue
    if (other.user?.id === userId && kind === 'delivered') continue
    other.write(hub, receipt)
  }
}
