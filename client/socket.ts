// One WebSocket of the platform, speaking frames: encodes, decodes, and falls silent once it is closed.
import {
  ChatspecError,
  type ClientMessage,
  cborCodec,
  type Decoded,
  type DecodeLimits,
  defaultLimits,
  type Encoding,
  errors,
  jsonCodec,
  plainUtf8,
  type ServerMessage,
  subprotocols,
} from '../protocol/index.ts'

/** What browsers, Node 22 and the package `ws` have in common. */
export interface WebSocketLike {
  binaryType: string
  readonly protocol: string
  addEventListener(type: 'open' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike

export interface SocketListener {
  opened: () => void
  frame: (frame: ServerMessage) => void
  badFrame: (message: string) => void
  closed: (code: number, message: string) => void
}

/**
 * The platform's own WebSocket, or that of the package `ws`.
 * @throws ChatspecError NO_WEBSOCKET
 */
export async function findWebSocket(): Promise<WebSocketConstructor> {
  const platform: { WebSocket?: WebSocketConstructor } = globalThis
  if (platform.WebSocket) return platform.WebSocket
  try {
    return (await import('ws')).WebSocket
  } catch (cause) {
    throw new ChatspecError('NO_WEBSOCKET', 'no global WebSocket (Node 22 has one) and no package `ws`', {
      cause,
    })
  }
}

export class Socket {
  readonly #socket: WebSocketLike
  readonly #encoding: Encoding
  #listener: SocketListener | undefined
  /** Until `welcome` says more. */
  #limits: DecodeLimits = defaultLimits

  constructor(
    options: { url: string; encoding: Encoding; webSocket: WebSocketConstructor },
    listener: SocketListener,
  ) {
    this.#encoding = options.encoding
    this.#listener = listener
    this.#socket = new options.webSocket(options.url, [subprotocols[options.encoding]])
    this.#socket.binaryType = 'arraybuffer'
    this.#socket.addEventListener('open', () => this.#opened())
    this.#socket.addEventListener('message', (event: { data: unknown }) => this.#message(event.data))
    // Without a listener `ws` throws; what went wrong shows in the close that follows.
    this.#socket.addEventListener('error', () => {})
    this.#socket.addEventListener('close', (event: { code: number; reason: string }) => {
      this.#detach()?.closed(event.code, event.reason)
    })
  }

  /** False if the frame is longer than the server takes: it would end the connection, so it is not written. */
  send(frame: ClientMessage): boolean {
    const nowMs = Date.now()
    const wire =
      this.#encoding === 'json' ? jsonCodec.encode(frame, nowMs) : ownBytes(cborCodec.encode(frame, nowMs))
    const bytes = typeof wire === 'string' ? utf8Bytes(wire, this.#limits.maxFrame) : wire.length
    if (bytes > this.#limits.maxFrame) return false
    if (this.#listener) this.#socket.send(wire)
    return true
  }

  /** Nothing is reported afterwards, whatever the closing handshake does. */
  close(code: number, message: string): void {
    this.#detach()
    // Of the protocol's codes a client may name only this one.
    this.#socket.close(code >= 3000 ? code : 1000, message)
  }

  #opened(): void {
    const expected = subprotocols[this.#encoding]
    const { protocol } = this.#socket
    // A server that names no subprotocol speaks JSON.
    if (protocol === expected || (protocol === '' && this.#encoding === 'json')) this.#listener?.opened()
    else this.#listener?.badFrame(`the server speaks ${protocol || 'no subprotocol'}, not ${expected}`)
  }

  #message(data: unknown): void {
    const decoded = this.#decode(data)
    if (decoded === undefined) {
      this.#listener?.badFrame(`a ${typeof data} message on a connection that speaks ${this.#encoding}`)
    } else if (decoded.ok) {
      if (decoded.message.type === 'welcome') this.#limits = decoded.message.limits
      this.#listener?.frame(decoded.message)
    } else if (decoded.code !== errors.UNKNOWN_TYPE.code) {
      this.#listener?.badFrame(`${decoded.rule}: ${decoded.detail}`)
    }
  }

  #decode(data: unknown): Decoded<ServerMessage> | undefined {
    if (this.#encoding === 'json') {
      return typeof data === 'string' ? jsonCodec.decodeServer(data, this.#limits) : undefined
    }
    return data instanceof ArrayBuffer
      ? cborCodec.decodeServer(new Uint8Array(data), this.#limits)
      : undefined
  }

  #detach(): SocketListener | undefined {
    const listener = this.#listener
    this.#listener = undefined
    return listener
  }
}

/** Exact only where it matters: a UTF-16 unit takes at most three bytes. */
function utf8Bytes(text: string, limit: number): number {
  return text.length * 3 <= limit ? text.length : plainUtf8.byteLength(text)
}

/** A codec may reuse its buffer for the next frame; a socket may not have written this one by then. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
