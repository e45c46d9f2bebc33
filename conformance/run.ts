// Runs cases against a target: a few at a time, in seeded order, each bounded, all of them bounded.
import { randomBytes } from 'node:crypto'
import { ChatspecError, type Encoding, type RuleId } from '../protocol/index.ts'
import { applyBaseline, concerns, judgeBaseline } from './baseline.ts'
import { type Case, type Profile, profiles } from './case.ts'
import { cases as allCases } from './cases/index.ts'
import { coverage } from './catalogue.ts'
import { CaseContext } from './context.ts'
import { describeEnvironment, toolVersion } from './environment.ts'
import { judge } from './judge.ts'
import type { KeepHistory } from './kept-history.ts'
import { type Contact, preflight } from './preflight.ts'
import { Random } from './random.ts'
import {
  type BaselineEntry,
  type CaseResult,
  type ConformanceResult,
  countVerdicts,
  overallVerdict,
  schemaVersion,
} from './result.ts'
import { chatspec10 } from './sets/chatspec-1.0.ts'
import { type RequirementSet, scoreOf } from './sets/requirement-set.ts'
import { publicUrl, type Target } from './target.ts'
import { Trace } from './trace.ts'
import { upgrade } from './upgrade.ts'

export type Progress =
  | { kind: 'contact'; contact: Contact; total: number }
  | { kind: 'started'; id: string; encoding: Encoding; done: number; total: number }
  | { kind: 'finished'; result: CaseResult; done: number; total: number }

export interface RunOptions {
  profile?: Profile
  encodings?: readonly Encoding[]
  /** Case ids, groups, rule ids, or parts of an id with `*`; each has to match something. */
  only?: readonly string[]
  seed?: number
  /** The path of a counterexample: generated cases try nothing but that. Takes the seed and the profile it came from. */
  replay?: string
  /** Default: the whole suite. */
  cases?: readonly Case[]
  /** Cases at a time, besides those that mostly wait; default 8, or 1 where the target has a fixed list of users. */
  concurrency?: number
  /** Of the whole run; default 10 min. What has not begun by then is `unknown`. */
  deadlineMs?: number
  /** Ends the run early, as the deadline does. */
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
  /** Takes the history of each case that failed, warned or stayed open, which `chatspec check` can judge again. */
  onHistory?: KeepHistory
  /** What the score is about; default chatspec/1.0. */
  requirements?: RequirementSet
  /** Known failures. */
  baseline?: readonly BaselineEntry[]
  /** How this run was started, for the command lines that repeat a case; default `chatspec conform <url>`. */
  command?: string
}

const defaults = {
  profile: 'default',
  encodings: ['json', 'cbor'],
  concurrency: 8,
  deadlineMs: 600_000,
} as const

const patientAtOnce = 40

interface Job {
  one: Case
  encoding: Encoding
}

/**
 * Judges a target.
 * @throws ChatspecError if it is no chatspec server (see `preflight`), or if `only` matches nothing
 */
export async function runConformance(target: Target, options: RunOptions = {}): Promise<ConformanceResult> {
  const startedAt = new Date()
  const settings = { ...defaults, cases: allCases, seed: randomBytes(4).readUInt32BE(), ...options }
  const { profile, encodings, seed, only } = settings
  const selected = select(settings.cases, profile, only)
  const runTag = randomBytes(4).readUInt32BE().toString(36)
  const user = target.tokens.users?.[0] ?? `preflight-${runTag}`
  const contact = await preflight(target, encodings, user)
  const day = startedAt.toISOString().slice(0, 10)
  const run = new Run({ target, contact, runTag, day, settings: { ...settings, selected } })
  const results = await run.all()
  const counts = countVerdicts(results)
  const checks = results.flatMap((one) => one.checks)
  const isElsewhere = (entry: BaselineEntry): boolean =>
    settings.cases.some((one) =>
      one.encodings.some((encoding) => concerns(entry, { ...one, encoding, checks: [] })),
    )
  const baseline = settings.baseline && judgeBaseline(settings.baseline, results, { day, isElsewhere })
  return {
    kind: 'conformance',
    schemaVersion,
    tool: { name: 'chatspec', version: toolVersion() },
    target: { url: publicUrl(target.url), ...contact },
    environment: describeEnvironment(),
    profile,
    encodings,
    ...(only && { only }),
    seed,
    started: startedAt.toISOString(),
    durationMs: Math.round(run.elapsedMs()),
    ...(run.cutShort !== undefined && { cutShort: run.cutShort }),
    cases: results,
    counts,
    ...(baseline && { baseline }),
    coverage: coverage(checks.map(({ rule }): RuleId => rule)),
    set: scoreOf(settings.requirements ?? chatspec10, checks, target.capabilities ?? contact.capabilities),
    verdict: overallVerdict(counts, baseline),
  }
}

