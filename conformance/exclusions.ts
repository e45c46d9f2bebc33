// Sentences of SPEC.md that no case tests, each with its reason: `chatspec list` shows them, a test keeps the list whole.
import type { Clause, RuleId } from '../protocol/index.ts'

/** Only sentences that bind a server and that no case declares. */
export const exclusions: Readonly<Record<RuleId, string>> = {
  'CON-01': 'the sum of all other sentences: it is kept when they are',
  'CRS-03': 'the end of a log can be torn only by who knows its format: each server tests this itself',
  'CRS-04': 'a store that is full or fails has to be made by its owner, and there is no hook for it',
  'CRS-05': 'it takes a loss of power, or a file system that simulates one',
  'CRS-07': 'what a server depends on, if anything, is known only to its owner, and there is no hook for it',
  'LEK-04': 'a timer or a listener cannot be seen from outside; what it holds on to counts for LEK-01',
  'LEK-05': 'it takes longer than a deduplication window, and a metric that is not part of the protocol',
  'LEK-06':
    'the memory behind one connection is no metric of the protocol; ACK-10 shows how much of it is sent',
  'HTTP-07': 'the judge knows no admin token; the hook `revoke` takes its place for AUTH-06',
}

/** Why no case tests this sentence, or undefined if one has to. */
export function reasonUntested({ id, level, party }: Clause): string | undefined {
  if (party === 'client') return 'it binds clients: no server can break it'
  if (level === 'may') return 'it permits: what it allows may not be held against a server'
  return exclusions[id]
}
