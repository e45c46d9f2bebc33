// What many trials come to: which defects the suite kills, and how often it blames what is right.
import { cases } from '../index.ts'
import type { RunOptions } from '../run.ts'
import type { RuleId } from '../../protocol/index.ts'
import { type Defect, defects } from './defects.ts'
import { oddities } from './oddities.ts'
import { upperBound } from './statistics.ts'
import { type Finding, type Outcome, outcomeOf, tryCorrect, tryDefect } from './trial.ts'

/** Grows when a reader of the old shape would misread the new one. */
export const proofSchemaVersion = 1
/** Of a race, in 20 runs. */
const raceShare = 0.95
const mostCleanAtATime = 3

export interface ProofOptions {
  /** Of each defect. */
  runs: number
  /** The whole suite against each defect, instead of the cases named for it. */
  all: boolean
  /** Runs of the correct server, and of each oddity. */
  clean: number
  odd: number
  /** Ids of defects and oddities; all by default. */
  only?: readonly string[] | undefined
  /** Servers at a time. */
  concurrency: number
  /** Of the clean runs, if not the whole quick profile. */
  cleanRun?: Pick<RunOptions, 'encodings' | 'only'>
  seed?: number | undefined
  onProgress?: (line: string) => void
}

export interface DefectProof {
  id: string
  title: string
  clauses: readonly RuleId[]
  cases: readonly string[]
  outcome: Outcome
  /** Of each run. */
  outcomes: Outcome[]
  /** Of the last run that was not `killed`, or else of the last. */
  findings: Finding[]
}

export interface CleanProof {
  /** `correct` or the id of an oddity. */
  id: string
  title: string
  runs: number
  /** Runs in which something was blamed. */
  alarms: number
  blamed: { case: string; encoding: string; verdict: string; detail: string }[]
}

export interface Proof {
  kind: 'proof'
  schemaVersion: typeof proofSchemaVersion
  started: string
  durationMs: number
  runs: number
  all: boolean
  defects: DefectProof[]
  clean: CleanProof[]
  /** Requirement, test, mutant: whatever went red, and what was expected to. */
  table: { clause: RuleId; case: string; encoding: string; mutant: string; outcome: Outcome }[]
  counts: Record<Outcome, number>
  mutationScore: number
  falseAlarms: { runs: number; alarms: number; upperBound: number }
  /** Cases that no defect made red; empty if not all were tried. */
  idleCases: string[]
  verdict: 'proven' | 'not-proven'
}

export async function prove(options: ProofOptions): Promise<Proof> {
  const { only, runs, all, clean, odd } = options
  const startedAt = new Date()
  const isWanted = ({ id }: { id: string }): boolean => !only || only.includes(id)
  const chosen = runs > 0 ? (defects as readonly Defect[]).filter(isWanted) : []
  const proofs = await eachOf(chosen, options, (defect) => proveDefect(defect, options))
  const servers = [
    ...(clean > 0 && !only
      ? [{ id: 'correct', title: 'the correct server', count: clean, oddity: undefined }]
      : []),
    ...(odd > 0 ? oddities.filter(isWanted).map((oddity) => ({ ...oddity, count: odd, oddity })) : []),
  ]
  // A few: beside many its clocks would be theirs too.
  const cleanAtATime = Math.min(options.concurrency, mostCleanAtATime)
  const cleanProofs = await eachOf(servers, { concurrency: cleanAtATime }, (one) => proveClean(one, options))
  const counts = { killed: 0, half: 0, survived: 0 }
  for (const { outcome } of proofs) counts[outcome]++
  const total = cleanProofs.reduce((sum, one) => sum + one.runs, 0)
  const alarms = cleanProofs.reduce((sum, one) => sum + one.alarms, 0)
  return {
    kind: 'proof',
    schemaVersion: proofSchemaVersion,
    started: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    runs,
    all,
    defects: proofs,
    clean: cleanProofs,
    table: tableOf(proofs),
    counts,
    mutationScore: proofs.length > 0 ? (counts.killed + counts.half / 2) / proofs.length : 1,
    falseAlarms: { runs: total, alarms, upperBound: upperBound(alarms, total) },
    idleCases: only || runs === 0 ? [] : idleCases(proofs),
    verdict: counts.killed === proofs.length && alarms === 0 ? 'proven' : 'not-proven',
  }
}

