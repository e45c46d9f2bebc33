// Hands messages to the application, one after the other, each only when the one before was handled.
import type { Msg } from '../protocol/index.ts'
import type { Delivery } from './effects.ts'
import type { Emitter } from './emitter.ts'
import type { ClientEvents } from './options.ts'

export interface HandoverPeers {
  emitter: Emitter<ClientEvents>
  handled: (message: Msg) => void
  failed: (cause: unknown) => void
}

export class Handover {
  readonly #peers: HandoverPeers
  /** Bounded by the server's window, which nothing leaves before it was handled. */
  readonly #waiting: Delivery[] = []
  #running: Promise<void> | undefined
  #isStopped = false

  constructor(peers: HandoverPeers) {
    this.#peers = peers
  }

  add(delivery: Delivery): void {
    this.#waiting.push(delivery)
    this.resume()
  }

  /** Goes on with what waits: for a first listener, or because one has failed. */
  resume(): void {
    if (this.#running || this.#isStopped || this.#waiting.length === 0) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when the message that is being handled is done; the others are dropped. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
    this.#waiting.length = 0
  }

  async #run(): Promise<void> {
    const { emitter, handled, failed } = this.#peers
    for (let next = this.#waiting[0]; next && !this.#isStopped; next = this.#waiting[0]) {
      try {
        if (next.type === 'discontinuity') await emitter.hand('discontinuity', next.discontinuity)
        else if (emitter.has('message')) await emitter.hand('message', next.message)
        else return
      } catch (cause) {
        failed(cause)
        return
      }
      this.#waiting.shift()
      if (next.type === 'message') handled(next.message)
    }
  }
}
