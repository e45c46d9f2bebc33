// Compares what a report makes of the sample with what it made before; UPDATE_GOLDEN=1 takes the new text as right.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'

const folder = new URL('./golden/', import.meta.url)

export function expectGolden(name: string, text: string): void {
  // The ending keeps formatters away.
  const file = new URL(`${name}.golden`, folder)
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, text)
  }
  expect(text).toBe(readFileSync(file, 'utf8'))
}