/** The cases of a profile that the patterns name. @throws ChatspecError NO_SUCH_CASE */
export function select(cases: readonly Case[], profile: Profile, only?: readonly string[]): Case[] {
  const ofProfile = cases.filter((one) => profiles.indexOf(one.profile) <= profiles.indexOf(profile))
  if (!only || only.length === 0) return ofProfile
  for (const pattern of only) {
    if (ofProfile.some((one) => isNamed(one, pattern))) continue
    const hint = 'allowed: a case id, a group, a rule id, or an id with *'
    const larger = cases.find((one) => isNamed(one, pattern))?.profile
    const where = larger ? `, only one of --profile ${larger}` : ''
    throw new ChatspecError(
      'NO_SUCH_CASE',
      `no case of the ${profile} profile matches ${pattern}${where}; ${hint}`,
    )
  }
  return ofProfile.filter((one) => only.some((pattern) => isNamed(one, pattern)))
}

function isNamed(one: Case, pattern: string): boolean {
  if (pattern === one.group || one.rules.includes(pattern)) return true
  const parts = pattern.split('*').map((part) => part.replace(/[^a-z0-9/-]/gi, (sign) => `\\${sign}`))
  return new RegExp(`^${parts.join('.*')}$`).test(one.id)
}

interface RunParts {
  target: Target
  contact: Contact
  runTag: string
  /** On which known failures may have expired. */
  day: string
  settings: Required<Pick<RunOptions, 'seed' | 'concurrency' | 'deadlineMs'>> &
    RunOptions & { selected: Case[] } & {
      encodings: readonly Encoding[]
    }
}

class Run {
  cutShort: string | undefined
  readonly #parts: RunParts
  readonly #startMs = performance.now()
  readonly #jobs: Job[]
  readonly #results: CaseResult[] = []
  readonly #interrupted: Promise<void>
  #numbers = 0
  #goneSince: string | undefined

