// `npm run prove`: shows that the suite finds what is broken and does not blame what is right.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defects } from './defects.ts'
import { oddities } from './oddities.ts'
import { type Proof, prove } from './proof.ts'
import { readOptions, usage } from './prove-options.ts'
import { renderProof } from './render.ts'

function write(directory: string, proof: Proof): string {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, `${proof.started.slice(0, 19).replaceAll(':', '-')}Z.json`)
  writeFileSync(path, `${JSON.stringify(proof, null, 2)}\n`)
  return path
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(usage)
    return 0
  }
  let options: ReturnType<typeof readOptions>
  try {
    options = readOptions(args)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 3
  }
  if (options.list) {
    for (const { id, title, clauses } of [...defects, ...oddities])
      process.stdout.write(`${id.padEnd(4)} ${title} [${clauses.join(', ')}]\n`)
    return 0
  }
  const proof = await prove({ ...options, onProgress: (line) => process.stderr.write(`${line}\n`) })
  process.stdout.write(renderProof(proof))
  process.stderr.write(`\nwrote ${write(options.out, proof)}\n`)
  return proof.verdict === 'proven' ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
