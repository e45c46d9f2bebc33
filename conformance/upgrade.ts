// The way to a connection: TCP, TLS, the HTTP upgrade; every way in which it can fail is a value.
import { createHash, randomBytes } from 'node:crypto'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Trace } from './trace.ts'
import { Wire } from './wire.ts'

const maxHeadBytes = 64 * 1024
const maxBodyBytes = 64 * 1024
const acceptSalt = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export interface UpgradeOptions {
  url: URL
  timeoutMs: number
  trace: Trace
  label: string
  /** Accept any TLS certificate. */
  insecure?: boolean
  /** Instead of the path of `url`. */
  path?: string
  subprotocols?: readonly string[]
  /** Added to the request; an own value replaces the usual one, `undefined` leaves it out. */
  headers?: Record<string, string | undefined>
  /** Offers permessage-deflate without context takeover. */
  compress?: boolean
  /** Leaves out the blank line that ends the request: the server waits for the rest. */
  partial?: boolean
  /** Gives up waiting for the answer. */
  signal?: AbortSignal
}

/** Where the way ended if there was no HTTP answer. */
export type FailedAt = 'resolve' | 'connect' | 'tls' | 'answer'

export type Upgrade =
  | { kind: 'open'; status: number; headers: Headers; wire: Wire }
  | { kind: 'refused'; status: number; headers: Headers; body: string }
  | { kind: 'failed'; at: FailedAt; code: string; detail: string }

type Failed = Extract<Upgrade, { kind: 'failed' }>

/** Dials and upgrades; never throws for what the other side does. */
export async function upgrade(options: UpgradeOptions): Promise<Upgrade> {
  const dialed = await dial(options)
  if ('kind' in dialed) return dialed
  const key = randomBytes(16).toString('base64')
  dialed.socket.write(requestHead(options, key))
  options.trace.add(options.label, '>', `upgrade ${options.path ?? options.url.pathname}`)
  const giveUp = (): void => void dialed.socket.destroy()
  options.signal?.addEventListener('abort', giveUp)
  const answer = await readAnswer(dialed.socket, options.timeoutMs)
  options.signal?.removeEventListener('abort', giveUp)
  if ('kind' in answer) {
    dialed.socket.destroy()
    options.trace.add(options.label, '-', `no upgrade: ${answer.detail}`)
    return answer
  }
  options.trace.add(options.label, '<', `HTTP ${answer.status}`)
  if (answer.status !== 101) {
    const body = await readBody(dialed.socket, answer.headers, answer.rest, options.timeoutMs)
    dialed.socket.destroy()
    return { kind: 'refused', status: answer.status, headers: answer.headers, body }
  }
  return { kind: 'open', status: 101, headers: answer.headers, wire: openWire(options, dialed, answer, key) }
}

interface Dialed {
  socket: Socket
  rawSocket?: Socket
}

function dial({ url, timeoutMs, insecure }: UpgradeOptions): Promise<Dialed | Failed> {
  const isTls = url.protocol === 'wss:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || (isTls ? 443 : 80))
  return new Promise((resolve) => {
    let at: FailedAt = isIP(host) ? 'connect' : 'resolve'
    const raw = connectTcp({ host, port, noDelay: true, allowHalfOpen: true })
    const socket = isTls
      ? connectTls({
          socket: raw,
          rejectUnauthorized: !insecure,
          ...(!isIP(host) && { servername: host }),
        })
      : raw
    const fail = (code: string, detail: string): void => {
      clearTimeout(timer)
      raw.destroy()
      socket.destroy()
      resolve({ kind: 'failed', at, code, detail })
    }
    const timer = setTimeout(() => fail('TIMEOUT', `no connection within ${timeoutMs} ms`), timeoutMs)
    // With several addresses the error is an AggregateError without a message of its own.
    // In OpenSSL's errors the reason is the readable part.
    const onError = ({
      code = 'ERROR',
      message,
      reason,
    }: NodeJS.ErrnoException & { reason?: string }): void => fail(code, reason ?? (message || code))
    for (const one of [raw, socket]) one.on('error', onError)
    raw.once('lookup', (error) => {
      if (!error) at = 'connect'
    })
    raw.once('connect', () => {
      at = isTls ? 'tls' : 'answer'
    })
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      // Whatever happens from here on is for the reader of the answer, and then for the wire.
      for (const one of [raw, socket]) one.off('error', onError).on('error', () => {})
      resolve(isTls ? { socket, rawSocket: raw } : { socket })
    })
  })
}

function requestHead(options: UpgradeOptions, key: string): string {
  const { url, subprotocols = [] } = options
  const extension = 'permessage-deflate; client_no_context_takeover; server_no_context_takeover'
  const headers: Record<string, string | undefined> = {
    Host: url.host,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': subprotocols.length > 0 ? subprotocols.join(', ') : undefined,
    'Sec-WebSocket-Extensions': options.compress ? extension : undefined,
    ...options.headers,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  )
  const head = [`GET ${options.path ?? url.pathname + url.search} HTTP/1.1`, ...lines, '']
  return head.join('\r\n') + (options.partial ? '' : '\r\n')
}

