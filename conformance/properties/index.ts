// Generated cases: sequences of commands, acted out by several users and devices, judged by the checker of histories.
import { type Case, type CaseDefinition, defineCase } from '../case.ts'
import type { RuleId } from '../../protocol/index.ts'
import type { Property } from './search.ts'

type Definition = Pick<CaseDefinition, 'id' | 'needs' | 'profile'> & Property

/** The longest that a search, the shrinking of what it finds, and one last trial take. */
const timeoutMs = 150_000

function defineProperty({ id, needs, profile, ...property }: Definition): Case {
  const { history = {}, answers = [] } = property
  const [first, ...others] = [...new Set([...Object.values(history), ...answers])] as [RuleId, ...RuleId[]]
  return defineCase({
    id,
    rules: [first, ...others],
    level: 'must',
    ...(needs && { needs }),
    ...(profile && { profile }),
    timeoutMs,
    async run(t) {
      // fast-check costs every start of the command a tenth of a second.
      const { search } = await import('./search.ts')
      return search(t, property)
    },
  })
}

const talk = { send: 8, meet: 1, 'send in pieces': 1, fence: 1 }
const comings = { connect: 3, cut: 3, 'half-close': 1, close: 1, freeze: 1, thaw: 1, 'hold acks': 1, ack: 1 }
const members = { join: 2, leave: 3, add: 3, remove: 2 }

// [ORD-03] [ORD-04] [ORD-05] [ORD-06] Order is one, the same for all. [OFF-01] Nothing is lost. [ACK-04] Nothing appears
// that was not sent, or was refused.
export const whatIsSentArrivesInOneOrder = defineProperty({
  id: 'properties/what-is-sent-arrives-in-one-order',
  weights: { ...talk, connect: 1, cut: 1, freeze: 1, thaw: 1, refresh: 1 },
  history: { H2: 'ACK-04', H3: 'ORD-04', H5: 'ORD-03', H6: 'ORD-06', H7: 'ORD-05', H8: 'OFF-01' },
})

// [ACK-03] [DED-01] A repeat gets the first answer. [DED-08] Another message under the same msgId is refused.
export const repeatsStayOneMessage = defineProperty({
  id: 'properties/repeats-stay-one-message',
  weights: { send: 5, repeat: 8, 'send twice': 2, connect: 1, cut: 2, meet: 1, refresh: 1 },
  history: { H12: 'ACK-03' },
  answers: ['DED-01', 'DED-08'],
})

// [GRP-06] However joins, leaves and sends coincide, each membership is one contiguous range of seqs.
export const membersSeeTheirWindows = defineProperty({
  id: 'properties/members-see-their-windows',
  needs: ['groups'],
  isAboutGroups: true,
  weights: { send: 9, meet: 1, join: 4, leave: 3, add: 4, remove: 2, connect: 1, cut: 1 },
  history: { H10: 'GRP-06' },
})

// [HIS-08] What was accepted is in every later read. [ORD-02] Seqs are dense. [HIS-01] The pages together are the log.
// [HIS-05] [HIS-06] Pages keep to their limit, and say whether more remains.
export const historyIsTheLog = defineProperty({
  id: 'properties/history-is-the-log',
  needs: ['history'],
  weights: { ...talk, history: 5, cut: 1 },
  history: { H1: 'HIS-08', H4: 'ORD-02', H11: 'HIS-01', H13: 'HIS-08' },
  answers: ['HIS-05', 'HIS-06'],
})

// [RES-05] What the server says of a replay is true. [ACK-08] What repeats is flagged.
export const returnBringsWhatWasMissed = defineProperty({
  id: 'properties/return-brings-what-was-missed',
  needs: ['resume'],
  weights: { ...talk, ...comings, send: 10, connect: 7, sync: 3 },
  history: { H9: 'ACK-08', H14: 'RES-05' },
  minimum: { resumes: 2, gaps: 1 },
})

// [RCP-02] Reported positions never decrease, and never pass what a device has acknowledged or read.
export const receiptsOnlyAdvance = defineProperty({
  id: 'properties/receipts-only-advance',
  needs: ['receipts'],
  weights: { ...talk, read: 4, ack: 2, 'hold acks': 1, connect: 1, cut: 1 },
  history: { H15: 'RCP-02' },
})

// [ORD-05] [OFF-01] All of it at once, in longer sequences.
export const everythingAtOnce = defineProperty({
  id: 'properties/everything-at-once',
  profile: 'default',
  weights: {
    ...talk,
    ...comings,
    ...members,
    repeat: 2,
    'send twice': 1,
    history: 2,
    sync: 2,
    read: 1,
    refresh: 1,
  },
  history: { H7: 'ORD-05', H8: 'OFF-01' },
})
