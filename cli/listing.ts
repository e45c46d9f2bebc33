// The clauses and what tests them, for a person or a program.
import { createColors } from 'picocolors'
import {
  type ClauseStatus,
  obligationShares,
  requirementShares,
  type Shares,
  type Tested,
} from '../conformance/index.ts'
import { type TableStyle, wrap } from '../reports/index.ts'

const words: Readonly<Record<Tested, string>> = {
  url: 'tested by URL',
  hooks: 'tested with hooks',
  excluded: 'not tested',
  missing: 'not tested, and nobody said why',
}

/** @param shown Those that were asked for. @param all Whose shares are told. */
export function renderListing(
  shown: readonly ClauseStatus[],
  all: readonly ClauseStatus[],
  style: TableStyle,
): string {
  const blocks = shown.map((one) => renderClause(one, style))
  const ending = [
    describeShares('requirements that the protocol began with', requirementShares(all)),
    describeShares('sentences that oblige a server', obligationShares(all)),
  ].flatMap((line) => wrap(line, style.columns, '  '))
  return `${[...blocks, ending].map((lines) => lines.join('\n')).join('\n\n')}\n`
}

export function listingJson(shown: readonly ClauseStatus[], all: readonly ClauseStatus[]): string {
  const listing = {
    kind: 'clauses',
    schemaVersion: 1,
    requirements: requirementShares(all),
    obligations: obligationShares(all),
    clauses: shown,
  }
  return `${JSON.stringify(listing, null, 2)}\n`
}

function renderClause(one: ClauseStatus, { columns, colours }: TableStyle): string[] {
  const paint = createColors(colours)
  const paintTested = { url: paint.green, hooks: paint.cyan, excluded: paint.dim, missing: paint.red }
  const { id, level, party, capability } = one
  const scope = [level.toUpperCase(), party, ...(capability === undefined ? [] : [capability])].join(', ')
  return [
    `${paint.bold(id.padEnd(8))} ${scope.padEnd(34)} ${paintTested[one.tested](words[one.tested])}`,
    ...wrap(`  ${one.text}`, columns, '  '),
    ...(one.reason === undefined ? [] : wrap(`  because ${one.reason}`, columns, '  ').map(paint.dim)),
    ...one.cases.flatMap((test) => wrap(`  ${describeCase(test)}`, columns, '    ').map(paint.dim)),
  ]
}

function describeCase({ id, profile, needs }: ClauseStatus['cases'][number]): string {
  return `${id} (${profile}${needs.length === 0 ? '' : `; needs ${needs.join(', ')}`})`
}

function describeShares(what: string, { total, byUrl, withHooks, excluded, missing }: Shares): string {
  const percent = (count: number): string => `${((100 * count) / total).toFixed(1)} %`
  const parts = [
    `${byUrl} tested by the URL alone (${percent(byUrl)})`,
    `${withHooks} with hooks (${percent(byUrl + withHooks)} together)`,
    `${excluded} excluded with a reason`,
    ...(missing === 0 ? [] : [`${missing} MISSING`]),
  ]
  return `${total} ${what}: ${parts.join(', ')}.`
}
