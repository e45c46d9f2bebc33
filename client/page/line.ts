// The wire under the client, which this page can cut to show what the client does about it.
import type { WebSocketConstructor } from '../index.ts'

export class Line {
  /** What the client is to connect with. */
  readonly webSocket: WebSocketConstructor
  #socket: WebSocket | undefined

  constructor() {
    const opened = (socket: WebSocket) => {
      this.#socket = socket
    }
    this.webSocket = class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols)
        opened(this)
      }
    }
  }

  /** A browser cannot drop a connection without a word to the server; the client hears none, as if it broke. */
  cut(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.dispatchEvent(new CloseEvent('close', { code: 1006 }))
    socket?.close()
  }
}
