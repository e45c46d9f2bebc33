// Whatever is not a chatspec server gets one clear sentence, soon.
import { createServer as createHttp } from 'node:http'
import { createServer as createTcp, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { afterAll, expect, test as sequential } from 'vitest'
import { WebSocketServer } from 'ws'
import { ChatspecError, closes, jsonCodec } from '../protocol/index.ts'
import { preflight } from './preflight.ts'
import { resolveTarget } from './target.ts'
import { selfSignedCertificate } from './testing/certificate.ts'
import { fakeSecret, startFakeServer } from './testing/fake-server.ts'
import { type Listening, listen, reset } from './testing/listen.ts'

const open: { close(): Promise<void> }[] = []
// Most of the time is spent waiting for servers that say nothing.
const test = sequential.concurrent
afterAll(async () => {
  for (const one of open.splice(0)) await one.close()
})

/** What the first contact ends in, and how long it took. */
async function contact(url: string, more: object = {}) {
  const target = resolveTarget({ url, tokens: { secret: fakeSecret }, ...more })
  const beganMs = performance.now()
  const result = await preflight(target, ['json', 'cbor'], 'probe').catch((error: unknown) => error)
  expect(performance.now() - beganMs).toBeLessThan(15_000)
  return result
}

async function sentence(url: string, more: object = {}): Promise<string> {
  const error = await contact(url, more)
  if (!(error instanceof ChatspecError)) throw new Error(`no ChatspecError but ${JSON.stringify(error)}`)
  expect(error.message, 'one sentence').toMatch(/^[^\n]+\.$/)
  return `${error.code}: ${error.message}`
}

async function listening(server: Parameters<typeof listen>[0]): Promise<Listening> {
  const started = await listen(server)
  open.push(started)
  return started
}

/** A WebSocket server that does `onConnection` and nothing else. */
async function webSocketServer(onConnection: (socket: import('ws').WebSocket) => void): Promise<string> {
  const http = createHttp()
  const server = new WebSocketServer({ server: http, handleProtocols: (asked) => [...asked][0] ?? false })
  server.on('connection', onConnection)
  return (await listening(http)).host
}

test('an encoding that is not to be judged is known nevertheless, if it is spoken', async () => {
  for (const encodings of [['json'], ['json', 'cbor']] as const) {
    const server = await startFakeServer({ encodings })
    open.push(server)
    const target = resolveTarget({ url: server.url, tokens: { secret: fakeSecret } })
    expect(await preflight(target, ['json'], 'probe')).toMatchObject({ encodings })
  }
})

test('a chatspec server says what it promises', async () => {
  const server = await startFakeServer({ caps: ['durability=memory', 'fence'] })
  open.push(server)
  expect(await contact(server.url)).toMatchObject({
    capabilities: ['durability=memory', 'fence'],
    encodings: ['json', 'cbor'],
    limits: { maxFrame: 131_072 },
  })
})

test('a server that speaks one encoding only is judged in that one', async () => {
  const server = await startFakeServer({ encodings: ['cbor'] })
  open.push(server)
  expect(await contact(server.url)).toMatchObject({ encodings: ['cbor'] })
})

test('a closed port is named', async () => {
  const server = await listen(createTcp())
  await server.close()
  expect(await sentence(server.host)).toBe(`REFUSED: Nothing listens at ${server.host} (ECONNREFUSED).`)
})

test('a host name that does not exist is named', async () => {
  expect(await sentence('ws://no-such-host.invalid')).toMatch(
    /^HOST_UNKNOWN: The name of no-such-host\.invalid cannot be resolved \((ENOTFOUND|EAI_AGAIN)\)\.$/,
  )
})

test('a port that accepts and says nothing is left soon', async () => {
  const { host } = await listening(createTcp())
  expect(await sentence(host)).toBe(
    `NO_ANSWER: ${host} accepts connections but says nothing: no answer within 4000 ms.`,
  )
})

test('a port that accepts and hangs up is named', async () => {
  const { host } = await listening(createTcp((socket) => socket.end()))
  expect(await sentence(host)).toMatch(/^CLOSED: .* ends the connection instead of answering the upgrade: /)
})

test('a port that resets is named', async () => {
  const { host } = await listening(createTcp((socket) => socket.once('data', () => reset(socket))))
  expect(await sentence(host)).toMatch(/^CLOSED: .* ends the connection .*ECONNRESET/)
})

test('a port that speaks something else than HTTP is quoted', async () => {
  const { host } = await listening(createTcp((socket) => socket.write('220 mail ESMTP\r\n')))
  expect(await sentence(host)).toMatch(/^NOT_WEBSOCKET: .* does not speak HTTP: .*"220 mail ESMTP/)
})

test('an HTTP server without WebSocket shows its status', async () => {
  const { host } = await listening(createHttp((_request, response) => response.end('<html>')))
  expect(await sentence(`http://${host}`)).toBe(
    `NOT_WEBSOCKET: ${host} answers the upgrade at /ws with HTTP 200: an HTTP server, but no WebSocket endpoint.`,
  )
})

test('a wrong path shows 404', async () => {
  const { host } = await listening(createHttp((_request, response) => response.writeHead(404).end()))
  expect(await sentence(`${host}/chat`)).toBe(`WRONG_PATH: ${host} has nothing at the path /chat (HTTP 404).`)
})

test('an HTTP error whose body never ends is left soon', async () => {
  const { host } = await listening(createHttp((_request, response) => response.writeHead(403).write('no')))
  expect(await sentence(host)).toMatch(/HTTP 403: is our Origin allowed\?\.$/)
})

test('an echo server is recognised', async () => {
  const host = await webSocketServer((socket) => socket.on('message', (data) => socket.send(data)))
  expect(await sentence(host)).toBe(
    `NOT_CHATSPEC: ${host} is a WebSocket server that echoes what it gets: it does not speak chatspec/1.`,
  )
})

test('a WebSocket server with another protocol is quoted', async () => {
  const host = await webSocketServer((socket) => socket.send('{"op":10}'))
  expect(await sentence(host)).toMatch(
    /^NOT_CHATSPEC: .* answers "hello" with something that is not chatspec\/1: "\{\\"op\\":10\}"\.$/,
  )
})

test('a WebSocket server that never answers hello is left soon', async () => {
  const host = await webSocketServer(() => {})
  expect(await sentence(host)).toBe(
    `NOT_CHATSPEC: ${host} accepts the WebSocket but does not answer "hello" within 10.5 s.`,
  )
})

test('a server that closes at once is named with its close code', async () => {
  const host = await webSocketServer((socket) => socket.close(1008, 'go away'))
  expect(await sentence(host)).toBe(
    `CLOSED: ${host} accepts the WebSocket, then ends it without a word: closed 1008 "go away".`,
  )
})

test('a refused token is named with bye and close', async () => {
  const server = await startFakeServer()
  open.push(server)
  const said = await sentence(server.url, { tokens: { secret: 'another secret' } })
  expect(said).toMatch(/^TOKEN_REFUSED: .* refuses the token of user probe: bye code=4504 .*, closed 4504 /)
})

test('a refusal without bye is recognised by its close code', async () => {
  const host = await webSocketServer((socket) => socket.close(closes.UNAUTHORIZED.code))
  expect(await sentence(host)).toMatch(/^TOKEN_REFUSED: .*: no bye, closed 4504\.$/)
})

test('an answer by error is a refusal too', async () => {
  const refusal = {
    type: 'error',
    id: 1,
    code: 100,
    name: 'INTERNAL',
    message: 'no',
    retryable: true,
  } as const
  const host = await webSocketServer((socket) =>
    socket.on('message', () => socket.send(jsonCodec.encode(refusal, 0))),
  )
  expect(await sentence(host)).toMatch(/^TOKEN_REFUSED: .*error id=1 code=100/)
})

test('a self-signed certificate needs --insecure, and is accepted with it', async () => {
  const { host } = await listening(
    createTls(selfSignedCertificate(), (socket) => socket.end('HTTP/1.1 404 \r\n\r\n')),
  )
  expect(await sentence(`wss://${host}`)).toMatch(
    /^TLS_UNTRUSTED: .*self-signed certificate.*; --insecure accepts it\.$/,
  )
  expect(await sentence(`wss://${host}`, { insecure: true })).toMatch(/^WRONG_PATH: /)
})

test('wss to a port without TLS is named', async () => {
  const { host } = await listening(createHttp((_request, response) => response.end()))
  expect(await sentence(`wss://${host}`)).toMatch(
    /^TLS_FAILED: .* does not answer as a TLS server: .*; without TLS it is ws:\/\/\.$/,
  )
})

test('wss to a port that accepts and says nothing is left soon', async () => {
  const { host } = await listening(createTcp())
  expect(await sentence(`wss://${host}`)).toMatch(/^TLS_FAILED: .*no connection within 4000 ms \(TIMEOUT\)/)
})

test('wss to a port that hangs up is named', async () => {
  const { host } = await listening(createTcp((socket: Socket) => socket.end()))
  expect(await sentence(`wss://${host}`)).toMatch(/^TLS_FAILED: /)
})

test('ws to a TLS port is told to try wss', async () => {
  const { host } = await listening(createTls(selfSignedCertificate()))
  expect(await sentence(`ws://${host}`)).toMatch(/^(NOT_WEBSOCKET: .*that is TLS, so try wss:\/\/|CLOSED: )/)
})

test('a token that cannot be had is the first thing said', async () => {
  const server = await startFakeServer()
  open.push(server)
  expect(await sentence(server.url, { tokens: { command: 'exit 7' } })).toMatch(
    /^TOKEN_UNAVAILABLE: There is no token for user probe: the command failed: exit 7\.$/,
  )
})
