// Several results side by side: what each server made of each sentence.
import type { CheckResult, ConformanceResult, OverallVerdict } from '../conformance/result.ts'
import { verdictOfRules } from './summary.ts'

export type CellVerdict = CheckResult['verdict'] | 'not-applicable' | 'not-tested'

export interface Cell {
  verdict: CellVerdict
  /** What came instead, of a sentence that was broken. */
  actual?: string
}

export interface MatrixColumn {
  url: string
  verdict: OverallVerdict
  profile: string
  started: string
  tool: string
  /** Of the frozen set. */
  kept: number
  applicable: number
}

export interface MatrixRow {
  rule: string
  sentence?: string
  cells: Cell[]
  /** Not the same in all columns. */
  differs: boolean
}

export interface Matrix {
  kind: 'matrix'
  schemaVersion: 1
  columns: MatrixColumn[]
  /** In alphabetical order of the groups, each sentence that some run looked at. */
  rows: MatrixRow[]
}

export function toMatrix(results: readonly ConformanceResult[]): Matrix {
  const views = results.map(viewOf)
  const rules = [...new Set(views.flatMap(({ verdicts }) => [...verdicts.keys()]))].sort()
  return {
    kind: 'matrix',
    schemaVersion: 1,
    columns: results.map(toColumn),
    rows: rules.map((rule) => toRow(rule, views)),
  }
}

interface View {
  verdicts: ReadonlyMap<string, CheckResult['verdict']>
  notApplicable: ReadonlySet<string>
  sentences: ReadonlyMap<string, string>
  /** Of the first check that broke each sentence. */
  actuals: ReadonlyMap<string, string>
}

function viewOf({ cases, set }: ConformanceResult): View {
  const checks = cases.flatMap((one) => one.checks).reverse()
  const broken = checks.filter(({ verdict }) => verdict !== 'pass')
  return {
    verdicts: verdictOfRules(cases),
    notApplicable: new Set(set.notApplicable),
    sentences: new Map(
      checks.flatMap(({ rule, sentence }) => (sentence === undefined ? [] : [[rule, sentence]])),
    ),
    actuals: new Map(broken.map(({ rule, actual }) => [rule, actual])),
  }
}

function toRow(rule: string, views: readonly View[]): MatrixRow {
  const cells = views.map((view) => toCell(rule, view))
  const sentence = views.map(({ sentences }) => sentences.get(rule)).find((one) => one !== undefined)
  return {
    rule,
    ...(sentence !== undefined && { sentence }),
    cells,
    differs: cells.some(({ verdict }) => verdict !== cells[0]?.verdict),
  }
}

function toCell(rule: string, { verdicts, notApplicable, actuals }: View): Cell {
  const verdict = verdicts.get(rule)
  if (verdict === undefined) return { verdict: notApplicable.has(rule) ? 'not-applicable' : 'not-tested' }
  const actual = actuals.get(rule)
  return { verdict, ...(actual !== undefined && { actual }) }
}

function toColumn({ target, verdict, profile, started, tool, set }: ConformanceResult): MatrixColumn {
  return {
    url: target.url,
    verdict,
    profile,
    started,
    tool: `${tool.name} ${tool.version}`,
    kept: set.kept.length,
    applicable: set.kept.length + set.broken.length + set.notTested.length,
  }
}
