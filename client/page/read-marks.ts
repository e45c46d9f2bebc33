// Decides when a message was read: its end is in view and the tab is visible.
import type { Seq } from '../../protocol/index.ts'

export class ReadMarks {
  readonly #inView = new Set<Element>()
  readonly #seqs = new Map<Element, Seq>()
  /** The epoch of the last message; those of an earlier one have no position in this one. */
  #epoch = ''
  readonly #observer: IntersectionObserver
  readonly #read: (seq: Seq) => void

  constructor(read: (seq: Seq) => void, { signal }: { signal: AbortSignal }) {
    this.#read = read
    this.#observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) this.#inView.add(target)
        else this.#inView.delete(target)
      }
      this.#tell()
    })
    document.addEventListener('visibilitychange', () => this.#tell(), { signal })
    signal.addEventListener('abort', () => this.clear())
  }

  watch(element: Element, { epoch, seq }: { epoch: string; seq: Seq }): void {
    if (epoch !== this.#epoch) this.clear()
    this.#epoch = epoch
    this.#seqs.set(element, seq)
    this.#observer.observe(element)
  }

  clear(): void {
    this.#observer.disconnect()
    this.#inView.clear()
    this.#seqs.clear()
  }

  #tell(): void {
    if (document.visibilityState !== 'visible' || this.#inView.size === 0) return
    let seq = 0
    for (const element of this.#inView) {
      seq = Math.max(seq, this.#seqs.get(element) ?? 0)
      this.#seqs.delete(element)
      this.#observer.unobserve(element)
    }
    this.#inView.clear()
    this.#read(seq)
  }
}
