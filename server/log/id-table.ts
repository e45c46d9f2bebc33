// HOT PATH, guarded by bench/log.bench.ts: where the messages of one generation lie, by the hash of (from, msgId).
// Open addressing over typed arrays, with nothing for the collector to visit; the entries stand in the order of the log.

const firstCapacity = 16_384

export class IdTable {
  size = 0
  /** By index: where the record begins, and the hash of its id. */
  offsets = new Uint32Array(firstCapacity)
  highs = new Uint32Array(firstCapacity)
  lows = new Uint32Array(firstCapacity)
  /** Twice as many as there is room for entries; each holds an index plus one, or 0. */
  #slots = new Uint32Array(firstCapacity * 2)

  add(high: number, low: number, offset: number): void {
    if (this.size === this.offsets.length) this.#grow()
    const index = this.size
    this.offsets[index] = offset
    this.highs[index] = high
    this.lows[index] = low
    this.size += 1
    this.#place(index)
  }

  /** The slot of the first entry with this hash, or -1; others follow by `findAfter`. */
  find(high: number, low: number): number {
    return this.#search(low & (this.#slots.length - 1), high, low)
  }

  findAfter(slot: number, high: number, low: number): number {
    return this.#search((slot + 1) & (this.#slots.length - 1), high, low)
  }

  offsetAt(slot: number): number {
    return this.offsets[(this.#slots[slot] ?? 0) - 1] ?? 0
  }

  clear(): void {
    this.size = 0
    this.#slots.fill(0)
  }

  #search(start: number, high: number, low: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    for (let slot = start; ; slot = (slot + 1) & mask) {
      const index = (slots[slot] ?? 0) - 1
      if (index < 0) return -1
      if (this.lows[index] === low && this.highs[index] === high) return slot
    }
  }

  #place(index: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = (this.lows[index] ?? 0) & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = index + 1
  }

  #grow(): void {
    this.offsets = doubled(this.offsets)
    this.highs = doubled(this.highs)
    this.lows = doubled(this.lows)
    this.#slots = new Uint32Array(this.#slots.length * 2)
    for (let index = 0; index < this.size; index += 1) this.#place(index)
  }
}

function doubled(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}
