// A look at a server, within a minute: which capabilities are real, and what the numbers of `welcome` are worth.
import { randomBytes } from 'node:crypto'
import { preflight } from '../preflight.ts'
import type { CaseResult, ConformanceResult } from '../result.ts'
import { type Progress, runConformance } from '../run.ts'
import type { Target } from '../target.ts'
import { toCase } from './measure.ts'
import { clockMeasures } from './measure-clocks.ts'
import { limitMeasures } from './measure-limits.ts'
import type { CapabilityFinding, Measurement, SurveyResult } from './result.ts'
import { noWitness, witnessCases, witnesses } from './witnesses.ts'

export interface SurveyOptions {
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
}

const deadlineMs = 58_000

/** @throws ChatspecError if it is no chatspec server (see `preflight`) */
export async function survey(target: Target, options: SurveyOptions = {}): Promise<SurveyResult> {
  const user = target.tokens.users?.[0] ?? `probe-${randomBytes(4).readUInt32BE().toString(36)}`
  const { encodings } = await preflight(target, ['json', 'cbor'], user)
  const encoding = encodings.includes('json') ? 'json' : 'cbor'
  const measured = new Map<string, Measurement>()
  const measures = [...clockMeasures, ...limitMeasures]
  const cases = [
    ...measures.map((one) => toCase(one, (measurement) => measured.set(measurement.name, measurement))),
    ...witnessCases(),
  ]
  const result = await runConformance(target, {
    ...options,
    cases,
    encodings: [encoding],
    profile: 'full',
    deadlineMs,
  })
  const capabilities = target.capabilities ?? result.target.capabilities
  return {
    kind: 'probe',
    schemaVersion: 1,
    tool: result.tool,
    target: { url: result.target.url, encodings, capabilities },
    encoding,
    started: result.started,
    durationMs: result.durationMs,
    ...(result.cutShort !== undefined && { cutShort: result.cutShort }),
    capabilities: findings(capabilities, result),
    measurements: measures.map(({ name, slug }) =>
      explained(measured.get(name), name, resultOf(result, `probe/${slug}`)),
    ),
  }
}

/** Those that SPEC.md knows, and what else the server declares. */
function findings(declared: readonly string[], result: ConformanceResult): CapabilityFinding[] {
  const known = Object.keys(witnesses)
  const strangers = declared.filter((name) => !known.includes(name))
  return [
    ...known.map((name): CapabilityFinding => {
      if (!declared.includes(name)) return { name, verdict: 'not-declared', detail: '' }
      const witness = witnesses[name]
      return {
        name,
        ...(witness === undefined
          ? { verdict: 'not-shown', detail: noWitness }
          : shown(resultOf(result, witness))),
      }
    }),
    ...strangers.map((name): CapabilityFinding => ({ name, verdict: 'not-shown', detail: 'not in SPEC.md' })),
  ]
}

function shown(witness: CaseResult | undefined): Omit<CapabilityFinding, 'name'> {
  if (witness === undefined) return { verdict: 'not-shown', detail: 'its case did not run' }
  const { verdict, id, checks, reason } = witness
  const [first] = checks
  if (verdict === 'pass') return { verdict: 'real', detail: id }
  if (verdict === 'fail' || verdict === 'warn')
    return { verdict: 'only-declared', detail: `${id}: expected ${first?.expected}, got ${first?.actual}` }
  return { verdict: 'not-shown', detail: `${id}: ${reason ?? verdict}` }
}

/** A measurement that ended early says how. */
function explained(
  measurement: Measurement | undefined,
  name: string,
  one: CaseResult | undefined,
): Measurement {
  const [first] = one?.checks ?? []
  const why =
    one?.verdict === 'pass'
      ? undefined
      : (one?.reason ?? (first && `expected ${first.expected}, got ${first.actual}`))
  if (measurement === undefined)
    return { name, announced: '', found: why ?? 'it did not run', verdict: 'not-measured' }
  return why === undefined ? measurement : { ...measurement, found: why, verdict: 'not-measured' }
}

function resultOf({ cases }: ConformanceResult, id: string): CaseResult | undefined {
  return cases.find((one) => one.id === id)
}
