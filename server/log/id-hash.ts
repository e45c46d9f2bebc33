// HOT PATH, guarded by bench/log.bench.ts: 64 bits that stand for (from, msgId), in the manner of HalfSipHash-1-3.
// Keyed, because senders choose their msgIds: without the key nobody can choose many that collide.

export class IdHash {
  /** Of the last `of`: two unsigned 32-bit numbers. */
  high = 0
  low = 0
  readonly #key: readonly [number, number]
  readonly #state = new Int32Array(4)

  constructor(key: readonly [number, number]) {
    this.#key = key
  }

  of(from: string, msgId: string): void {
    const state = this.#state
    const [k0, k1] = this.#key
    state[0] = k0
    state[1] = k1
    state[2] = k0 ^ 0x6c796765
    state[3] = k1 ^ 0x74656462
    absorbText(state, from)
    absorbText(state, msgId)
    for (let i = 0; i < 3; i += 1) absorb(state, i)
    this.high = ((state[1] ?? 0) ^ (state[3] ?? 0)) >>> 0
    this.low = ((state[0] ?? 0) ^ (state[2] ?? 0)) >>> 0
  }
}

/** Four ASCII characters a word; the last word carries the length, so that no two pairs of texts read alike. */
function absorbText(state: Int32Array, text: string): void {
  const length = text.length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    const low = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 8)
    absorb(state, low | (text.charCodeAt(i + 2) << 16) | (text.charCodeAt(i + 3) << 24))
  }
  let rest = 0
  for (; i < length; i += 1) rest = (rest << 8) | text.charCodeAt(i)
  absorb(state, rest | (length << 24))
}

function absorb(state: Int32Array, word: number): void {
  let v0 = state[0] ?? 0
  let v1 = state[1] ?? 0
  let v2 = state[2] ?? 0
  let v3 = (state[3] ?? 0) ^ word
  v0 = (v0 + v1) | 0
  v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
  v0 = (v0 << 16) | (v0 >>> 16)
  v2 = (v2 + v3) | 0
  v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
  v0 = (v0 + v3) | 0
  v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
  v2 = (v2 + v1) | 0
  v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
  v2 = (v2 << 16) | (v2 >>> 16)
  state[0] = v0 ^ word
  state[1] = v1
  state[2] = v2
  state[3] = v3
}
