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
  #isPaused = false
  #isRunning = false
  #running: Promise<void> | undefined

  constructor(peers: HandoverPeers) {
    this.#peers = peers
  }

  add(delivery: Delivery): void {
    this.#waiting.push(delivery)
    this.resume()
  }

  /** Goes on with what waits, perhaps for a first listener. */
  resume(): void {
    if (this.#isRunning || this.#isPaused || this.#waiting.length === 0) return
    this.#isRunning = true
    this.#running = this.#run()
  }

  /** Nothing more is handed over until `start`, as after a failure; what waits keeps waiting. */
  pause(): void {
    this.#isPaused = true
  }

  start(): void {
    this.#isPaused = false
    this.resume()
  }

  /** Resolves when the message that is being handled is done; the others are dropped. */
  async stop(): Promise<void> {
    this.#isPaused = true
    await this.#running
    this.#waiting.length = 0
  }

  async #run(): Promise<void> {
    let failure: { cause: unknown } | undefined
    for (let next = this.#waiting[0]; next && !this.#isPaused; next = this.#waiting[0]) {
      if (next.type === 'message' && !this.#peers.emitter.has('message')) break
      failure = await this.#hand(next)
      if (failure) break
      this.#waiting.shift()
      if (next.type === 'message') this.#peers.handled(next.message)
    }
    // In the same step as the last look at what waits, or what comes in between would wait for ever.
    this.#isRunning = false
    if (!failure) return
    this.#isPaused = true
    this.#peers.failed(failure.cause)
  }

  async #hand(next: Delivery): Promise<{ cause: unknown } | undefined> {
    const { emitter } = this.#peers
    try {
      if (next.type === 'message') await emitter.hand('message', next.message)
      else await emitter.hand('discontinuity', next.discontinuity)
      return undefined
    } catch (cause) {
      return { cause }
    }
  }
}
