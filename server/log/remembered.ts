// What the memory log knows of (from, msgId): the messages of the window, found by their ids.
import type { Message } from '../../protocol/index.ts'
import type { LogOptions } from '../log.ts'

type Id = Pick<Message, 'from' | 'msgId'>

export class Remembered {
  readonly #options: LogOptions
  /** In the order in which they were stored: what expires first comes first. */
  readonly #messages = new Map<string, Message>()

  constructor(options: LogOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#messages.size
  }

  find(id: Id): Message | undefined {
    const message = this.#messages.get(nameOf(id))
    return message === undefined || this.#isExpired(message) ? undefined : message
  }

  /** One that `find` did not find. */
  add(message: Message): void {
    const name = nameOf(message)
    // An expired one goes first, so that this one comes last.
    this.#messages.delete(name)
    this.#messages.set(name, message)
  }

  /** Drops what is out of the window. */
  forget(atMost: number): void {
    let left = atMost
    for (const [name, message] of this.#messages) {
      if (left === 0 || !this.#isExpired(message)) return
      this.#messages.delete(name)
      left -= 1
    }
  }

  #isExpired(message: Message): boolean {
    return this.#options.now() - message.timestamp > this.#options.dedupWindowMs
  }
}

function nameOf({ from, msgId }: Id): string {
  return `${from}\0${msgId}`
}
