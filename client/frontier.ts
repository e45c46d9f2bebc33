// How far everything of one numbering is had: it was received, is an own message, or is not for this user.
import type { Seq } from '../protocol/index.ts'

/** Own messages that are remembered; a forgotten one is handed over when it comes back. */
const maxOwn = 10_000
const maxSkips = 100

export class Frontier {
  #at: Seq | undefined
  /** Own messages; those beyond the frontier wait for what lies before them. */
  readonly #own = new Set<Seq>()
  /** Between memberships: (`from`, `to`] is not this user's. `from` is unknown if only the return was told. */
  #skips: { from: Seq | undefined; to: Seq }[] = []

  /** Undefined: nothing is known of the conversation but perhaps own messages. */
  get at(): Seq | undefined {
    return this.#at
  }

  /** Also back, if need be. */
  moveTo(at: Seq | undefined): void {
    this.#at = at
    if (at !== undefined) this.advance(at)
  }

  /** Another numbering. */
  clear(): void {
    this.#at = undefined
    this.#own.clear()
    this.#skips = []
  }

  advance(to: Seq): void {
    let at = Math.max(to, this.#at ?? 0)
    for (let before = -1; before < at; ) {
      before = at
      while (this.#own.has(at + 1)) at += 1
      for (const { from, to } of this.#skips) if (from !== undefined && at >= from) at = Math.max(at, to)
    }
    this.#skips = this.#skips.filter((skip) => skip.to > at)
    this.#at = at
  }

  addOwn(seq: Seq): void {
    if (this.#at !== undefined && seq <= this.#at) return
    if (this.#own.size < maxOwn) this.#own.add(seq)
    // With nothing known, only the very first message says where the conversation begins.
    if (this.#at !== undefined) this.advance(this.#at)
    else if (seq === 1) this.advance(0)
  }

  /** Own messages after `seq`. */
  ownAfter(seq: Seq): Seq[] {
    return [...this.#own].filter((own) => own > seq)
  }

  /** What lies so far back does not come again. */
  forgetOwn(upTo: Seq): void {
    for (const own of this.#own) if (own <= upTo) this.#own.delete(own)
  }

  skip(from: Seq | undefined, to: Seq): void {
    if (this.#at === undefined || to <= this.#at || this.#skips.length >= maxSkips) return
    this.#skips.push({ from, to })
    this.advance(this.#at)
  }

  /** Something after `seq` came: by the order of deliveries, nothing is left of what preceded a return before it. */
  passSkips(seq: Seq): void {
    for (const { from, to } of this.#skips) if (from === undefined && to <= seq) this.advance(to)
  }
}
