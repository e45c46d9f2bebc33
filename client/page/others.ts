// Conversations that are not on the page but have news: a row of buttons that open them.
import { count } from './words.ts'
import { find, make } from './elements.ts'

export class Others {
  readonly #nav = find('others', HTMLElement)
  readonly #buttons = new Map<string, { button: HTMLButtonElement; unread: number }>()
  readonly #open: (to: string) => void

  constructor(open: (to: string) => void) {
    this.#open = open
    this.#nav.replaceChildren()
    this.#nav.hidden = true
  }

  /** A message came from there. */
  news(to: string): void {
    const known = this.#buttons.get(to)
    const unread = (known?.unread ?? 0) + 1
    const button = known?.button ?? this.#add(to)
    button.textContent = `${to}: ${count(unread, 'new message')}`
    this.#buttons.set(to, { button, unread })
    this.#nav.hidden = false
  }

  opened(to: string): void {
    this.#buttons.get(to)?.button.remove()
    this.#buttons.delete(to)
    this.#nav.hidden = this.#buttons.size === 0
  }

  #add(to: string): HTMLButtonElement {
    const button = make('button', { className: 'quiet', testId: 'other' })
    button.addEventListener('click', () => this.#open(to))
    this.#nav.append(button)
    return button
  }
}