  constructor(parts: RunParts) {
    this.#parts = parts
    const { selected, encodings, seed, signal } = parts.settings
    this.#interrupted = new Promise((resolve) => {
      signal?.addEventListener('abort', () => resolve(), { once: true })
    })
    const jobs = selected.flatMap((one) =>
      one.encodings.filter((encoding) => encodings.includes(encoding)).map((encoding) => ({ one, encoding })),
    )
    this.#jobs = new Random(seed).shuffled(jobs)
  }

  elapsedMs(): number {
    return performance.now() - this.#startMs
  }

  /** The results in the order of the suite, whatever order they ran in. */
  async all(): Promise<CaseResult[]> {
    const { target, contact, settings } = this.#parts
    settings.onProgress?.({ kind: 'contact', contact, total: this.#jobs.length })
    const alone = this.#jobs.filter(({ one }) => one.exclusive)
    const patient = this.#jobs.filter(({ one }) => one.patient && !one.exclusive)
    const busy = this.#jobs.filter(({ one }) => !one.patient && !one.exclusive)
    const count = target.tokens.users ? 1 : settings.concurrency
    // Who waits costs nothing, and begins first, because the longest wait decides how long it all takes.
    if (count === 1) await this.#work([...patient, ...busy], 1)
    else await Promise.all([this.#work(patient, patientAtOnce), this.#work(busy, count)])
    await this.#work(alone, 1)
    const rank = new Map(settings.selected.map((one, index) => [one.id, index]))
    const place = ({ id, encoding }: CaseResult): number =>
      2 * (rank.get(id) ?? 0) + settings.encodings.indexOf(encoding)
    return this.#results.sort((a, b) => place(a) - place(b))
  }

  /** `count` workers that share one queue. */
  async #work(jobs: readonly Job[], count: number): Promise<void> {
    const queue = [...jobs]
    const worker = async (): Promise<void> => {
      for (let job = queue.shift(); job; job = queue.shift()) await this.#one(job)
    }
    await Promise.all(Array.from({ length: Math.min(count, jobs.length) }, worker))
  }

  async #one(job: Job): Promise<void> {
    const { onProgress } = this.#parts.settings
    const total = this.#jobs.length
    const { one, encoding } = job
    onProgress?.({ kind: 'started', id: one.id, encoding, done: this.#results.length, total })
    const judged = await this.#judge(job)
    const { day, settings } = this.#parts
    const result = applyBaseline(judged, settings.baseline ?? [], day)
    if (this.#leftMs() < 1 && result.verdict === 'unknown') this.#cut()
    this.#results.push(result)
    if (result.checks.some(({ fault }) => fault === 'gone')) await this.#lookIfGone(one.id)
    onProgress?.({ kind: 'finished', result, done: this.#results.length, total })
  }

  async #judge({ one, encoding }: Job): Promise<CaseResult> {
    const { target, contact, runTag, settings } = this.#parts
    const { seed, signal, profile = defaults.profile, replay: replayPath, onHistory } = settings
    const { command = `chatspec conform ${publicUrl(target.url)}` } = settings
    if (signal?.aborted) this.cutShort ??= 'interrupted'
    if (this.#leftMs() < 1) this.#cut()
    const nextNumber = (): number => ++this.#numbers
    const name = `${one.id} ${encoding}`
    const options = { target, contact, encoding, seed, name, runTag, nextNumber, profile, replayPath }
    const context = new CaseContext(options)
    const more = one.profile === 'full' ? ' --profile full' : ''
    const again = `--only ${one.id} --encoding ${encoding} --seed ${seed}`
    const result = await judge(one, {
      context,
      startedMs: Math.round(this.elapsedMs()),
      timeoutMs: Math.min(one.timeoutMs, this.#leftMs()),
      replay: `${command}${more} ${again}`,
      interrupted: this.#interrupted,
      ...(onHistory && { onHistory }),
      ...this.#skip(encoding),
    })
    if (!result.counterexample) return result
    // What is generated depends on the profile.
    const replay = `${command} --profile ${profile} ${again} --replay ${result.counterexample.path}`
    return { ...result, replay }
  }

  #leftMs(): number {
    return this.#parts.settings.deadlineMs - this.elapsedMs()
  }

  #cut(): void {
    this.cutShort ??= `the deadline of ${this.#parts.settings.deadlineMs} ms passed`
  }

  #skip(encoding: Encoding): { skip?: { verdict: 'unknown' | 'not-applicable'; reason: string } } {
    if (this.cutShort) return { skip: { verdict: 'unknown', reason: `not run: ${this.cutShort}` } }
    if (this.#goneSince) return { skip: { verdict: 'unknown', reason: `not run: ${this.#goneSince}` } }
    if (this.#parts.contact.encodings.includes(encoding)) return {}
    return { skip: { verdict: 'not-applicable', reason: `the server does not speak ${encoding}` } }
  }

  /** One more try, so that a dead server is reported once and not by every case that follows. */
  async #lookIfGone(id: string): Promise<void> {
    const { target } = this.#parts
    const again = await upgrade({ ...target, trace: new Trace(), label: 'again' })
    if (again.kind === 'open') await again.wire.dispose()
    if (again.kind === 'failed') this.#goneSince = `the server is gone since ${id}: ${again.detail}`
  }
}
