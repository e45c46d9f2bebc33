// Rejections that a case no longer awaits: each is kept for the case that it belongs to, and ends nobody's process.
import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { turn } from './deadline.ts'

/** What went wrong behind the back of one case, by the promise that told it. */
export class Strays {
  readonly #reasons = new Map<object, unknown>()

  /** Runs a case; from here on whatever it leaves behind is its own. */
  run<T>(one: () => Promise<T>): Promise<T> {
    watch()
    return current.run(this, one)
  }

  add(promise: object, reason: unknown): void {
    this.#reasons.set(promise, reason)
  }

  /** It was awaited after all. */
  forget(promise: object): void {
    this.#reasons.delete(promise)
  }

  /** What nobody has awaited until now. */
  async reasons(): Promise<unknown[]> {
    // Node tells of a rejection when its turn is over.
    await turn()
    return [...this.#reasons.values()]
  }
}

const current = new AsyncLocalStorage<Strays>()
const owners = new WeakMap<object, Strays>()
let isWatching = false

/** Stays for the life of the process: what a case left behind may fail at any time. */
function watch(): void {
  if (isWatching) return
  isWatching = true
  // A rejection comes without the context that its promise was made in, so that is written down before.
  createHook({
    init(_asyncId, type, _triggerId, promise: object) {
      const owner = type === 'PROMISE' ? current.getStore() : undefined
      if (owner) owners.set(promise, owner)
    },
  }).enable()
  process.on('unhandledRejection', (reason, promise) => {
    const owner = owners.get(promise)
    if (owner) owner.add(promise, reason)
    // No promise of ours: what would have happened without this listener.
    else if (process.listenerCount('unhandledRejection') === 1) throw reason
  })
  process.on('rejectionHandled', (promise) => owners.get(promise)?.forget(promise))
}
