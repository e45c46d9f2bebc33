// How far the others are: one receipt, and what a connection is told of them at its start.
import type { Receipt, Seq } from '../protocol/index.ts'
import { type Conversation, hasAtMost, isMember, type Marks, type Place } from './conversation.ts'
import type { Hub } from './hub.ts'
import type { Session } from './session.ts'

/** Groups with more members get no receipts: every ack would be multiplied by the members. */
export const receiptMembersMax = 32
/** More receipts for groups are not told at the start. The direct conversations are bounded by their number. */
const groupReceiptsMax = 1_000

const kinds = ['delivered', 'read'] as const satisfies (keyof Marks)[]

export function receiptOf(
  hub: Hub,
  { id }: Conversation,
  { userId, kind, seq }: { userId: string; kind: keyof Marks; seq: Seq },
): Receipt {
  return { type: 'receipt', conv: id, epoch: hub.log.epoch, user: userId, kind, seq }
}

/** Positions are cumulative: the last ones are all that this device can have missed. [RCP-07] */
export function showReceipts(hub: Hub, session: Session): void {
  let left = groupReceiptsMax
  for (const place of session.places?.values() ?? []) {
    const { conversation, endsAt } = place
    if (endsAt !== null || !hasAtMost(conversation, receiptMembersMax)) continue
    for (const receipt of receiptsAt(hub, place)) {
      if (conversation.isGroup && left-- <= 0) break
      session.write(hub, receipt)
    }
  }
}

function* receiptsAt(hub: Hub, { session, conversation }: Place): Generator<Receipt> {
  const own = session.user?.id ?? ''
  const from = conversation.members.get(own)?.windows.at(-1)?.[0] ?? 0
  for (const [userId, marks] of conversation.marks) {
    if (userId === own || !isMember(conversation, userId)) continue
    for (const kind of kinds) {
      const seq = marks[kind]
      // What was there before this member is none of its business.
      if (seq > from) yield receiptOf(hub, conversation, { userId, kind, seq })
    }
  }
}
