// The wire against a strict WebSocket server (ws) and against bare TCP servers that misbehave.
import { createHash } from 'node:crypto'
import { createServer as createHttp } from 'node:http'
import { createServer as createTcp, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { afterAll, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { selfSignedCertificate } from './testing/certificate.ts'
import { listen, reset } from './testing/listen.ts'
import { Trace } from './trace.ts'
import { type UpgradeOptions, upgrade } from './upgrade.ts'
import type { Wire, WireMessage } from './wire.ts'
import { encodeFrame, opcodes } from './ws-frames.ts'

const open: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const one of open) await one.close()
})
const soonMs = 5_000

interface Peer {
  wire: Wire
  /** The server's side of the same connection. */
  socket: WebSocket
  tcp: Socket
  trace: Trace
  /** What the server got so far, and what the wire got so far. */
  atServer: string[]
  atWire: WireMessage[]
}

/** A wire to a strict server. */
async function peer(more: Partial<UpgradeOptions> = {}, server: object = {}): Promise<Peer> {
  const http = createHttp()
  const sockets = new WebSocketServer({ server: http, ...server })
  const connected = new Promise<WebSocket>((resolve) => sockets.once('connection', resolve))
  const dialed = new Promise<Socket>((resolve) => http.once('connection', resolve))
  const started = await listen(http)
  open.push(started)
  const trace = new Trace()
  const url = new URL(`ws://${started.host}/ws`)
  const opened = await upgrade({ url, timeoutMs: soonMs, trace, label: 'wire', ...more })
  if (opened.kind !== 'open') throw new Error(JSON.stringify(opened))
  const atWire: WireMessage[] = []
  opened.wire.onMessage = (message) => atWire.push(message)
  const socket = await connected
  const atServer: string[] = []
  socket.on('message', (data) => atServer.push(data.toString()))
  socket.on('error', () => {})
  return { wire: opened.wire, socket, tcp: await dialed, trace, atServer, atWire }
}

/** A wire to a server that upgrades and then writes `bytes`. */
async function misbehaving(
  bytes: Buffer,
  head = '',
  more = (_socket: Socket): unknown => undefined,
): Promise<Wire> {
  const server = createTcp({ allowHalfOpen: true }, (socket) => {
    more(socket)
    socket.once('data', (request) => {
      const key = /Sec-WebSocket-Key: (\S+)/.exec(request.toString())?.[1]
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      const lines = ['HTTP/1.1 101 Go', 'Upgrade: websocket', `Sec-WebSocket-Accept: ${accept}`, head]
      socket.write(Buffer.concat([Buffer.from(`${lines.filter(Boolean).join('\r\n')}\r\n\r\n`), bytes]))
    })
  })
  const started = await listen(server)
  open.push(started)
  const url = new URL(`ws://${started.host}/ws`)
  const opened = await upgrade({ url, timeoutMs: soonMs, trace: new Trace(), label: 'wire' })
  if (opened.kind !== 'open') throw new Error(JSON.stringify(opened))
  return opened.wire
}

