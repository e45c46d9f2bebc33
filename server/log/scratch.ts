// Memory that is used again and again: for buffers that all live until some moment, and are all done with then.
// Fresh memory of that size would be zeroed by the kernel and counted by the collector, at twice the cost of its use.

const slabBytes = 1_048_576

export class Scratch {
  readonly #slabs: Buffer[] = []
  #slab = 0
  #end = 0

  /** `length` bytes of whatever was there before. */
  take(length: number): Buffer {
    if (length > slabBytes) return Buffer.allocUnsafeSlow(length)
    if (this.#end + length > slabBytes) {
      this.#slab += 1
      this.#end = 0
    }
    const slab = this.#slabs[this.#slab] ?? Buffer.allocUnsafeSlow(slabBytes)
    this.#slabs[this.#slab] = slab
    this.#end += length
    return slab.subarray(this.#end - length, this.#end)
  }

  /** Everything that was taken is free again. */
  reset(): void {
    this.#slab = 0
    this.#end = 0
  }
}
