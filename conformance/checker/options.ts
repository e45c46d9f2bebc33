// What a judge of a history may choose: one set of defaults, every value checked.
import { type HistoryRule, ruleIds } from './rules.ts'

/** Fewer than these, and the verdict is `unknown`. */
export interface Minimum {
  okSends: number
  deliveries: number
  resumes: number
  faults: number
  /** From 0 to 1: the part of the conversations with accepted sends that was read at the end. */
  finalReadShare: number
}

export interface CheckerOptions {
  /** As `welcome` declares them; the header of the history may say it as well. */
  capabilities: readonly string[] | undefined
  minimum: Minimum
  /** An `unknown` of these makes the whole verdict `unknown`. */
  required: readonly HistoryRule[]
  /** Settled messages that are still compared one by one; older ones only in sums. */
  remembered: number
  /** Violations kept per rule; all are counted. */
  keptViolations: number
  /** Presence has to be true so long after the last change of a user's connections. */
  presenceBoundMs: number
  /** The same if the change was a connection that was cut. */
  presenceCutBoundMs: number
}

/** Any part of the options. */
export type CheckerChoices = Partial<Omit<CheckerOptions, 'minimum'>> & { minimum?: Partial<Minimum> }

export const defaultOptions: CheckerOptions = {
  capabilities: undefined,
  minimum: { okSends: 1, deliveries: 1, resumes: 0, faults: 0, finalReadShare: 1 },
  required: ['H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'H7', 'H8', 'H10', 'H18'],
  remembered: 50_000,
  keptViolations: 20,
  presenceBoundMs: 5_000,
  presenceCutBoundMs: 140_000,
}

/** @throws RangeError that names the option, its value and the range */
export function resolveOptions(choices: CheckerChoices = {}): CheckerOptions {
  const options = {
    ...defaultOptions,
    ...choices,
    minimum: { ...defaultOptions.minimum, ...choices.minimum },
  }
  const { minimum } = options
  for (const name of ['okSends', 'deliveries', 'resumes', 'faults'] as const) {
    requireCount(`minimum.${name}`, minimum[name])
  }
  for (const name of ['remembered', 'keptViolations', 'presenceBoundMs', 'presenceCutBoundMs'] as const) {
    requireCount(name, options[name])
  }
  if (!(minimum.finalReadShare >= 0 && minimum.finalReadShare <= 1)) {
    throw new RangeError(`minimum.finalReadShare: ${minimum.finalReadShare} given, 0 to 1 is allowed`)
  }
  const stranger = options.required.find((rule) => !ruleIds.includes(rule))
  if (stranger !== undefined) {
    throw new RangeError(`required: ${stranger} given, ${ruleIds.join(', ')} are allowed`)
  }
  return Object.freeze(options)
}

function requireCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return
  throw new RangeError(`${name}: ${value} given, an integer from 0 is allowed`)
}
