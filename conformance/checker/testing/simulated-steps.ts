// What may happen in a simulated run, and how often.
import fc from 'fast-check'

/** How often each step is taken, in relation to the others. */
const weights = {
  connect: 3,
  resume: 6,
  cut: 3,
  close: 1,
  send: 30,
  retry: 5,
  serve: 25,
  read: 25,
  work: 10,
  sync: 4,
  history: 5,
  join: 3,
  leave: 1,
  add: 2,
  remove: 2,
  fence: 3,
  timeout: 2,
  mood: 2,
  kill: 1,
  amnesia: 1,
} as const

/** One thing that happens; the numbers choose among what is possible. */
export interface Step {
  what: keyof typeof weights
  who: number
  pick: number
}

const kinds = Object.entries(weights).flatMap(([what, weight]) =>
  Array<string>(weight).fill(what),
) as Step['what'][]

/** Steps of which most are traffic; fast-check shortens the list that fails. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ what: fc.constantFrom(...kinds), who: fc.nat(5), pick: fc.nat(1_000) }),
  { maxLength: 300, size: 'max' },
)
