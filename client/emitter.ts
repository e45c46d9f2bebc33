// Typed events: listeners are called in the order in which they were added.

export type Listener<Argument> = (argument: Argument) => void | Promise<void>

export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()

  /** The result takes the listener off again. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const own: Listener<Events[Name]> = (argument) => listener(argument)
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(own))
    return () => void listeners.delete(own)
  }

  has(name: keyof Events): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0
  }

  /** Calls each listener after the one before has finished. @throws what a listener throws. */
  async hand<Name extends keyof Events>(name: Name, argument: Events[Name]): Promise<void> {
    for (const listener of this.#of(name)) await listener(argument)
  }

  /** A listener that fails is the application's uncaught error; it does not reach the client. */
  emit<Name extends keyof Events>(name: Name, argument: Events[Name]): void {
    for (const listener of this.#of(name)) {
      new Promise<void>((resolve) => resolve(listener(argument))).catch((cause: unknown) => {
        queueMicrotask(() => {
          throw cause
        })
      })
    }
  }

  #of<Name extends keyof Events>(name: Name): Listener<Events[Name]>[] {
    return [...(this.#listeners.get(name) ?? [])] as Listener<Events[Name]>[]
  }
}
