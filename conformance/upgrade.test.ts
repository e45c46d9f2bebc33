// The way to a connection, against bare servers: every answer and every failure is a value.
import { createServer as createHttp } from 'node:http'
import { createServer as createTcp } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { listen, reset } from './testing/listen.ts'
import { Trace } from './trace.ts'
import { upgrade } from './upgrade.ts'

const open: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const one of open) await one.close()
})
const soonMs = 5_000

test('a reset instead of an answer is no answer', async () => {
  const server = createTcp((socket) => socket.once('data', () => reset(socket)))
  const { host, close } = await listen(server)
  open.push({ close })
  const options = { timeoutMs: soonMs, trace: new Trace(), label: 'wire' }
  expect(await upgrade({ url: new URL(`ws://${host}/`), ...options })).toMatchObject({
    kind: 'failed',
    at: 'answer',
    code: 'ECONNRESET',
  })
})

test('a wrong Sec-WebSocket-Accept is caught', async () => {
  const server = createTcp((socket) =>
    socket.write('HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n'),
  )
  const started = await listen(server)
  open.push(started)
  const url = new URL(`ws://${started.host}/`)
  const opened = await upgrade({ url, timeoutMs: soonMs, trace: new Trace(), label: 'wire' })
  expect(opened).toMatchObject({ wire: { violation: 'Sec-WebSocket-Accept does not fit the key' } })
})

test('headers are sent as they are asked for, and the usual ones can be left out', async () => {
  const server = createTcp((socket) => socket.once('data', (bytes) => socket.end(bytes)))
  const { host, close } = await listen(server)
  open.push({ close })
  const headers = { Origin: 'https://evil.example', 'Sec-WebSocket-Version': undefined }
  const more = {
    timeoutMs: soonMs,
    trace: new Trace(),
    label: 'wire',
    path: '/other',
    subprotocols: ['a', 'b'],
  }
  const answer = await upgrade({ url: new URL(`ws://${host}/`), headers, ...more })
  if (answer.kind !== 'failed') throw new Error('the echo of a request is no answer')
  expect(answer).toMatchObject({ at: 'answer', code: 'NOT_HTTP' })
  expect(answer.detail).toContain('GET /other')
})

test('a refusal shows status, headers and body, chunked or not', async () => {
  const http = createHttp((_request, response) => {
    response.writeHead(400, { 'Content-Type': 'application/json' })
    response.write('{"supported":')
    response.end('["x"]}')
  })
  const { host, close } = await listen(http)
  open.push({ close })
  const answer = await upgrade({
    url: new URL(`ws://${host}/`),
    timeoutMs: soonMs,
    trace: new Trace(),
    label: 'wire',
  })
  expect(answer).toMatchObject({ kind: 'refused', status: 400, body: '{"supported":["x"]}' })
})

test('a request without its end waits for the server to give up', async () => {
  const http = createHttp({ headersTimeout: 200, connectionsCheckingInterval: 50 })
  const { host, close } = await listen(http)
  open.push({ close })
  const options = { timeoutMs: soonMs, trace: new Trace(), label: 'wire', partial: true }
  expect(await upgrade({ url: new URL(`ws://${host}/`), ...options })).toMatchObject({
    kind: 'refused',
    status: 408,
  })
})
