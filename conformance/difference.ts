// Equality of plain values, and where two of them part.
import { isDeepStrictEqual } from 'node:util'
import { show } from './trace.ts'

/** Deep equality; bytes are bytes, whether they came in a Buffer or not. */
export function isEqual(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b))
}

/** A value in a few words. */
export function render(value: unknown): string {
  return value === undefined ? 'nothing' : show('', plain(value))
}

/** The first place where two values that are not equal differ, such as `[3].seq: 5 instead of 4`. */
export function firstDifference(actual: unknown, expected: unknown, path = ''): string {
  if (!isContainer(actual) || !isContainer(expected) || Array.isArray(actual) !== Array.isArray(expected))
    return `${path}: ${render(actual)} instead of ${render(expected)}`
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)])
  for (const name of names) {
    if (isEqual(actual[name], expected[name])) continue
    const step = Array.isArray(expected) ? `[${name}]` : `.${name}`
    return firstDifference(actual[name], expected[name], path + step)
  }
  return path
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}
