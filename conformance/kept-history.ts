// The history of a case that did not pass, for `chatspec check`: what it holds, and what the checker alone finds in it.
import type { Case } from './case.ts'
import { checkHistory, type HistoryEvent } from './checker/index.ts'
import type { CaseContext } from './context.ts'
import type { CaseHistory } from './result.ts'

/** Takes the events under the name of a file, relative to the reports. */
export type KeepHistory = (file: string, events: readonly HistoryEvent[]) => void

/** Undefined if nobody keeps it, or if no session of the case got as far as `hello`. */
export function keepHistory(
  { id }: Case,
  { encoding, history: { events } }: CaseContext,
  keep: KeepHistory | undefined,
): CaseHistory | undefined {
  if (keep === undefined || events.length < 2) return undefined
  const file = `histories/${id.replace('/', '-')}.${encoding}.jsonl`
  keep(file, events)
  const { verdict, rules } = checkHistory(events)
  return { file, verdict, broken: rules.filter((one) => one.verdict === 'fail').map(({ rule }) => rule) }
}
