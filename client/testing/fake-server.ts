// The model server on real WebSockets, which can be restarted with its log.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  type ClientMessage,
  cborCodec,
  type Decoded,
  jsonCodec,
  type ServerMessage,
  subprotocols,
} from '../../protocol/index.ts'
import { ModelServer, type ModelOptions } from './model-server.ts'

export class FakeServer {
  readonly model: ModelServer
  #http: Server | undefined
  #sockets: WebSocketServer | undefined
  #port = 0

  constructor(options: Omit<ModelOptions, 'now'> = {}) {
    this.model = new ModelServer({ now: () => Date.now(), ...options })
  }

  get port(): number {
    return this.#port
  }

  async start(): Promise<void> {
    const http = createServer((_request, response) => response.writeHead(404).end())
    const handleProtocols = (offered: Set<string>) =>
      Object.values(subprotocols).find((one) => offered.has(one)) ?? false
    this.#sockets = new WebSocketServer({ server: http, path: '/ws', handleProtocols })
    this.#sockets.on('connection', (socket) => this.#serve(socket))
    this.#http = http
    http.listen(this.#port, '127.0.0.1')
    await once(http, 'listening')
    const address = http.address()
    if (typeof address === 'object' && address) this.#port = address.port
  }

  /** All connections break; what was stored is still there afterwards. */
  async restart(): Promise<void> {
    await this.stop()
    this.model.restart({ keepsLog: true })
    await this.start()
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets?.clients ?? []) socket.terminate()
    this.#sockets?.close()
    this.#http?.close()
    if (this.#http) await once(this.#http, 'close')
    this.#http = undefined
  }

  #serve(socket: WebSocket): void {
    const isBinary = socket.protocol === subprotocols.cbor
    const write = (frame: ServerMessage) => {
      const nowMs = Date.now()
      socket.send(isBinary ? Uint8Array.from(cborCodec.encode(frame, nowMs)) : jsonCodec.encode(frame, nowMs))
    }
    const connection = this.model.connect({ write, close: (code) => socket.close(code) })
    socket.on('message', (data: Buffer) => {
      const { limits } = this.model
      const decoded: Decoded<ClientMessage> = isBinary
        ? cborCodec.decodeClient(Uint8Array.from(data), limits)
        : jsonCodec.decodeClient(data.toString(), limits)
      if (decoded.ok) connection.take(decoded.message)
      else connection.close(decoded.code >= 1000 ? decoded.code : 4502)
    })
    socket.on('close', () => connection.gone())
    socket.on('error', () => {})
  }
}
