// What JSON.parse does not tell: nesting before it is parsed, keys that came twice, numbers that were rounded.

export interface Structure {
  /** Levels of objects and arrays. */
  depth: number
  /** Members of all objects: as many as there are colons outside strings. */
  members: number
  /** A number with a fraction or an exponent occurs. */
  fractions: boolean
}

/** One pass over the text, which need not be JSON; strings are leapt over. */
export function scanJson(text: string): Structure {
  let level = 0
  let depth = 0
  let members = 0
  let fractions = false
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // "
        i = endOfString(text, i)
        break
      case 0x3a: // :
        members++
        break
      case 0x7b: // {
      case 0x5b: // [
        if (++level > depth) depth = level
        break
      case 0x7d: // }
      case 0x5d: // ]
        level--
        break
      case 0x2e: // .
      case 0x45: // E
        fractions = true
        break
      case 0x65: // e, which ends true and false as well
        fractions ||= isDigit(text.charCodeAt(i - 1))
    }
  }
  return { depth, members, fractions }
}

/** Position of the closing quote of the string that opens at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  let at = start
  do {
    at = text.indexOf('"', at + 1)
    if (at < 0) return text.length
  } while (isEscaped(text, at))
  return at
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1
  while (text.charCodeAt(before) === 0x5c) before--
  return (at - before) % 2 === 0
}

/** Members of all objects in a parsed value. Fewer than the text had: a key came twice, however it was spelt. */
export function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += countMembers(item)
    return members
  }
  for (const key of Object.keys(value)) members += 1 + countMembers((value as Record<string, unknown>)[key])
  return members
}

/**
 * JSON.parse reads 1.00000000000000000001 as 1. In the result, a number that is not exactly an integer but would
 * be rounded to one is 0.5 instead, so that no field of integers takes it.
 * @throws SyntaxError if the text is not JSON
 */
export function parseUnrounded(text: string): unknown {
  return JSON.parse(
    text.replace(/"(?:[^"\\]+|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
      token.startsWith('"') || isExact(token) ? token : '0.5',
    ),
  )
}

/** False if the number is read as a safe integer without being one. */
function isExact(token: string): boolean {
  if (!Number.isSafeInteger(Number(token))) return true
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = (whole + fraction).replace(/0+$/, '')
  if (!/[1-9]/.test(digits)) return true
  const dropped = whole.length + fraction.length - digits.length
  return Number(exponent) - fraction.length + dropped >= 0
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39
}
