// The divider where messages are missing, and the button that asks the log for them.
import type { Seq } from '../../protocol/index.ts'
import type { Discontinuity } from '../index.ts'
import { make } from './elements.ts'
import { gapInWords } from './words.ts'

export class Gap {
  readonly element = make('li', { className: 'gap', testId: 'discontinuity' })
  readonly #text = make('span')
  readonly #button = make('button', { className: 'quiet', testId: 'fill-gap', text: 'Load them' })
  #gap: Discontinuity

  constructor(gap: Discontinuity, fill: (gap: Gap) => void) {
    this.#gap = gap
    this.#button.type = 'button'
    this.#button.addEventListener('click', () => fill(this))
    this.element.append(this.#text)
    if (!this.isNewCount) this.element.append(this.#button)
    this.#show()
  }

  /** What follows has numbers of its own, and what is missing is in no log. */
  get isNewCount(): boolean {
    return this.#gap.reason === 'epoch' || this.#gap.reason === 'future'
  }

  get epoch(): string {
    return this.#gap.epoch
  }

  get from(): Seq {
    return this.#gap.from
  }

  get to(): Seq {
    return this.#gap.to
  }

  /** What is missing ends at `to` now; `isFinal`: the log has none of the rest. */
  shrink(to: Seq, { isFinal }: { isFinal: boolean }): void {
    this.#gap = { ...this.#gap, to }
    if (isFinal) this.#button.remove()
    this.#show()
  }

  #show(): void {
    this.#text.textContent = gapInWords(this.#gap)
  }
}
