// What this server uses of uWebSockets.js, as versions 20.30 to 20.57 have it in common.

/** Text is sent as UTF-8. */
export type Bytes = string | ArrayBuffer | Uint8Array

/** 1: written to the kernel; 0: some of it waits in user space; 2: dropped, because too much waits already. */
export type SendResult = 0 | 1 | 2

/** Native; only to be handed back. */
export interface ListenSocket {
  readonly listenSocket?: never
}
export interface SocketContext {
  readonly socketContext?: never
}

/** Valid from `open` until `close`; from then on every method but `getUserData` throws. */
export interface WebSocket<Data> {
  /** Also writes what was published to this socket before, so that order is kept. */
  send(message: Bytes, isBinary?: boolean, compress?: boolean): SendResult
  ping(message?: Bytes): SendResult
  /** Bytes that wait in user space; the kernel's buffers are not counted. */
  getBufferedAmount(): number
  /**
   * Queues a close frame behind what waits, then shuts down; `close` is called before it returns.
   * Over maxBackpressure neither the close frame nor what waits gets out. The peer has half of idleTimeout to read.
   */
  end(code?: number, reason?: Bytes): void
  /** Cuts the connection without a close frame; `close` is called before it returns. */
  close(): void
  subscribe(topic: Bytes): boolean
  unsubscribe(topic: Bytes): boolean
  isSubscribed(topic: Bytes): boolean
  /** To every subscriber but this one, at the end of this turn of the event loop. True says nothing about drops. */
  publish(topic: Bytes, message: Bytes, isBinary?: boolean, compress?: boolean): boolean
  /** What `send` writes inside goes out in one system call; only one socket at a time can be corked. */
  cork(callback: () => void): WebSocket<Data>
  getRemoteAddressAsText(): ArrayBuffer
  getUserData(): Data
}

/** Stack-allocated: read it before the first `await` and before the handler returns. */
export interface HttpRequest {
  /** Lower-case name; an empty string if absent. */
  getHeader(name: Bytes): string
  getUrl(): string
  /** Lower case. */
  getMethod(): string
  /** The part after `?`, undecoded; undefined or empty without one. */
  getQuery(): string | undefined
  forEach(callback: (name: string, value: string) => void): void
  setYield(yields: boolean): HttpRequest
}

/** Valid until it was ended, upgraded or aborted. Who answers later must have called `onAborted` at once. */
export interface HttpResponse {
  writeStatus(status: Bytes): HttpResponse
  writeHeader(name: Bytes, value: Bytes): HttpResponse
  write(chunk: Bytes): boolean
  end(body?: Bytes, closeConnection?: boolean): HttpResponse
  endWithoutBody(contentLength?: number, closeConnection?: boolean): HttpResponse
  close(): HttpResponse
  onAborted(handler: () => void): HttpResponse
  /** The chunk is taken away when the handler returns: copy it. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): HttpResponse
  cork(callback: () => void): HttpResponse
  getRemoteAddressAsText(): ArrayBuffer
  upgrade<Data>(data: Data, key: Bytes, protocol: Bytes, extensions: Bytes, context: SocketContext): void
}

export interface WebSocketBehavior<Data> {
  /** Bytes of one message; a longer one cuts the connection without a close frame. */
  maxPayloadLength?: number
  /** Bytes that may wait in user space; while more wait, messages are dropped. */
  maxBackpressure?: number
  /** A drop cuts the connection, soon but not at once, without a close frame. */
  closeOnBackpressureLimit?: boolean
  /** Seconds without anything received (0 switches it off, else at least 8); another value ends the process. */
  idleTimeout?: number
  /** Minutes; 0 switches it off. */
  maxLifetime?: number
  sendPingsAutomatically?: boolean
  compression?: number
  upgrade?: (response: HttpResponse, request: HttpRequest, context: SocketContext) => void
  open?: (socket: WebSocket<Data>) => void
  /** The message is taken away when the handler returns: copy what is kept. */
  message?: (socket: WebSocket<Data>, message: ArrayBuffer, isBinary: boolean) => void
  /** Fewer bytes wait than before. */
  drain?: (socket: WebSocket<Data>) => void
  /** Never called by 20.30, which drops silently. */
  dropped?: (socket: WebSocket<Data>, message: ArrayBuffer, isBinary: boolean) => void
  ping?: (socket: WebSocket<Data>, message: ArrayBuffer) => void
  pong?: (socket: WebSocket<Data>, message: ArrayBuffer) => void
  close?: (socket: WebSocket<Data>, code: number, reason: ArrayBuffer) => void
}

export interface TlsOptions {
  key_file_name?: string
  cert_file_name?: string
  passphrase?: string
}

type Route = (
  pattern: string,
  handler: (response: HttpResponse, request: HttpRequest) => void,
) => TemplatedApp

export interface TemplatedApp {
  get: Route
  post: Route
  options: Route
  head: Route
  any: Route
  ws<Data>(pattern: string, behavior: WebSocketBehavior<Data>): TemplatedApp
  /** To every subscriber. In 20.30 the process dies if no `ws` route was added before. */
  publish(topic: Bytes, message: Bytes, isBinary?: boolean, compress?: boolean): boolean
  numSubscribers(topic: Bytes): number
  /** Calls back before it returns: a socket, or false if the address is taken. */
  listen(host: string, port: number, callback: (socket: ListenSocket | false) => void): TemplatedApp
}

/** The module itself. */
export interface Uws {
  App(options?: TlsOptions): TemplatedApp
  SSLApp(options: TlsOptions): TemplatedApp
  us_listen_socket_close(socket: ListenSocket): void
  us_socket_local_port(socket: ListenSocket): number
  DISABLED: number
  SHARED_COMPRESSOR: number
  SHARED_DECOMPRESSOR: number
}
