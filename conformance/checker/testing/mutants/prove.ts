// Proves that the tests of the judge hold it: each mutant is put into a copy of it, and a test has to find that.
import { type Mutant, quickTests } from './mutant.ts'
import { failedTests, type TestName } from './sandbox.ts'

/** `elsewhere`: only tests that are about something else have found it. */
export type ProofVerdict = 'killed' | 'elsewhere' | 'survived'

export interface Proof {
  mutant: Mutant
  verdict: ProofVerdict
  /** Every test that failed. */
  killers: TestName[]
  ms: number
}

/** Mutants that are run at the same time. */
const jobs = 2

/**
 * Runs the tests of each mutant; `onProof` hears of each as it ends.
 * @throws Error if a mutant cannot be applied or run, or the tests fail without any
 */
export async function prove(
  mutants: readonly Mutant[],
  onProof: (proof: Proof) => void = () => {},
): Promise<Proof[]> {
  await requireSound(mutants)
  const proofs: Proof[] = []
  await inParallel(mutants, async (mutant) => {
    const proof = await proveOne(mutant)
    proofs.push(proof)
    onProof(proof)
  })
  return proofs
}

/** A test that fails anyhow kills nothing. */
async function requireSound(mutants: readonly Mutant[]): Promise<void> {
  const selections = new Map(mutants.map(({ tests = quickTests }) => [JSON.stringify(tests), tests]))
  await inParallel([...selections.values()], async (selection) => {
    const failed = await failedTests(selection)
    const titles = failed.map(({ title }) => title)
    if (titles.length > 0) throw new Error(`these tests fail without a mutant: ${titles.join('; ')}`)
  })
}

async function proveOne(mutant: Mutant): Promise<Proof> {
  const beganMs = performance.now()
  const killers = await failedTests(mutant.tests ?? quickTests, mutant)
  return { mutant, verdict: verdictOf(mutant, killers), killers, ms: Math.round(performance.now() - beganMs) }
}

function verdictOf({ concern }: Mutant, killers: readonly TestName[]): ProofVerdict {
  if (killers.some(({ title }) => concern.test(title))) return 'killed'
  return killers.length > 0 ? 'elsewhere' : 'survived'
}

async function inParallel<Item>(items: readonly Item[], each: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items]
  async function work(): Promise<void> {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await each(item)
  }
  await Promise.all(Array.from({ length: jobs }, work))
}
