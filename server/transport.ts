// The edge to uWebSockets.js: upgrades, sockets and listening.
import { existsSync } from 'node:fs'
import { ChatspecError, closes, type Encoding, subprotocols } from '../protocol/index.ts'
import type { Counters } from './counters.ts'
import type { Hub } from './hub.ts'
import type { ServerOptions } from './options.ts'
import { Outboxes, type UwsSocket } from './outbox.ts'
import { closeSession, receiveBinary, receiveText, type Session } from './session.ts'
import type { Broadcaster, Wire } from './socket.ts'
import type {
  HttpRequest,
  HttpResponse,
  ListenSocket,
  SocketContext,
  TemplatedApp,
  Uws,
  WebSocket,
} from './uws-types.ts'

interface Connection {
  encoding: Encoding
  session: Session | undefined
  socket: UwsSocket | undefined
}

export interface Transport {
  app: TemplatedApp
  broadcaster: Broadcaster
  outboxes: Outboxes
  /** @throws ChatspecError `LISTEN_FAILED` if the address is taken or not ours. */
  listen(): number
  stop(): void
}

const ours: readonly string[] = Object.values(subprotocols)

/** Past this much over the limit a message is not even received: the connection is cut. */
const oversizeBytes = 65_536

export function createTransport(uws: Uws, options: Readonly<ServerOptions>, counters: Counters): Transport {
  const app = options.tls === undefined ? uws.App() : uws.SSLApp(tlsFiles(options.tls))
  const outboxes = new Outboxes(counters)
  let listening: ListenSocket | undefined
  return {
    app,
    outboxes,
    broadcaster: {
      publish: (topic: string, frame: Wire) => void app.publish(topic, frame, typeof frame !== 'string'),
    },
    listen() {
      app.listen(options.host, options.port, (socket) => {
        if (socket !== false) listening = socket
      })
      if (listening === undefined) {
        throw new ChatspecError(
          'LISTEN_FAILED',
          `cannot listen on ${options.host}:${options.port}: in use or not ours`,
        )
      }
      return uws.us_socket_local_port(listening)
    },
    stop() {
      if (listening !== undefined) uws.us_listen_socket_close(listening)
      listening = undefined
    },
  }
}

/** uWebSockets.js says nothing about a missing file; this does. */
function tlsFiles(tls: { certFile: string; keyFile: string }): {
  cert_file_name: string
  key_file_name: string
} {
  for (const file of [tls.certFile, tls.keyFile]) {
    if (!existsSync(file)) throw new ChatspecError('BAD_OPTION', `tls: no such file: ${file}`)
  }
  return { cert_file_name: tls.certFile, key_file_name: tls.keyFile }
}

export function serveSockets(transport: Transport, hub: Hub): void {
  const { outboxes } = transport
  const { limits, maxBufferedBytes } = hub.options
  transport.app.ws<Connection>('/ws', {
    maxPayloadLength: limits.maxFrame * 2 + oversizeBytes,
    // The core keeps below its own bound; this one catches what it cannot see, by a close and never by a skip.
    maxBackpressure: maxBufferedBytes * 2 + limits.maxFrame,
    closeOnBackpressureLimit: true,
    // Deadlines are the core's, in the terms that `welcome` announced.
    idleTimeout: 0,
    sendPingsAutomatically: false,
    upgrade: (response, request, context) => upgrade(hub, response, request, context),
    open(socket) {
      const connection = socket.getUserData()
      connection.socket = outboxes.connect(socket)
      connection.session = hub.open(connection.socket, connection.encoding)
    },
    message(socket, message, isBinary) {
      const { session } = socket.getUserData()
      if (session === undefined) return
      outboxes.begin()
      try {
        if (isBinary) receiveBinary(hub, session, new Uint8Array(message))
        else receiveText(hub, session, Buffer.from(message).toString('utf8'), message.byteLength)
      } catch (cause) {
        // What comes before the handlers: one frame must not end everybody else's connections.
        hub.logger.error({ err: cause }, 'a frame could not be handled')
        closeSession(hub, session, closes.SERVER_ERROR)
      }
      outboxes.flush()
    },
    ping: (socket) => heard(hub, socket),
    pong: (socket) => heard(hub, socket),
    close(socket) {
      const { session, socket: out } = socket.getUserData()
      out?.closed()
      outboxes.begin()
      if (session !== undefined) hub.release(session)
      outboxes.flush()
    },
  })
}

