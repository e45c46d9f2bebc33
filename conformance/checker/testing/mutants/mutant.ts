// A defect of the judge itself: an exact piece of its source, and what stands there instead.

export interface Mutant {
  /** `K1` as in the list of mutants, or the rule that it weakens, `H7.2`. */
  id: string
  /** The defect, in words. */
  what: string
  /** Below `conformance/`. */
  file: string
  /** Occurs in the file exactly once. */
  from: string
  to: string
  /** The titles of the tests that are about this: one of them has to fail. */
  concern: RegExp
  /** What is run; the checker's quick tests unless given. */
  tests?: Selection
}

export interface Selection {
  /** Patterns below `conformance/`. */
  files: readonly string[]
  /** Only the tests whose title has this in it. */
  titled?: string
}

/** All but the simulated runs and the long ones, which take their time. */
export const quickTests: Selection = { files: ['checker/!(simulated|memory).test.ts'] }

/** The source with the defect. @throws Error if the old text is not there exactly once, or nothing changes */
export function mutate(source: string, { id, file, from, to }: Mutant): string {
  const count = source.split(from).length - 1
  if (count !== 1) {
    throw new Error(`mutant ${id}: its text is ${count} times in ${file}, and has to be there once: ${from}`)
  }
  if (from === to) throw new Error(`mutant ${id} changes nothing`)
  return source.replace(from, () => to)
}
