// What a look at a server found: which capabilities are real, and what was measured beside what is announced.
import type { Encoding } from '../../protocol/index.ts'

/** `only-declared`: `welcome` lists it, and the server does not keep it. `not-shown`: it could not be found out. */
export type CapabilityVerdict = 'real' | 'only-declared' | 'not-shown' | 'not-declared'

export interface CapabilityFinding {
  name: string
  verdict: CapabilityVerdict
  /** The case that showed it, what it found wrong, or why there is nothing to show. */
  detail: string
}

export interface Measurement {
  name: string
  /** By `welcome`, or by SPEC.md. */
  announced: string
  found: string
  verdict: 'as-announced' | 'differs' | 'not-measured'
}

export interface SurveyResult {
  kind: 'probe'
  schemaVersion: 1
  tool: { name: 'chatspec'; version: string }
  target: { url: string; encodings: readonly Encoding[]; capabilities: readonly string[] }
  encoding: Encoding
  started: string
  durationMs: number
  cutShort?: string
  capabilities: CapabilityFinding[]
  measurements: Measurement[]
}

/** True if the server is not what it says. */
export function fallsShort({ capabilities, measurements }: SurveyResult): boolean {
  return (
    capabilities.some(({ verdict }) => verdict === 'only-declared') ||
    measurements.some(({ verdict }) => verdict === 'differs')
  )
}
