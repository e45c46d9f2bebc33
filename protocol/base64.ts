// Base64 (RFC 4648 §4), padded and canonical: every byte string has exactly one spelling.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
/** Value of each character below 128, 64 for the others. */
const values = new Uint8Array(128).fill(64)
for (let i = 0; i < 64; i++) values[alphabet.charCodeAt(i)] = i

export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const second = bytes[i + 1]
    const third = bytes[i + 2]
    const group = ((bytes[i] as number) << 16) | ((second ?? 0) << 8) | (third ?? 0)
    text += letter(group >> 18) + letter(group >> 12)
    text += second === undefined ? '=' : letter(group >> 6)
    text += third === undefined ? '=' : letter(group)
  }
  return text
}

/** The number of bytes that a well-formed text stands for. */
export function base64Bytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return (text.length / 4) * 3 - padding
}

/** The bytes, or undefined if the text is not the canonical form of any. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const bytes = new Uint8Array(base64Bytes(text))
  const letters = Math.ceil((bytes.length * 4) / 3)
  let at = 0
  let pending = 0
  let bits = 0
  for (let i = 0; i < letters; i++) {
    const value = values[text.charCodeAt(i)] ?? 64
    if (value === 64) return undefined
    pending = ((pending << 6) | value) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = pending >> bits
  }
  // Bits left over must be zero, else two spellings would mean the same bytes.
  return (pending & ((1 << bits) - 1)) === 0 ? bytes : undefined
}

function letter(group: number): string {
  return alphabet.charAt(group & 63)
}
