// The proof as text: the table requirement, test, mutant, and the figures that follow from it.
import { kept } from './kept.ts'
import type { DefectProof, Proof } from './proof.ts'

export function renderProof(proof: Proof): string {
  const { defects, clean, counts, mutationScore, falseAlarms, idleCases } = proof
  const lines = ['', row('mutant', 'killed', 'requirement', 'test')]
  for (const one of defects) lines.push(...rowsOf(one))
  if (defects.length > 0)
    lines.push(
      '',
      `${defects.length} mutants: ${counts.killed} killed, ${counts.half} by another property, ${counts.survived} survived`,
      `mutation score ${percent(mutationScore)}`,
    )
  for (const { id, title, blamed } of clean.filter(({ alarms }) => alarms > 0)) {
    lines.push('', `blamed without reason: ${id} ${title}`)
    for (const one of blamed) lines.push(`  ${one.verdict} ${one.case} ${one.encoding}: ${one.detail}`)
  }
  if (falseAlarms.runs > 0)
    lines.push(
      `false alarms: ${falseAlarms.alarms} in ${falseAlarms.runs} clean runs, at most ${percent(falseAlarms.upperBound)} of all with 95 % confidence`,
    )
  if (idleCases.length > 0)
    lines.push(
      `tests that no mutant made red: ${idleCases.length}`,
      ...idleCases.map((id) => `  ${id}${kept[id] ? `: ${kept[id]}` : ''}`),
    )
  lines.push('', proof.verdict === 'proven' ? 'proven' : 'NOT proven', '')
  return lines.join('\n')
}

function rowsOf({ id, outcome, outcomes, clauses, cases, findings }: DefectProof): string[] {
  const killed = outcomes.filter((one) => one === 'killed').length
  const shown = [row(id, `${killed}/${outcomes.length}`, clauses.join(' '), cases.join(' '))]
  if (outcome === 'killed') return shown
  for (const one of findings.filter(
    (finding) => finding.outcome !== 'killed' && cases.includes(finding.case),
  ))
    shown.push(`     ${one.outcome} ${one.case} ${one.encoding}: ${one.verdict}, ${one.detail}`)
  return shown
}

function row(id: string, killed: string, clauses: string, cases: string): string {
  return `${id.padEnd(6)} ${killed.padStart(6)}  ${clauses.padEnd(16)} ${cases}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