function heard(hub: Hub, socket: WebSocket<Connection>): void {
  const { session } = socket.getUserData()
  if (session !== undefined) session.lastHeardMs = hub.now()
}

function upgrade(hub: Hub, response: HttpResponse, request: HttpRequest, context: SocketContext): void {
  if (hub.draining) return refuseUpgrade(response, '503 Service Unavailable', 'this node is going away')
  const origin = request.getHeader('origin')
  if (origin !== '' && !isAllowedOrigin(hub.options, origin, request.getHeader('host'))) {
    return refuseUpgrade(response, '403 Forbidden', `origin ${origin.slice(0, 256)} is not on the allow-list`)
  }
  const refusal = defectOfHandshake(request)
  if (refusal !== undefined) return refuseUpgrade(response, refusal.status, refusal.error)
  const protocol = protocolOf(request)
  if (protocol === undefined) return refuseUpgrade(response, '400 Bad Request', 'no subprotocol in common')
  const connection: Connection = {
    encoding: protocol === subprotocols.cbor ? 'cbor' : 'json',
    session: undefined,
    socket: undefined,
  }
  response.upgrade(connection, request.getHeader('sec-websocket-key'), protocol, '', context)
}

/** RFC 6455, 4.2.1: what uWebSockets.js does not look at. */
function defectOfHandshake(request: HttpRequest): { status: string; error: string } | undefined {
  if (!wantsWebSocket(request.getHeader('upgrade'), request.getHeader('connection')))
    return { status: '400 Bad Request', error: 'Upgrade: websocket and Connection: Upgrade are wanted' }
  // RFC 6455, 4.4: the answer to another version names ours.
  if (request.getHeader('sec-websocket-version') !== '13')
    return { status: '426 Upgrade Required', error: 'Sec-WebSocket-Version 13 is allowed' }
  return undefined
}

function wantsWebSocket(upgrade: string, connection: string): boolean {
  // As nearly everybody spells it.
  if (upgrade === 'websocket' && connection === 'Upgrade') return true
  return upgrade.toLowerCase() === 'websocket' && connection.toLowerCase().split(/[ ,]+/).includes('upgrade')
}

/** Going through all headers is the dearest part of an upgrade: only if the first offer holds none of ours. */
function protocolOf(request: HttpRequest): string | undefined {
  const first = request.getHeader('sec-websocket-protocol')
  const chosen = first === '' ? undefined : chooseProtocol(first)
  return chosen ?? chooseProtocol(allValues(request, 'sec-websocket-protocol'))
}

/** A list may be divided among several headers of one name; uWebSockets.js gives the first of them. */
function allValues(request: HttpRequest, wanted: string): string {
  const values: string[] = []
  request.forEach((name, value) => {
    if (name === wanted) values.push(value)
  })
  return values.join(',')
}

function refuseUpgrade(response: HttpResponse, status: string, error: string): void {
  response.cork(() => {
    response.writeStatus(status).writeHeader('Content-Type', 'application/json')
    if (status.startsWith('503')) response.writeHeader('Retry-After', '1')
    if (status.startsWith('426')) response.writeHeader('Sec-WebSocket-Version', '13')
    response.end(JSON.stringify({ error, supported: ours }), true)
  })
}

/** The first of ours that was offered, in the client's order; an empty string if none was offered at all. */
export function chooseProtocol(offered: string): string | undefined {
  if (offered === '' || ours.includes(offered)) return offered
  return offered
    .split(',')
    .map((name) => name.trim())
    .find((name) => ours.includes(name))
}

/** No Origin: not a browser. The page that this server serves may always connect to it. */
export function isAllowedOrigin(options: Readonly<ServerOptions>, origin: string, host: string): boolean {
  if (origin === '' || options.origins.includes('*') || options.origins.includes(origin)) return true
  const own = `${options.tls === undefined ? 'http' : 'https'}://${host}`
  return options.pageDir !== undefined && origin === own
}