interface Answer {
  status: number
  headers: Headers
  rest: Buffer
}

function readAnswer(socket: Socket, timeoutMs: number): Promise<Answer | Failed> {
  return new Promise((resolve) => {
    let read = Buffer.alloc(0)
    const settle = (answer: Answer | Failed): void => {
      clearTimeout(timer)
      socket.pause()
      socket.off('data', onData).off('end', onEnd).off('error', onError).off('close', onEnd)
      resolve(answer)
    }
    const fail = (code: string, detail: string): void =>
      settle({ kind: 'failed', at: 'answer', code, detail })
    const onData = (chunk: Buffer) => {
      read = Buffer.concat([read, chunk])
      const end = read.indexOf('\r\n\r\n')
      if (read.length >= 5 && !read.subarray(0, 5).equals(Buffer.from('HTTP/')))
        return fail(
          'NOT_HTTP',
          `the answer begins with ${JSON.stringify(read.subarray(0, 16).toString('latin1'))}`,
        )
      if (end >= 0) return settle(parseHead(read.subarray(0, end).toString('latin1'), read.subarray(end + 4)))
      if (read.length > maxHeadBytes) fail('NOT_HTTP', `no end of the headers within ${maxHeadBytes} bytes`)
    }
    const onEnd = (): void => fail('CLOSED', 'the connection was closed without an answer')
    const onError = (error: NodeJS.ErrnoException): void => fail(error.code ?? 'ERROR', error.message)
    const timer = setTimeout(() => fail('TIMEOUT', `no answer within ${timeoutMs} ms`), timeoutMs)
    socket.on('data', onData).on('end', onEnd).on('error', onError).on('close', onEnd)
  })
}

function parseHead(head: string, rest: Buffer): Answer {
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = new Headers()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (/^[\w-]+$/.test(line.slice(0, colon)))
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return { status: Number(statusLine.split(' ')[1]) || 0, headers, rest }
}

/** Up to the declared length, the end or the deadline, whichever comes first; a refusal is short. */
function readBody(socket: Socket, headers: Headers, first: Buffer, timeoutMs: number): Promise<string> {
  const declaredBytes = Number(headers.get('content-length') ?? Number.POSITIVE_INFINITY)
  const isChunked = headers.get('transfer-encoding') === 'chunked'
  return new Promise((resolve) => {
    let body = first
    const isWhole = (): boolean =>
      body.length >= Math.min(declaredBytes, maxBodyBytes) || (isChunked && body.includes('0\r\n\r\n'))
    const settle = (): void => {
      clearTimeout(timer)
      const text = body.subarray(0, maxBodyBytes).toString()
      resolve(isChunked ? text.replace(/(^|\r\n)[0-9a-f]+\r\n/gi, '').trimEnd() : text)
    }
    const timer = setTimeout(settle, timeoutMs)
    if (isWhole()) return settle()
    socket.on('data', (chunk: Buffer) => {
      body = Buffer.concat([body, chunk])
      if (isWhole()) settle()
    })
    socket.once('end', settle).once('close', settle).on('error', settle)
    socket.resume()
  })
}

function openWire(options: UpgradeOptions, dialed: Dialed, answer: Answer, key: string): Wire {
  const { headers } = answer
  const protocol = headers.get('sec-websocket-protocol') ?? undefined
  const extensions = headers.get('sec-websocket-extensions')
  const wire = new Wire({
    ...dialed,
    trace: options.trace,
    label: options.label,
    isCompressed: extensions?.startsWith('permessage-deflate') ?? false,
    ...(protocol !== undefined && { protocol }),
  })
  wire.violation = handshakeDefect(options, headers, key)
  // Whoever asked for the upgrade sets its handlers in the same turn: reading begins after it.
  setImmediate(() => wire.start(answer.rest))
  return wire
}

function handshakeDefect(
  { subprotocols, compress, headers: asked }: UpgradeOptions,
  headers: Headers,
  key: string,
): string | undefined {
  const accept = createHash('sha1')
    .update((asked?.['Sec-WebSocket-Key'] ?? key) + acceptSalt)
    .digest('base64')
  const protocol = headers.get('sec-websocket-protocol')
  if (headers.get('sec-websocket-accept') !== accept) return 'Sec-WebSocket-Accept does not fit the key'
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket')
    return 'the 101 answer lacks "Upgrade: websocket"'
  if (protocol !== null && !subprotocols?.includes(protocol))
    return `the subprotocol ${protocol} was not offered`
  if (headers.has('sec-websocket-extensions') && !compress && !asked?.['Sec-WebSocket-Extensions'])
    return 'an extension was agreed that was not offered'
  return undefined
}
