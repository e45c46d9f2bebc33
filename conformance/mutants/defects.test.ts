// The table of defects and oddities is true: every row is a switch of the server, and names what there is.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clauses } from '../../protocol/index.ts'
import { cases } from '../index.ts'
import { type Defect, defects } from './defects.ts'
import { kept } from './kept.ts'
import { oddities } from './oddities.ts'

const folder = join(import.meta.dirname, 'server')
const code = readdirSync(folder)
  .map((name) => readFileSync(join(folder, name), 'utf8'))
  .join('\n')
const known = new Set(clauses.map(({ id }) => id))
const rows: readonly Defect[] = defects

describe('the tables', () => {
  it('name each defect and each oddity once, and enough of them', () => {
    const ids = [...defects, ...oddities].map(({ id }) => id)
    expect(ids.length).toBe(new Set(ids).size)
    expect(defects.length).toBeGreaterThanOrEqual(60)
    expect(oddities.length).toBeGreaterThanOrEqual(12)
  })

  it('hold nothing that the server does not do', () => {
    const isDone = ({ id, limits, caps }: { id: string; limits?: unknown; caps?: unknown }): boolean =>
      code.includes(`'${id}'`) || limits !== undefined || caps !== undefined
    expect([...rows, ...oddities].filter((row) => !isDone(row)).map(({ id }) => id)).toEqual([])
  })

  it.each(rows.map((row) => [row.id, row] as const))(
    '%s names sentences and cases that there are',
    (_id, row) => {
      expect(row.clauses.filter((clause) => !known.has(clause))).toEqual([])
      const due = row.cases.map((id) => cases.find((one) => one.id === id))
      expect(due).not.toContain(undefined)
      // Each case is about one of the sentences that the defect breaks.
      for (const one of due)
        expect(
          one?.rules.some((rule) => row.clauses.includes(rule)),
          one?.id,
        ).toBe(true)
    },
  )

  it('leave no case without a defect or a reason', () => {
    const named = new Set<string>(rows.flatMap((row) => row.cases))
    const ids = cases.map(({ id }) => id)
    expect(ids.filter((id) => !named.has(id) && !kept[id])).toEqual([])
    expect(Object.keys(kept).filter((id) => named.has(id) || !ids.includes(id))).toEqual([])
  })

  it('name sentences that allow each oddity', () => {
    expect(oddities.flatMap(({ clauses: named }) => named.filter((clause) => !known.has(clause)))).toEqual([])
  })
})
