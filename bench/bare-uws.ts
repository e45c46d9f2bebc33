// The control of the server bench: uWebSockets.js with nothing on top. `/echo` sends back, `/publish` fans out.
import { loadUws } from '../server/index.ts'

const { uws } = loadUws()
const options = {
  idleTimeout: 0,
  sendPingsAutomatically: false,
  maxPayloadLength: 1 << 20,
  maxBackpressure: 1 << 26,
}
uws
  .App()
  .ws('/echo', { ...options, message: (socket, message, isBinary) => void socket.send(message, isBinary) })
  .ws('/publish', {
    ...options,
    open: (socket) => void socket.subscribe('room'),
    message: (socket, message, isBinary) => void socket.publish('room', message, isBinary),
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (socket === false) throw new Error('cannot listen')
    process.stdout.write(`${JSON.stringify({ port: uws.us_socket_local_port(socket) })}\n`)
  })
