// A client on a real socket that does as a test wants: speaks both encodings, writes any bytes, reads late or never.
import { request as requestHttp, type IncomingHttpHeaders } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { closePayload, encodeFrame, FrameReader, type InFrame, opcodes } from '../../conformance/ws-frames.ts'
import {
  type Bye,
  type ClientMessage,
  createCborCodec,
  defaultLimits,
  type Encoding,
  jsonCodec,
  type ServerMessage,
  subprotocols,
} from '../../protocol/index.ts'
import { nodeUtf8 } from '../utf8-node.ts'
import { deadlineMs } from './until.ts'

export interface UpgradeOptions {
  port: number
  encoding?: Encoding
  /** The header as it is; undefined offers none. By default that of the encoding. */
  protocols?: string | undefined
  headers?: Record<string, string | string[]>
  tls?: boolean
}

export type Upgrade =
  | { status: 101; protocol: string | undefined; socket: Socket; head: Buffer }
  | { status: number; headers: IncomingHttpHeaders; body: string; socket?: undefined }

/** What is answered under its `id`. */
type Request = Exclude<ClientMessage, { type: 'ping' | 'pong' | 'bye' }>
type Answer<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>

const anySize = { maxFrame: 1 << 28, maxContent: 1 << 28 }
const cbor = createCborCodec(nodeUtf8)

/** @throws Error if there is no answer in HTTP. */
export function upgrade(options: UpgradeOptions): Promise<Upgrade> {
  const { port, encoding = 'json', tls = false } = options
  const protocols = 'protocols' in options ? options.protocols : subprotocols[encoding]
  const request = (tls ? requestHttps : requestHttp)({
    port,
    host: '127.0.0.1',
    path: '/ws',
    agent: false,
    rejectUnauthorized: false,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version': '13',
      ...(protocols !== undefined && { 'Sec-WebSocket-Protocol': protocols }),
      ...options.headers,
    },
  })
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('upgrade', ({ headers }, socket, head) => {
      resolve({ status: 101, protocol: headers['sec-websocket-protocol'], socket: socket as Socket, head })
    })
    request.on('response', async (response) => {
      response.setEncoding('utf8')
      let body = ''
      for await (const chunk of response) body += chunk
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
    })
    request.end()
  })
}

/** @throws Error if the upgrade is refused. */
export async function connect(options: UpgradeOptions): Promise<Client> {
  const answer = await upgrade(options)
  if (answer.socket === undefined) throw new Error(`no upgrade but ${answer.status} ${answer.body}`)
  return new Client(answer.socket, answer.head, options.encoding ?? 'json')
}

/** One JSON or CBOR frame as the payload of a WebSocket message. */
export function payloadOf(message: ClientMessage, encoding: Encoding): Buffer {
  return Buffer.from(encoding === 'json' ? jsonCodec.encode(message, 0) : cbor.encode(message, Date.now()))
}

/** Whether a payload is no frame, so that the server has to end the connection. */
export function isFatal(payload: Buffer, encoding: Encoding): boolean {
  const limits = defaultLimits
  const decoded =
    encoding === 'json'
      ? jsonCodec.decodeClient(payload.toString('utf8'), limits)
      : cbor.decodeClient(new Uint8Array(payload), limits)
  return !decoded.ok && decoded.code >= 1_000
}

export class Client {
  /** Everything that the server wrote, in order. */
  readonly frames: ServerMessage[] = []
  readonly encoding: Encoding
  readonly socket: Socket
  /** Of the server's close frame; 1005 if it names none. */
  closeCode: number | undefined
  wsPongs = 0
  /** The connection has ended, with or without a close frame. */
  isOver = false
  /** Answers no `ping`, no WebSocket ping and no close. */
  isMute = false
  /** Acknowledges whatever arrives. */
  acksAll = false
  onMessage: ((message: ServerMessage) => void) | undefined
  private readonly reader = new FrameReader()
  private readonly waiting = new Set<() => void>()
  private readonly toAck = new Map<string, ClientMessage & { type: 'ack' }>()
  private lastId = 1_000

  constructor(socket: Socket, head: Buffer, encoding: Encoding) {
    this.socket = socket
    this.encoding = encoding
    socket.setNoDelay(true)
    socket.setTimeout(0)
    socket.on('data', (chunk: Buffer) => this.receive(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isOver = true
      this.look()
    })
    if (head.length > 0) this.receive(head)
  }

  send(message: ClientMessage): void {
    this.sendPayload(payloadOf(message, this.encoding))
  }

  /** One message with any payload, of the encoding's kind. */
  sendPayload(payload: Uint8Array | string): void {
    const opcode = this.encoding === 'json' ? opcodes.text : opcodes.binary
    this.write(encodeFrame({ opcode, payload: Buffer.from(payload) }))
  }

