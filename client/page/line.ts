// The wire under the client, which this page can cut and hold down to show what the client does about it.
import type { WebSocketConstructor } from '../index.ts'

export class Line {
  /** What the client is to connect with. */
  readonly webSocket: WebSocketConstructor
  #isUp = true
  #socket: WebSocket | undefined

  constructor() {
    const opened = (socket: WebSocket) => {
      this.#socket = socket
    }
    const refuses = () => !this.#isUp
    this.webSocket = class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        if (refuses()) throw new Error('this page is offline')
        super(url, protocols)
        opened(this)
      }
    }
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** A browser cannot drop a connection without a word to the server; the client hears none, as if it broke. */
  cut(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.dispatchEvent(new CloseEvent('close', { code: 1006 }))
    socket?.close()
  }

  /** Cut, and no new connection until `up`. */
  down(): void {
    this.#isUp = false
    this.cut()
  }

  up(): void {
    this.#isUp = true
  }
}
