// Looks for a scenario that breaks a rule, shrinks it against the live server, and says what all the trials came to.
import * as fc from 'fast-check'
import type { Profile } from '../case.ts'
import type { CaseContext } from '../context.ts'
import type { HistoryRule } from '../checker/index.ts'
import { type Outcome, unknown, untestable } from '../outcome.ts'
import type { RuleId } from '../../protocol/index.ts'
import { scenarios, type Taste } from './arbitrary.ts'
import { describeScenario, type Scenario } from './commands.ts'
import { proofOf } from './proof.ts'
import { scopeOf } from './scope.ts'
import { type Minimum, Tally } from './tally.ts'
import { type Trial, tryScenario } from './trial.ts'

/** What a property is about. */
export interface Property extends Taste {
  /** The rules of the checker, and for each the sentence that it is about here. */
  history?: Partial<Record<HistoryRule, RuleId>>
  /** Sentences about single answers. */
  answers?: readonly RuleId[]
  /** Of all trials together; less than that, and the verdict is `unknown`. */
  minimum?: Minimum
}

export interface Effort {
  /** Trials, and how many more if by then too little has happened. */
  trials: number
  mostTrials: number
  /** No new trial begins after that, or if too little has happened by then, after the longer time. */
  searchMs: number
  patienceMs: number
  /** No new candidate is tried so long after the first failure. */
  shrinkMs: number
}

const efforts: Readonly<Record<Profile, Effort>> = {
  quick: { trials: 8, mostTrials: 40, searchMs: 8_000, patienceMs: 40_000, shrinkMs: 12_000 },
  default: { trials: 40, mostTrials: 120, searchMs: 20_000, patienceMs: 60_000, shrinkMs: 25_000 },
  full: { trials: 300, mostTrials: 500, searchMs: 60_000, patienceMs: 80_000, shrinkMs: 60_000 },
}

/** Not smaller at first, as fast-check likes it: there are only a few trials. The same for a replay, or paths lead elsewhere. */
const drawn = { unbiased: true }
/** A candidate counts as passing only after so many passes: timing decides too. */
const triesOfCandidate = 3
const triesOfReplay = 6

/** Runs a property as the body of a case. */
export async function search(
  t: CaseContext,
  property: Property,
  effort = efforts[t.profile],
): Promise<Outcome[]> {
  if (t.target.tokens.users) return [untestable('it takes new users for every trial')]
  const arbitrary = scenarios(scopeOf(t), property)
  // Half of what a seed of fast-check holds, so that it is never negative.
  const seed = t.random.integer(0, 0x7fff_ffff)
  const hunt = new Hunt(t, property, effort)
  if (t.replayPath !== undefined) return hunt.repeat(arbitrary, seed, t.replayPath)
  const found = await fc.check(
    fc.asyncProperty(arbitrary, (scenario) => hunt.isFine(scenario)),
    { ...drawn, seed, numRuns: effort.mostTrials },
  )
  // For fast-check a mistake of our own is a failure like any other.
  if (hunt.trouble !== undefined) throw hunt.trouble
  return hunt.outcomes(found.counterexamplePath)
}

class Hunt {
  trouble: unknown
  readonly #t: CaseContext
  readonly #effort: Effort
  readonly #tally: Tally
  readonly #startMs = performance.now()
  #failing: Trial | undefined
  #failedAtMs = 0

  constructor(t: CaseContext, property: Property, effort: Effort) {
    this.#t = t
    this.#effort = effort
    this.#tally = new Tally(property)
  }

  /** What fast-check asks of each scenario; while it shrinks, of each candidate. */
  async isFine(scenario: Scenario): Promise<boolean> {
    try {
      return this.#failing ? await this.#isFineCandidate(scenario) : await this.#isFineTrial(scenario)
    } catch (error) {
      this.trouble ??= error
      throw error
    }
  }

  async #isFineTrial(scenario: Scenario): Promise<boolean> {
    if (this.#mustStop || this.#isEnough()) return true
    const trial = await tryScenario(this.#t, scenario)
    this.#tally.add(trial)
    if (trial.failures.length === 0) return true
    this.#failing = trial
    this.#failedAtMs = performance.now()
    return false
  }

  async #isFineCandidate(scenario: Scenario): Promise<boolean> {
    for (let tries = 0; tries < triesOfCandidate; tries++) {
      if (this.#mustStop || performance.now() - this.#failedAtMs > this.#effort.shrinkMs) return true
      const trial = await tryScenario(this.#t, scenario)
      if (trial.failures.length === 0) continue
      this.#failing = trial
      return false
    }
    return true
  }

  get #mustStop(): boolean {
    return this.trouble !== undefined || this.#t.isOver
  }

  #isEnough(): boolean {
    const { trials, searchMs, patienceMs } = this.#effort
    const passedMs = performance.now() - this.#startMs
    if (this.#tally.skipped || passedMs > patienceMs) return true
    const isTime = this.#tally.trials >= trials || passedMs > searchMs
    return isTime && this.#tally.shortfall() === undefined
  }

  /** One counterexample again, a few times until it fails. */
  async repeat(arbitrary: fc.Arbitrary<Scenario>, seed: number, path: string): Promise<Outcome[]> {
    const [scenario] = fc.sample(arbitrary, { ...drawn, seed, path, numRuns: 1 })
    if (!scenario) return [unknown(`--replay ${path}: this seed has no such path in this profile`)]
    for (let tries = 0; tries < triesOfReplay && !this.#failing; tries++) {
      const trial = await tryScenario(this.#t, scenario)
      if (trial.failures.length > 0) this.#failing = trial
    }
    if (this.#failing) return this.outcomes(path)
    return [
      unknown(`--replay ${path}: it passed ${triesOfReplay} times: ${describeScenario(scenario).join('; ')}`),
    ]
  }

  /** The checks of the case: of the counterexample if there is one, else of all trials. */
  outcomes(path: string | null): Outcome[] {
    const trial = this.#failing
    if (!trial) return this.#tally.outcomes()
    const commands = describeScenario(trial.scenario)
    const fullTrace = trial.context.trace.lines()
    this.#t.reduced = { path: path ?? '', commands, trace: proofOf(trial), fullTrace }
    return trial.failures
  }
}