  write(bytes: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  close(code = 1000): void {
    this.write(encodeFrame({ opcode: opcodes.close, payload: closePayload(code) }))
  }

  /** Goes away without a word; the server's kernel notices. */
  destroy(): void {
    this.socket.destroy()
  }

  of<Type extends ServerMessage['type']>(type: Type): Answer<Type>[] {
    return this.frames.filter((frame): frame is Answer<Type> => frame.type === type)
  }

  get bye(): Bye | undefined {
    return this.of('bye')[0]
  }

  /** Looks whenever something arrived. @throws Error that shows the last frames. */
  until<T>(what: string, look: () => T | undefined, withinMs = deadlineMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.waiting.delete(check)
      }
      const fail = (why: string): void => {
        settle()
        reject(new Error(`${what}: ${why}; ${this.describe()}`))
      }
      const timer = setTimeout(() => fail(`not within ${withinMs} ms`), withinMs)
      const check = (): void => {
        const seen = look()
        if (seen !== undefined) {
          settle()
          resolve(seen)
        } else if (this.isOver) fail('the connection ended before')
      }
      this.waiting.add(check)
      check()
    })
  }

  /** Waits for one frame of a type that comes from now on. */
  next<Type extends ServerMessage['type']>(type: Type): Promise<Answer<Type>> {
    const from = this.frames.length
    return this.until(type, () =>
      this.frames.slice(from).find((frame): frame is Answer<Type> => frame.type === type),
    )
  }

  /** Sends a request under a fresh id and waits for the frame that answers it: `error` is an answer too. */
  async request(message: Request): Promise<ServerMessage> {
    const id = ++this.lastId
    let from = this.frames.length
    this.send({ ...message, id })
    return await this.until(`the answer to ${message.type}`, () => {
      for (; from < this.frames.length; from++) {
        const frame = this.frames[from]
        if (frame !== undefined && 'id' in frame && frame.id === id && frame.type !== 'synced') return frame
      }
      return undefined
    })
  }

  /** Everything that the server wrote until now has arrived when this resolves. */
  async fence(): Promise<void> {
    const n = ++this.lastId
    let from = this.frames.length
    this.send({ type: 'ping', n })
    await this.until(`pong ${n}`, () => {
      for (; from < this.frames.length; from++) {
        const frame = this.frames[from]
        if (frame?.type === 'pong' && frame.n === n) return true
      }
      return undefined
    })
  }

  /** Waits for the end of the connection. */
  async over(withinMs = deadlineMs): Promise<{ code: number | undefined; bye: Bye | undefined }> {
    await this.until('the end of the connection', () => this.isOver || undefined, withinMs)
    return { code: this.closeCode, bye: this.bye }
  }

  private receive(chunk: Buffer): void {
    for (const frame of this.reader.push(chunk)) this.take(frame)
    if (this.reader.broken !== undefined) throw new Error(`the server wrote bad bytes: ${this.reader.broken}`)
    if (!this.isMute) for (const ack of this.toAck.values()) this.send(ack)
    this.toAck.clear()
    this.look()
  }

  private take({ opcode, payload }: InFrame): void {
    if (opcode === opcodes.pong) this.wsPongs += 1
    else if (opcode === opcodes.ping) {
      if (!this.isMute) this.write(encodeFrame({ opcode: opcodes.pong, payload }))
    } else if (opcode === opcodes.close) {
      this.closeCode = payload.length < 2 ? 1005 : payload.readUInt16BE(0)
      if (!this.isMute) this.socket.end(encodeFrame({ opcode: opcodes.close, payload }))
    } else this.takeMessage(opcode, payload)
  }

  private takeMessage(opcode: number, payload: Buffer): void {
    if ((opcode === opcodes.text) !== (this.encoding === 'json'))
      throw new Error('a message of the wrong kind')
    const decoded =
      opcode === opcodes.text
        ? jsonCodec.decodeServer(payload.toString('utf8'), anySize)
        : cbor.decodeServer(new Uint8Array(payload), anySize)
    if (!decoded.ok) throw new Error(`the server wrote a bad frame: ${decoded.detail}`)
    const { message } = decoded
    this.frames.push(message)
    if (message.type === 'ping' && !this.isMute) this.send({ type: 'pong', n: message.n })
    if (message.type === 'msg' && this.acksAll) {
      this.toAck.set(message.conv, {
        type: 'ack',
        conv: message.conv,
        epoch: message.epoch,
        seq: message.seq,
      })
    }
    this.onMessage?.(message)
  }

  private look(): void {
    for (const check of [...this.waiting]) check()
  }

  private describe(): string {
    const last = this.frames.slice(-5).map((frame) => JSON.stringify(frame).slice(0, 200))
    const state = this.isOver ? `over, close code ${this.closeCode}` : 'open'
    return `the connection is ${state}; last of ${this.frames.length} frames: ${last.join(' ')}`
  }
}
