// npx tsx conformance/checker/testing/mutants/main.ts [id …]: every mutant of the judge, or those whose id begins so.
import { judgeMutants } from './judge-mutants.ts'
import { type Proof, prove } from './prove.ts'
import { ruleMutants } from './rule-mutants.ts'

const all = [...judgeMutants, ...ruleMutants]
const wanted = process.argv.slice(2)
const chosen = all.filter(({ id }) => wanted.length === 0 || wanted.some((one) => isOf(id, one)))
if (chosen.length === 0) {
  console.error(`no such mutant: ${wanted.join(', ')}; there are ${all.map(({ id }) => id).join(', ')}`)
  process.exit(3)
}
const proofs = await prove(chosen, report).catch((cause: unknown) => {
  console.error(cause instanceof Error ? cause.message : cause)
  process.exit(3)
})
const alive = proofs.filter(({ verdict }) => verdict !== 'killed')
console.log(`${proofs.length - alive.length} of ${proofs.length} mutants killed by a test that is about them`)
process.exitCode = alive.length > 0 ? 1 : 0

function isOf(id: string, wanted: string): boolean {
  return id === wanted || id.startsWith(`${wanted}.`)
}

function report({ mutant, verdict, killers, ms }: Proof): void {
  const { id, what, concern } = mutant
  console.log(`${verdict.padEnd(9)} ${id.padEnd(6)} ${what} (${killers.length} tests, ${ms} ms)`)
  const shown = killers.filter(({ title }) => verdict === 'elsewhere' || concern.test(title)).slice(0, 3)
  for (const { file, title } of shown) console.log(`${' '.repeat(17)}${file}: ${title}`)
}