async function proveDefect(
  defect: Defect,
  { runs, all, seed, onProgress }: ProofOptions,
): Promise<DefectProof> {
  const outcomes: Outcome[] = []
  let shown: Finding[] = []
  for (let run = 0; run < runs; run++) {
    const findings = await tryDefect(defect, { all, ...(seed !== undefined && { seed: seed + run }) })
    const outcome = outcomeOf(defect, findings)
    if (shown.length === 0 || outcome !== 'killed' || outcomes.every((one) => one === 'killed'))
      shown = findings
    outcomes.push(outcome)
  }
  const { id, title, clauses, cases: due } = defect
  const outcome = overall(defect, outcomes)
  const count = outcomes.filter((one) => one === 'killed').length
  onProgress?.(`${outcome.padEnd(8)} ${count}/${runs}  ${id.padEnd(4)} ${title}`)
  return { id, title, clauses, cases: due, outcome, outcomes, findings: shown }
}

/** Each run has to kill it; a race may get away once in 20 runs. */
function overall({ isRace }: Defect, outcomes: readonly Outcome[]): Outcome {
  const share = (...wanted: Outcome[]): number =>
    outcomes.filter((outcome) => wanted.includes(outcome)).length / outcomes.length
  const needed = isRace && outcomes.length >= 20 ? raceShare : 1
  if (share('killed') >= needed) return 'killed'
  return share('killed', 'half') >= needed ? 'half' : 'survived'
}

interface Server {
  id: string
  title: string
  count: number
  oddity: (typeof oddities)[number] | undefined
}

async function proveClean(
  { id, title, count, oddity }: Server,
  { seed, cleanRun, onProgress }: ProofOptions,
): Promise<CleanProof> {
  const blamed: CleanProof['blamed'] = []
  let alarms = 0
  for (let run = 0; run < count; run++) {
    const found = await tryCorrect(oddity, { ...cleanRun, ...(seed !== undefined && { seed: seed + run }) })
    if (found.alarms.length > 0) alarms++
    for (const { id: name, encoding, verdict, checks, reason } of found.alarms) {
      const red = checks.find((check) => check.verdict !== 'pass')
      const detail = red ? `${red.rule}: expected ${red.expected}, got ${red.actual}` : (reason ?? '')
      blamed.push({ case: name, encoding, verdict, detail: detail.slice(0, 600) })
    }
    const what =
      found.alarms.length > 0 ? `blamed for ${found.alarms.map((one) => one.id).join(', ')}` : 'clean'
    onProgress?.(
      `${what === 'clean' ? 'clean   ' : 'ALARM   '} ${run + 1}/${count}  ${id.padEnd(4)} ${title}${what === 'clean' ? '' : `: ${what}`}`,
    )
  }
  return { id, title, runs: count, alarms, blamed }
}

function tableOf(proofs: readonly DefectProof[]): Proof['table'] {
  return proofs.flatMap(({ id, clauses, cases: due, findings }) =>
    findings
      .filter((one) => one.outcome !== 'survived' || due.includes(one.case))
      .flatMap(({ case: name, encoding, outcome }) =>
        clauses.map((clause) => ({ clause, case: name, encoding, mutant: id, outcome })),
      ),
  )
}

function idleCases(proofs: readonly DefectProof[]): string[] {
  const busy = new Set(
    proofs.flatMap(({ findings }) =>
      findings.filter((one) => one.outcome !== 'survived').map((one) => one.case),
    ),
  )
  return cases.map(({ id }) => id).filter((id) => !busy.has(id))
}

/** Some at a time; the results are in the order of the items. */
async function eachOf<T, R>(
  items: readonly T[],
  { concurrency }: { concurrency: number },
  run: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const queue = [...items.entries()]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await run(next[1])
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
  return results
}
