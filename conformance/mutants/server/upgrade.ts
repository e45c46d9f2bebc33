// From an HTTP request to a WebSocket: SPEC.md#handshake-and-authentication.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Encoding, subprotocols } from '../../../protocol/index.ts'
import { WebSocketServer } from 'ws'
import type { ChatServer } from './server.ts'

/** Of a peer that does not answer the close frame. */
const mostFragments = 16_384
const ending = { closeTimeout: 5_000 }

export class Upgrader {
  readonly #server: ChatServer
  readonly #webSockets: WebSocketServer

  constructor(server: ChatServer) {
    const { maxFrame } = server.options.limits
    this.#server = server
    this.#webSockets = new WebSocketServer({
      noServer: true,
      // [VAR-08] What is beyond is not read. Up to there the server itself says that it is too large.
      maxPayload: server.has('M212') || server.has('M217') ? 0 : server.has('M218') ? maxFrame : 2 * maxFrame,
      maxFragments: server.has('M216') ? 3 : server.has('M217') ? 0 : mostFragments,
      maxBufferedChunks: 0,
      skipUTF8Validation: server.has('M221'),
      perMessageDeflate: server.has('B13') || server.has('M212'),
      handleProtocols: (offers) => this.#choose([...offers]) ?? false,
      autoPong: !server.has('M213'),
      ...ending,
    })
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { server, refuse } = { server: this.#server, refuse: answer.bind(undefined, socket) }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const offers = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim())
    const isOffering = request.headers['sec-websocket-protocol'] !== undefined
    if (pathname !== '/ws') return refuse(404, { error: 'not found' })
    if (request.headers.origin !== undefined && !server.has('M155')) return refuse(403, { error: 'origin' })
    if (server.isDraining && !server.has('M153'))
      return refuse(503, { error: 'draining' }, { 'Retry-After': '1' })
    if (isOffering && !this.#choose(offers) && !server.has('M66'))
      return refuse(400, { error: 'no common subprotocol', supported: Object.values(subprotocols) })
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const isBinary = webSocket.protocol === subprotocols.cbor || (server.has('M67') && !isOffering)
      const encoding: Encoding = isBinary ? 'cbor' : 'json'
      server.open(webSocket, encoding, searchParams.get('token') ?? undefined)
    })
  }

  /** [AUTH-24] The first of the list that is spoken here. */
  #choose(offers: readonly string[]): string | undefined {
    const spoken: readonly string[] = Object.values(subprotocols)
    const known = offers.filter((one) => spoken.includes(one))
    if (this.#server.has('M66') && known.length === 0) return offers[0]
    return this.#server.has('M214') ? known.toSorted()[0] : known[0]
  }
}

const reasons: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
}

function answer(socket: Duplex, status: number, body: object, headers: Record<string, string> = {}): void {
  const text = JSON.stringify(body)
  const all = {
    'Content-Type': 'application/json',
    'Content-Length': `${Buffer.byteLength(text)}`,
    Connection: 'close',
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${reasons[status]}\r\n${lines.join('')}\r\n${text}`)
}
