// The rules of a history: what each one says, and which capability a server has to declare for it to apply.

interface Rule {
  sentence: string
  /** The rule applies if the server declares one of these, as `name` or `name=value`. */
  needs?: readonly string[]
}

export const historyRules = {
  H1: { sentence: 'Every accepted send is in the final log exactly once.', needs: ['history'] },
  H2: { sentence: 'Everything that is seen was sent, and not definitely refused.' },
  H3: {
    sentence: 'A place (conv, epoch, seq) holds one message, the same body and timestamp for every observer.',
  },
  H4: { sentence: 'The seqs of a conversation are 1 to n without holes.', needs: ['history'] },
  H5: { sentence: 'Sends of one connection to one conversation get their seqs in send order.' },
  H6: { sentence: 'A send that begins after the ack of another one in its conversation gets a higher seq.' },
  H7: {
    sentence: 'On a connection a conversation only goes forward and skips nothing that is not announced.',
  },
  H8: { sentence: 'Every device ends with all seqs of its membership.' },
  H9: {
    sentence: 'What repeats after a reconnect is flagged as a replay, and was not acknowledged before.',
    needs: ['resume', 'sync'],
  },
  H10: { sentence: 'Nothing outside the membership of a user is delivered to it or readable for it.' },
  H11: { sentence: 'The pages of history, concatenated, are the log.', needs: ['history'] },
  H12: { sentence: 'All acks for one (sender, msgId) name the same place and timestamp.' },
  H13: {
    sentence: 'After the ack of a send every history read of a member contains it.',
    needs: ['history'],
  },
  H14: {
    sentence: 'Recovered means without a gap; what cannot be recovered is said.',
    needs: ['resume', 'sync'],
  },
  H15: {
    sentence: 'Receipts never go back, and never pass what the reader has acknowledged or read.',
    needs: ['receipts'],
  },
  H16: { sentence: 'Presence becomes true within its bound.', needs: ['presence'] },
  H17: { sentence: 'Numbering, messages and dedup survive a restart.' },
  H18: { sentence: 'Enough happened to judge.' },
  H19: { sentence: 'The harness wrote only what a client may write, and recorded it whole.' },
} as const satisfies Record<string, Rule>

export type HistoryRule = keyof typeof historyRules

export const ruleIds = Object.keys(historyRules) as HistoryRule[]

/** Does the rule apply to a server that declares these? Nothing is known of a server without a list. */
export function applies(rule: HistoryRule, capabilities: readonly string[] | undefined): boolean {
  const { needs }: Rule = historyRules[rule]
  if (needs === undefined || capabilities === undefined) return true
  return capabilities.some((one) => needs.includes(one.split('=')[0] ?? ''))
}
