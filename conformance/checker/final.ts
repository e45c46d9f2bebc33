// The end: was enough seen, and enough read, for the verdicts to mean something?
import type { CheckReport } from './report.ts'
import type { Log, State } from './state.ts'

export function finalReport(state: State): CheckReport {
  judgeFinalReads(state)
  judgeMinimum(state)
  return state.findings.report(state)
}

/** H1 and H4 are judged by reading whole conversations at the end: those with an accepted send count. */
function judgeFinalReads(state: State): void {
  let wanted = 0
  let covered = 0
  let items = 0
  for (const { log } of state.conversations.values()) {
    if (log === undefined) continue
    for (const { from, to } of log.finals) items += to - from
    if (log.acked === undefined) continue
    wanted += 1
    if (isCovered(log, log.acked.seq)) covered += 1
  }
  const share = wanted === 0 ? 0 : covered / wanted
  const isShort = covered === 0 || share < state.options.minimum.finalReadShare
  const shortfall = isShort ? `${covered} of ${wanted} conversations were read at the end` : undefined
  for (const rule of ['H1', 'H4'] as const) {
    state.findings.tallies[rule].examined = items
    state.findings.tallies[rule].shortfall = shortfall
  }
}

function isCovered({ finals, base }: Log, seq: number): boolean {
  return finals.some(({ from, to }) => from <= base && to >= seq)
}

/** H18. */
function judgeMinimum({ options, counters, findings }: State): void {
  const missing = (['okSends', 'deliveries', 'resumes', 'faults'] as const)
    .filter((name) => counters[name] < options.minimum[name])
    .map((name) => `${name} ${counters[name]}, at least ${options.minimum[name]}`)
  findings.tallies.H18.examined = 1
  findings.tallies.H18.shortfall =
    missing.length > 0 ? `too little happened: ${missing.join('; ')}` : undefined
}
