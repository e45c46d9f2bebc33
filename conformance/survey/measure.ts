// A measurement as a case of its own, so that time, connections and trouble are kept in bounds as for any other.
import { type Case, defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { pass } from '../outcome.ts'
import type { Measurement } from './result.ts'

export type Measured = Omit<Measurement, 'name'>

export interface Measure {
  /** As in `welcome.limits`, or a few words. */
  name: string
  slug: string
  /** It mostly waits for a clock. */
  patient?: boolean
  /** What the server announces of it. */
  announced(t: CaseContext): string
  /** @returns Never the announced value itself, but what was seen. */
  run(t: CaseContext): Promise<Omit<Measured, 'announced'>>
}

/** Of one measurement; a look takes a minute at most. */
const timeoutMs = 45_000

export function toCase(
  { name, slug, patient = false, announced, run }: Measure,
  record: (one: Measurement) => void,
): Case {
  return defineCase({
    id: `probe/${slug}`,
    title: name,
    rules: ['CON-01'],
    level: 'must',
    patient,
    timeoutMs,
    async run(t) {
      const said = announced(t)
      const trouble = 'the connection ended or an answer did not come'
      record({ name, announced: said, found: trouble, verdict: 'not-measured' })
      record({ name, announced: said, ...(await run(t)) })
      return pass(name)
    },
  })
}

export function notMeasured(why: string): Omit<Measured, 'announced'> {
  return { found: why, verdict: 'not-measured' }
}

export function found(isAsAnnounced: boolean, text: string): Omit<Measured, 'announced'> {
  return { found: text, verdict: isAsAnnounced ? 'as-announced' : 'differs' }
}