/** Waits for a condition, until a deadline. */
async function until(holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + soonMs
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${soonMs} ms: ${holds}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('text and binary messages go both ways', async () => {
  const { wire, socket, atServer, atWire } = await peer()
  wire.writeFrame({ opcode: opcodes.text, payload: Buffer.from('hello') })
  socket.send('to the wire')
  socket.send(Buffer.from([1, 2]))
  await until(() => atServer.length === 1 && atWire.length === 2)
  expect(atServer).toEqual(['hello'])
  expect(atWire.map(({ kind }) => kind)).toEqual(['text', 'binary'])
})

test('a message in fragments, with pings between them, arrives whole', async () => {
  const { wire, atServer } = await peer()
  const parts = ['frag', '', 'ments'].map((part) => Buffer.from(part))
  wire.writeFragments('text', parts, [{ opcode: opcodes.ping, payload: Buffer.from('p') }])
  await until(() => atServer.length === 1)
  expect(atServer).toEqual(['fragments'])
  expect(await wire.controls.take(({ kind }) => kind === 'pong', soonMs)).toMatchObject({ ok: true })
})

test('frames in slices of single bytes arrive whole', async () => {
  const { wire, atServer } = await peer()
  const frames = ['one', 'two'].map((text) => ({ opcode: opcodes.text, payload: Buffer.from(text) }))
  await wire.writeSliced(frames)
  await until(() => atServer.length === 2)
  expect(atServer).toEqual(['one', 'two'])
})

test('what is written during the slices comes behind them', async () => {
  const { wire, atServer } = await peer()
  const slicing = wire.writeSliced([{ opcode: opcodes.text, payload: Buffer.from('in slices') }])
  wire.writeFrame({ opcode: opcodes.text, payload: Buffer.from('meanwhile') })
  await slicing
  await until(() => atServer.length === 2)
  expect(atServer).toEqual(['in slices', 'meanwhile'])
})

test.each([
  ['unmasked', { opcode: opcodes.text, mask: false }, 1002],
  ['with a reserved bit', { opcode: opcodes.text, rsv: 2 }, 1002],
  ['of a reserved opcode', { opcode: 11 }, 1002],
  ['with text that is not UTF-8', { opcode: opcodes.text, payload: Buffer.from([0xff]) }, 1007],
])('a frame %s is written as it is, and the close that it earns is read', async (_what, frame, code) => {
  const { wire } = await peer()
  wire.writeFrame(frame)
  expect(await wire.ended(soonMs)).toMatchObject({ how: 'closed', code, wasReset: false })
})

test('pings are answered unless that is switched off', async () => {
  const { wire, socket } = await peer()
  let pongs = 0
  socket.on('pong', () => pongs++)
  socket.ping('1')
  await until(() => pongs === 1)
  wire.autoPong = false
  socket.ping('2')
  await wire.controls.take(({ payload }) => payload.toString() === '2', soonMs)
  socket.close(1000)
  await wire.ended(soonMs)
  expect(pongs).toBe(1)
})

test('a close by the server is echoed, with code and reason in the end', async () => {
  const { wire, socket } = await peer()
  const echoed = new Promise((resolve) => socket.once('close', resolve))
  socket.close(4502, 'bad frame')
  expect(await wire.ended(soonMs)).toMatchObject({ how: 'closed', code: 4502, reason: 'bad frame' })
  expect(await echoed).toBe(4502)
})

test('a server that dies without a close frame is told from one that closes', async () => {
  const { wire, socket } = await peer()
  socket.terminate()
  expect(await wire.ended(soonMs)).toMatchObject({ how: 'dropped', code: 1006 })
})

test('a reset is told from an orderly end, also right behind the last bytes', async () => {
  for (const last of ['', 'last words']) {
    const { wire, socket, tcp } = await peer()
    if (last) socket.send(last)
    reset(tcp)
    expect(await wire.ended(soonMs)).toMatchObject({ how: 'reset', code: 1006, wasReset: true })
  }
})

test('a cut reaches the server as a reset', async () => {
  const { wire, tcp } = await peer()
  const reset = new Promise((resolve) =>
    tcp.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
  )
  wire.cut()
  expect(await reset).toBe('ECONNRESET')
  expect(await wire.ended(soonMs)).toMatchObject({ how: 'cut' })
})

test('after a half-close the rest can still be read', async () => {
  const lastWords = encodeFrame({ opcode: opcodes.text, payload: Buffer.from('last words'), mask: false })
  const wire = await misbehaving(Buffer.alloc(0), '', (socket) =>
    socket.once('end', () => socket.end(lastWords)),
  )
  const read = new Promise<WireMessage>((resolve) => {
    wire.onMessage = resolve
  })
  wire.halfClose()
  expect((await read).payload.toString()).toBe('last words')
  expect(await wire.ended(soonMs)).toMatchObject({ how: 'dropped' })
})

test('a half-closed wire can be cut', async () => {
  const { wire, atServer } = await peer()
  wire.writeFrame({ opcode: opcodes.text, payload: Buffer.from('hello') })
  await until(() => atServer.length === 1)
  wire.halfClose()
  // The FIN has been asked for and is not out yet: now libuv refuses to reset.
  wire.cut()
  expect(await wire.ended(soonMs)).toMatchObject({ how: 'cut' })
})

test('a frozen wire reads nothing until it thaws', async () => {
  const { wire, socket, atWire } = await peer()
  wire.freeze()
  const chunk = 'x'.repeat(1_000_000)
  for (let count = 0; count < 20; count++) socket.send(chunk)
  await until(() => socket.bufferedAmount > 0)
  const other = await peer()
  other.wire.writeFrame({ opcode: opcodes.text, payload: Buffer.from('meanwhile') })
  await until(() => other.atServer.length === 1)
  expect(atWire.length).toBe(0)
  wire.thaw()
  await until(() => atWire.length === 20)
})

test('messages behind the handshake in one segment are not lost', async () => {
  const wire = await misbehaving(
    encodeFrame({ opcode: opcodes.text, payload: Buffer.from('early'), mask: false }),
  )
  const early = new Promise<WireMessage>((resolve) => {
    wire.onMessage = resolve
  })
  expect((await early).payload.toString()).toBe('early')
})

test.each([
  ['a server frame is masked', encodeFrame({ opcode: opcodes.text }), ''],
  ['fragments of two messages are mixed', encodeFrame({ opcode: opcodes.continuation, mask: false }), ''],
  ['a data frame has reserved bits 4', encodeFrame({ opcode: opcodes.text, rsv: 4, mask: false }), ''],
  ['the subprotocol chat was not offered', Buffer.alloc(0), 'Sec-WebSocket-Protocol: chat'],
  ['an extension was agreed that was not offered', Buffer.alloc(0), 'Sec-WebSocket-Extensions: x'],
])('a server that breaks RFC 6455 is caught: %s', async (violation, bytes, head) => {
  const wire = await misbehaving(bytes, head)
  await until(() => wire.violation !== undefined)
  expect(wire.violation).toBe(violation)
})

test('compressed messages are inflated once that was agreed', async () => {
  const { socket, atWire } = await peer({ compress: true }, { perMessageDeflate: { threshold: 0 } })
  const text = 'the same again '.repeat(500)
  socket.send(text)
  socket.send(text)
  await until(() => atWire.length === 2)
  expect(atWire.map(({ payload }) => payload.toString())).toEqual([text, text])
})

test('TLS carries the same frames, and a cut below it', async () => {
  const server = createTls(selfSignedCertificate())
  const sockets = new WebSocketServer({ noServer: true })
  const http = createHttp()
  http.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (one) =>
      one.on('message', (data) => one.send(data.toString())),
    ),
  )
  server.on('secureConnection', (socket) => http.emit('connection', socket))
  const { host, close } = await listen(server)
  open.push({ close })
  const options = { timeoutMs: soonMs, trace: new Trace(), label: 'wire', insecure: true }
  const opened = await upgrade({ url: new URL(`wss://${host}/ws`), ...options })
  if (opened.kind !== 'open') throw new Error(JSON.stringify(opened))
  const echoed = new Promise<WireMessage>((resolve) => {
    opened.wire.onMessage = resolve
  })
  opened.wire.writeFrame({ opcode: opcodes.text, payload: Buffer.from('through TLS') })
  expect((await echoed).payload.toString()).toBe('through TLS')
  opened.wire.cut()
  expect(await opened.wire.ended(soonMs)).toMatchObject({ how: 'cut' })
})
