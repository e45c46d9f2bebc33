// The flags of `npm run prove`.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defects } from './defects.ts'
import { oddities } from './oddities.ts'
import type { ProofOptions } from './proof.ts'

export const usage = `usage: npm run prove -- [options]

  --runs N         runs of each defect, against the cases named for it (default 1; 0: none)
  --all            the whole suite against each defect, to fill the table
  --clean N        quick runs of the correct server (default 1)
  --odd N          quick runs of each legal oddity (default 1)
  --only M03,B01   these defects and oddities only
  --concurrency N  servers with a defect at a time (default 4)
  --seed N         repeats the random choices of the judge
  --out DIR        where the result goes (default out/prove)
  --list           says what there is
`

/** Reads the flags. @throws Error that names the flag, what came and what is allowed */
export function readOptions(args: readonly string[]): ProofOptions & { out: string; list: boolean } {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: text,
      clean: text,
      odd: text,
      only: text,
      concurrency: text,
      seed: text,
      out: text,
      all: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  })
  const integer = (
    name: 'runs' | 'clean' | 'odd' | 'concurrency' | 'seed',
    least: number,
    most: number,
  ): number | undefined => {
    const value = values[name]
    if (value === undefined) return undefined
    if (!/^\d+$/.test(value) || Number(value) < least || Number(value) > most)
      throw new Error(`--${name} ${value}: an integer from ${least} to ${most} is allowed`)
    return Number(value)
  }
  const only = values.only?.split(',')
  const known: string[] = [...defects, ...oddities].map(({ id }) => id)
  const stranger = only?.find((id) => !known.includes(id))
  if (stranger !== undefined)
    throw new Error(`--only ${stranger}: no such defect or oddity; --list says what there is`)
  return {
    runs: integer('runs', 0, 1_000) ?? 1,
    clean: integer('clean', 0, 10_000) ?? 1,
    odd: integer('odd', 0, 10_000) ?? 1,
    concurrency: integer('concurrency', 1, 64) ?? 4,
    seed: integer('seed', 0, 0xffff_ffff),
    only,
    all: values.all,
    list: values.list,
    out: values.out ?? join('out', 'prove'),
  }
}
