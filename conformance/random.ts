// Randomness from a seed, so that a run can be repeated.

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A stream of its own for every name under one seed. */
  static derive(seed: number, name: string): Random {
    let hash = seed >>> 0
    for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
    return new Random(hash)
  }

  /** From 0 up to but not including 1 (mulberry32). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** An integer from `lowest` to `highest`, both included. */
  integer(lowest: number, highest: number): number {
    return lowest + Math.floor(this.fraction() * (highest - lowest + 1))
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.integer(0, items.length - 1)] as T
  }

  /** A new list in random order. */
  shuffled<T>(items: readonly T[]): T[] {
    const order = items.map((item) => ({ item, at: this.fraction() }))
    return order.sort((a, b) => a.at - b.at).map(({ item }) => item)
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.integer(0, 255))
  }

  /** Text of `characters` characters that need from one to four bytes each in UTF-8. */
  text(characters: number): string {
    const alphabet = [...'abc xyz019.\n"\\äßñλжא中€→\u0000\u202e😀👩🏽']
    return Array.from({ length: characters }, () => alphabet[this.integer(0, alphabet.length - 1)]).join('')
  }
}
