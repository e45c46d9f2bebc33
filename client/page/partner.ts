// The head of the page: whom one talks to, and whether they are there.
import type { Presence, Receipt, Seq } from '../../protocol/index.ts'
import type { SentInfo } from '../index.ts'
import { find } from './elements.ts'

export class Partner {
  readonly #name = find('partner', HTMLHeadingElement)
  readonly #letter = find('avatar-letter', HTMLSpanElement)
  readonly #dot = find('presence-dot', HTMLSpanElement)
  readonly #presence = find('presence', HTMLParagraphElement)
  readonly #online = new Set<string>()
  /** By conversation, the first message that this connection brought to the server. */
  readonly #brought = new Map<string, { epoch: string; seq: Seq }>()
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
    this.#brought.clear()
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

  /** A live sign of a user; the server announces nobody for a conversation that has just begun. */
  heard(user: string): void {
    this.#online.add(user)
    this.#show()
  }

  sent({ conv, epoch, seq, duplicate }: SentInfo): void {
    if (!duplicate && !this.#brought.has(conv)) this.#brought.set(conv, { epoch, seq })
  }

  /** A live sign only if nobody could have got the message before; what was missed may be told again at any time. */
  receipt({ conv, epoch, seq, user }: Receipt): void {
    const brought = this.#brought.get(conv)
    if (brought?.epoch === epoch && seq >= brought.seq) this.heard(user)
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
