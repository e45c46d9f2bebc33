// The head of the page: whom one talks to, and whether they are there.
import type { Presence } from '../../protocol/index.ts'
import { find } from './elements.ts'

export class Partner {
  readonly #name = find('partner', HTMLHeadingElement)
  readonly #letter = find('avatar-letter', HTMLSpanElement)
  readonly #dot = find('presence-dot', HTMLSpanElement)
  readonly #presence = find('presence', HTMLParagraphElement)
  readonly #online = new Set<string>()
  #to = ''
  #isToldOfPresence = false
  #hasMet = false

  open(to: string): void {
    this.#to = to
    this.#hasMet = false
    const name = to.replace(/^g:/, '')
    this.#name.textContent = name
    this.#name.title = name
    this.#letter.textContent = name.charAt(0).toUpperCase()
    document.title = `${name} · chatspec`
    this.#show()
  }

  /** After it the server tells who is there, and then who comes and goes. */
  live(caps: readonly string[]): void {
    this.#online.clear()
    this.#isToldOfPresence = caps.includes('presence')
    this.#show()
  }

  lost(): void {
    this.#isToldOfPresence = false
    this.#show()
  }

  /** There are messages: the server counts the two as acquainted, and its silence means that the other is away. */
  met(): void {
    this.#hasMet = true
    this.#show()
  }

  presence({ user, state }: Presence): void {
    if (state === 'online') this.#online.add(user)
    else this.#online.delete(user)
    if (user === this.#to) this.#hasMet = true
    this.#show()
  }

  #show(): void {
    const state = this.#state()
    this.#dot.dataset.state = state
    this.#presence.dataset.state = state
    const text = state === 'unknown' ? '' : state
    if (this.#presence.textContent !== text) this.#presence.textContent = text
  }

  #state(): 'group' | 'unknown' | 'online' | 'offline' {
    if (this.#to.startsWith('g:')) return 'group'
    if (!this.#isToldOfPresence) return 'unknown'
    if (this.#online.has(this.#to)) return 'online'
    return this.#hasMet ? 'offline' : 'unknown'
  }
}
