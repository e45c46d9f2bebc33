// Of the wire trace of a reduced trial the lines that prove what was broken.
import type { TraceLine } from '../trace.ts'
import type { Trial } from './trial.ts'

const mostLines = 20
/** Of the clock of the trace, which is rounded, against that of the history. */
const sameMs = 0.3

/** At most 20 lines: those of the proof, then what was written and read about messages, the last of it. */
export function proofOf({ context, violations }: Trial): TraceLine[] {
  const lines = context.trace.lines()
  const moments = violations.flatMap(({ events }) =>
    events.flatMap((event) =>
      'connection' in event ? [{ ms: event.ms, connection: event.connection }] : [],
    ),
  )
  const isProof = (line: TraceLine): boolean =>
    moments.some(({ ms, connection }) => connection === line.connection && Math.abs(ms - line.ms) <= sameMs)
  const proof = lines.filter(isProof)
  const rest = lines.filter((line) => !isProof(line) && !isRoutine(line))
  const kept = new Set([...proof.slice(0, mostLines), ...rest.slice(-Math.max(1, mostLines - proof.length))])
  return lines.filter((line) => kept.has(line)).slice(0, mostLines)
}

/** What every trial does to begin and to end. */
function isRoutine({ direction, text }: TraceLine): boolean {
  if (direction === '-') return !/^\d+\. /.test(text)
  return /^(hello|welcome|live|ping|pong|GET|HTTP|websocket|close|bye|history|page|ok|slice)\b/.test(text)
}
