// Where a message is written.
import { find } from './elements.ts'

export class Composer {
  readonly #text = find('text', HTMLTextAreaElement)

  /** `send` says what is wrong with a text that cannot be sent; it stays then. */
  constructor(send: (text: string) => string | undefined, { signal }: { signal: AbortSignal }) {
    const form = find('composer', HTMLFormElement)
    const submit = (event: Event) => {
      event.preventDefault()
      const text = this.#text.value
      if (text.trim() !== '' && send(text) === undefined) this.#text.value = ''
      this.#text.focus()
    }
    form.addEventListener('submit', submit, { signal })
    this.#text.addEventListener(
      'keydown',
      (event) => {
        // An input method uses Enter to choose a word.
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event)
      },
      { signal },
    )
  }

  focus(): void {
    this.#text.focus()
  }
}
