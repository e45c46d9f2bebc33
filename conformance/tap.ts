// Messages as they came over the wire, for what a codec does not show.
import type { Session } from './session.ts'

/** Keeps the bytes of every message that arrives from now on. */
export function tap({ wire }: Session): Buffer[] {
  const kept: Buffer[] = []
  const { onMessage } = wire
  wire.onMessage = (message) => {
    kept.push(message.payload)
    onMessage(message)
  }
  return kept
}

/** Undefined if every map of a CBOR item has its keys in the order of RFC 8949, section 4.2.1, else two keys that do not. */
export function unsortedKeys(item: Buffer): string | undefined {
  const walker = new KeyWalker(item)
  walker.item()
  return walker.found
}

class KeyWalker {
  found: string | undefined
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  item(): void {
    const initial = this.#bytes[this.#at++]
    // A frame that was cut off is malformed, and the probe has said so.
    if (initial === undefined) return
    const argument = this.#argument(initial & 0x1f)
    const major = initial >> 5
    if (major === 2 || major === 3) this.#at += argument
    else if (major === 4) for (let left = argument; left > 0 && this.#hasMore(); left--) this.item()
    else if (major === 5) this.#map(argument)
    else if (major === 6) this.item()
  }

  #map(count: number): void {
    let before: Buffer | undefined
    for (let left = count; left > 0 && this.#hasMore(); left--) {
      const start = this.#at
      this.item()
      const key = this.#bytes.subarray(start, this.#at)
      if (before && Buffer.compare(before, key) >= 0) this.found ??= `${before} before ${key}`
      before = key
      this.item()
    }
  }

  #argument(info: number): number {
    if (info < 24 || info > 27) return info & 0x1f
    const size = 2 ** (info - 24)
    const start = this.#at
    this.#at += size
    return size > 6 || this.#at > this.#bytes.length ? 0 : this.#bytes.readUIntBE(start, size)
  }

  #hasMore(): boolean {
    return this.#at < this.#bytes.length
  }
}
