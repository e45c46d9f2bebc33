// HOT PATH, guarded by bench/log.bench.ts: says "certainly not in this set", or "perhaps".
// A split-block Bloom filter: one cache line per question. With 2 bytes per member, less than one
// in a thousand is a wrong "perhaps".

const salts = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
)
const wordsPerBlock = 8
const bitsPerMember = 16

export class IdFilter {
  /** It takes more members than this, but then says "perhaps" more often. */
  readonly capacity: number
  members = 0
  readonly #words: Int32Array
  readonly #blocks: number

  constructor(capacity: number) {
    this.capacity = capacity
    this.#blocks = Math.ceil((capacity * bitsPerMember) / (wordsPerBlock * 32))
    this.#words = new Int32Array(this.#blocks * wordsPerBlock)
  }

  get bytes(): number {
    return this.#words.byteLength
  }

  add(high: number, low: number): void {
    const start = this.#blockOf(low)
    for (let i = 0; i < wordsPerBlock; i += 1) {
      const word = start + i
      this.#words[word] = (this.#words[word] ?? 0) | (1 << (Math.imul(high, salts[i] ?? 0) >>> 27))
    }
    this.members += 1
  }

  mayHave(high: number, low: number): boolean {
    const start = this.#blockOf(low)
    for (let i = 0; i < wordsPerBlock; i += 1) {
      const bit = 1 << (Math.imul(high, salts[i] ?? 0) >>> 27)
      if (((this.#words[start + i] ?? 0) & bit) === 0) return false
    }
    return true
  }

  #blockOf(low: number): number {
    return Math.trunc(low * (this.#blocks / 0x1_0000_0000)) * wordsPerBlock
  }
}
