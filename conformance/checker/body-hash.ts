// A cheap hash of what a message says, the same on every machine; two bodies collide once in 2^53.

/** What has to arrive as it was sent. */
export interface Body {
  content: string | Uint8Array
  contentType?: string
  meta?: Readonly<Record<string, string>>
}

/** An absent content type is text/plain. */
const defaultContentType = 'text/plain'

/** An integer from 0 to 2^53-1 over content, contentType and meta, whatever the order of meta's keys. */
export function bodyHash({ content, contentType = defaultContentType, meta }: Body): number {
  const lanes: Lanes = { a: 0xdeadbeef, b: 0x41c6ce57 }
  if (typeof content === 'string') mixText(lanes, content)
  else mixBytes(lanes, content)
  mixText(lanes, contentType)
  if (meta !== undefined) {
    for (const key of Object.keys(meta).sort()) {
      mixText(lanes, key)
      mixText(lanes, meta[key] ?? '')
    }
  }
  return finish(lanes)
}

interface Lanes {
  a: number
  b: number
}

/** Text and bytes of the same numbers differ: each part begins with its kind and its length. */
function mixText(lanes: Lanes, text: string): void {
  mix(lanes, text.length)
  for (let index = 0; index < text.length; index++) mix(lanes, text.charCodeAt(index))
}

function mixBytes(lanes: Lanes, bytes: Uint8Array): void {
  mix(lanes, -1 - bytes.length)
  for (let index = 0; index < bytes.length; index++) mix(lanes, bytes[index] ?? 0)
}

function mix(lanes: Lanes, value: number): void {
  lanes.a = Math.imul(lanes.a ^ value, 0x9e3779b1)
  lanes.b = Math.imul(lanes.b ^ value, 0x5f356495)
}

/** The finish of cyrb53 (public domain): every bit of both lanes reaches every bit of the result. */
function finish({ a, b }: Lanes): number {
  let low = Math.imul(a ^ (a >>> 16), 0x85ebca6b)
  low ^= Math.imul(b ^ (b >>> 13), 0xc2b2ae35)
  let high = Math.imul(b ^ (b >>> 16), 0x85ebca6b)
  high ^= Math.imul(a ^ (a >>> 13), 0xc2b2ae35)
  return 0x100000000 * (high & 0x1fffff) + (low >>> 0)
}
