// The patterns of limits.ts that every message is held against, in the form that engines run fastest.
// HOT PATH, guarded by bench/codec.bench.ts

const maxNameLength = 64
const maxEpochLength = 128
const colon = 0x3a

/** 1 for each ASCII character that a name may have. */
const inName = new Uint8Array(128)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~@-') {
  inName[character.charCodeAt(0)] = 1
}

// Digits are written out, because a counted repetition is slower. It matches what is no msgId, because engines
// remember the subject of a successful match, and of a failed one they do not.
const hex = '[0-9a-f]'
const uuid = `${hex.repeat(8)}-${hex.repeat(4)}-4${hex.repeat(3)}-[89ab]${hex.repeat(3)}-${hex.repeat(12)}`
const notMsgId = new RegExp(`^(?!${uuid}$)`)

// Bytes are added up without a branch, which would often be predicted wrongly: the sum is right only for 4 hyphens
// and 32 digits.
const hyphen = 0x2d
export const msgIdLength = 36
const msgIdWeight = 4 * 100 + 32
const weights = new Uint16Array(256).fill(10_000)
for (const digit of '0123456789abcdef') weights[digit.charCodeAt(0)] = 1
weights[hyphen] = 100

/** `namePattern` */
export function isName(text: string): boolean {
  return isNameLength(text.length) && endOfName(text, 0) === text.length
}

/** `groupPattern`, or `directPattern` with its users in order, so that each conversation has one spelling. */
export function isConversation(text: string): boolean {
  if (text.length < 3 || text.charCodeAt(1) !== colon) return false
  const end = endOfName(text, 2)
  if (!isNameLength(end - 2)) return false
  const kind = text.charCodeAt(0)
  if (end === text.length) return kind === 0x67 // g
  if (kind !== 0x64 || text.charCodeAt(end) !== colon) return false // d
  const start = end + 1
  return isNameLength(text.length - start) && endOfName(text, start) === text.length && isOrdered(text, end)
}

/** 1 to 128 printable ASCII characters. */
export function isEpoch(text: string): boolean {
  if (text.length === 0 || text.length > maxEpochLength) return false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || unit > 0x7e) return false
  }
  return true
}

/** `msgIdPattern` */
export function isMsgId(text: string): boolean {
  return !notMsgId.test(text)
}

/** `msgIdPattern`, of the 36 bytes at `start`. */
export function isMsgIdAt(bytes: Uint8Array, start: number): boolean {
  let sum = 0
  for (let i = 0; i < msgIdLength; i++) sum += weights[bytes[start + i] as number] as number
  return (
    sum === msgIdWeight &&
    bytes[start + 8] === hyphen &&
    bytes[start + 13] === hyphen &&
    bytes[start + 14] === 0x34 && // 4
    bytes[start + 18] === hyphen &&
    bytes[start + 23] === hyphen &&
    isVariant(bytes[start + 19] as number)
  )
}

/** The text of the 36 bytes at `i`. One call with 36 arguments is faster than a loop. */
export function msgIdAt(b: Uint8Array, i: number): string {
  // biome-ignore format: nine lines of four
  return String.fromCharCode(
    b[i] as number, b[i + 1] as number, b[i + 2] as number, b[i + 3] as number,
    b[i + 4] as number, b[i + 5] as number, b[i + 6] as number, b[i + 7] as number,
    b[i + 8] as number, b[i + 9] as number, b[i + 10] as number, b[i + 11] as number,
    b[i + 12] as number, b[i + 13] as number, b[i + 14] as number, b[i + 15] as number,
    b[i + 16] as number, b[i + 17] as number, b[i + 18] as number, b[i + 19] as number,
    b[i + 20] as number, b[i + 21] as number, b[i + 22] as number, b[i + 23] as number,
    b[i + 24] as number, b[i + 25] as number, b[i + 26] as number, b[i + 27] as number,
    b[i + 28] as number, b[i + 29] as number, b[i + 30] as number, b[i + 31] as number,
    b[i + 32] as number, b[i + 33] as number, b[i + 34] as number, b[i + 35] as number,
  )
}

/** 8, 9, a or b. */
function isVariant(unit: number): boolean {
  return unit === 0x38 || unit === 0x39 || unit === 0x61 || unit === 0x62
}

function isNameLength(length: number): boolean {
  return length > 0 && length <= maxNameLength
}

/** Position after the characters of a name that begin at `start`. */
function endOfName(text: string, start: number): number {
  let at = start
  while (at < text.length) {
    const unit = text.charCodeAt(at)
    if (unit > 0x7f || inName[unit] === 0) break
    at++
  }
  return at
}

/** True if the name before the colon is not greater than the name after it, by code units. */
function isOrdered(text: string, middle: number): boolean {
  let low = 2
  let high = middle + 1
  while (low < middle && high < text.length) {
    const difference = text.charCodeAt(low++) - text.charCodeAt(high++)
    if (difference !== 0) return difference < 0
  }
  return low === middle
}
