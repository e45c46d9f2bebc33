// Writes protocol/vectors/*.json: run it with `npx tsx tools/vectors.ts` after a change to the protocol.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Vector, vectorLimits } from './vector-format.ts'
import { invalidFields } from './vectors-invalid-fields.ts'
import { invalidFrames } from './vectors-invalid-frames.ts'
import { validVectors } from './vectors-valid.ts'

export const vectorFolder = fileURLToPath(new URL('../protocol/vectors/', import.meta.url))

/** The text of every file, by its name. */
export function vectorFiles(): Map<string, string> {
  const valid = validVectors()
  const invalid = [...invalidFrames(), ...invalidFields()]
  return new Map([
    ['json-valid.json', render(valid.json)],
    ['json-invalid.json', render(invalid.filter(({ encoding }) => encoding === 'json'))],
    ['cbor-valid.json', render(valid.cbor)],
    ['cbor-invalid.json', render(invalid.filter(({ encoding }) => encoding === 'cbor'))],
  ])
}

/** A vector a line: changes are readable. */
function render(vectors: readonly Vector[]): string {
  const lines = vectors.map((vector) => `    ${JSON.stringify(vector)}`)
  const head = `  "protocol": "chatspec/1",\n  "limits": ${JSON.stringify(vectorLimits)},`
  return `{\n${head}\n  "vectors": [\n${lines.join(',\n')}\n  ]\n}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of vectorFiles()) writeFileSync(vectorFolder + name, text)
}
