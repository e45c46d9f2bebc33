// Reads flag values: numbers, times and sizes with units, lists, name=value pairs. A refusal says what is allowed.
import { InvalidArgumentError } from 'commander'
import { defaultOptions, type Minimum } from '../conformance/checker/index.ts'
import { defaultLimits, type Limits } from '../protocol/index.ts'
import { didYouMean } from './nearest.ts'

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const unitsBytes = { '': 1, B: 1, KB: 1_000, MB: 1_000_000, KiB: 1_024, MiB: 1_048_576 } as const

/** A whole number in a range. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw refuse(`a whole number from ${min} to ${max}`)
    return value
  }
}

/** `500ms`, `30s`, `5m`, `2h`, `7d`, as milliseconds; the unit is required, because nobody guesses it right. */
export function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  if (!match) throw refuse('a number with its unit, like 500ms, 30s, 5m, 2h or 7d')
  return Math.round(Number(match[1]) * unitsMs[match[2] as keyof typeof unitsMs])
}

/** The same in a range. */
export function duration(minMs: number, maxMs: number): (text: string) => number {
  return (text) => {
    const value = durationMs(text)
    if (value < minMs || value > maxMs) throw refuse(`from ${formatMs(minMs)} to ${formatMs(maxMs)}`)
    return value
  }
}

/** `65536`, `64KiB`, `1MiB`, as bytes. */
export function sizeBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(B|KB|MB|KiB|MiB|)$/.exec(text)
  if (!match) throw refuse('a number of bytes, like 65536, 64KiB or 1MiB')
  return Math.round(Number(match[1]) * unitsBytes[match[2] as keyof typeof unitsBytes])
}

/** Where a counterexample stands in what a seed generates: `17:0:3:1`. */
export function shrinkPath(text: string): string {
  if (!/^\d+(:\d+)*$/.test(text)) throw refuse('numbers with colons between them, like 17:0:3')
  return text
}

/** For flags that may be repeated: `a` then `b` gives [a, b]. */
export function collect(text: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), text]
}

/** For flags that take one or several names of a fixed set: `a,b`, or the flag twice. */
export function listOf<Name extends string>(allowed: readonly Name[]) {
  return (text: string, earlier: readonly Name[] | undefined): Name[] => {
    const names = text.split(',').map((name) => pick(name.trim(), allowed))
    return [...new Set([...(earlier ?? []), ...names])]
  }
}

/** `window=64`, collected into one object; times and sizes may carry units. */
export function limit(text: string, earlier: Partial<Limits> | undefined): Partial<Limits> {
  const [name = '', value] = text.split(/=(.*)/s)
  if (value === undefined) throw refuse('name=value, like window=64')
  const known = pick(name, Object.keys(defaultLimits) as (keyof Limits)[])
  return { ...earlier, [known]: limitValue(known, value) }
}

/** `okSends=100`, collected into one object; `finalReadShare` from 0 to 1. */
export function minimum(text: string, earlier: Partial<Minimum> | undefined): Partial<Minimum> {
  const [name = '', value = ''] = text.split(/=(.*)/s)
  const known = pick(name, Object.keys(defaultOptions.minimum) as (keyof Minimum)[])
  if (known !== 'finalReadShare') return { ...earlier, [known]: integer(0, Number.MAX_SAFE_INTEGER)(value) }
  if (!/^(0(\.\d+)?|1(\.0+)?)$/.test(value)) throw refuse('finalReadShare=0 to finalReadShare=1')
  return { ...earlier, [known]: Number(value) }
}

function limitValue(name: keyof Limits, text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  if (name.endsWith('Ms')) return durationMs(text)
  if (name === 'maxFrame' || name === 'maxContent') return sizeBytes(text)
  throw refuse('a whole number')
}

/** In the largest unit that needs no fraction. */
function formatMs(ms: number): string {
  const units = Object.entries(unitsMs).reverse()
  const [name, unit] = units.find(([, size]) => ms % size === 0) ?? ['ms', 1]
  return `${ms / unit}${name}`
}

function pick<Name extends string>(text: string, allowed: readonly Name[]): Name {
  const known = allowed.find((name) => name === text)
  if (known !== undefined) return known
  throw refuse(`${allowed.length > 1 ? 'one of ' : ''}${allowed.join(', ')}.${didYouMean(text, allowed)}`)
}

function refuse(allowed: string): InvalidArgumentError {
  return new InvalidArgumentError(`Allowed: ${allowed}${/[.?]$/.test(allowed) ? '' : '.'}`)
}
