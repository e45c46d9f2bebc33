// Stands between the judge and a right server and makes it wrong: it sees every frame of JSON connections, both ways.
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { subprotocols } from '../../../protocol/index.ts'
import { FrameReader, type InFrame, encodeFrame, opcodes } from '../../ws-frames.ts'

export type Frame = { type: string; [field: string]: unknown }

/** What became of a frame: none, itself, another one, several. */
export interface Meddler {
  fromServer?(frame: Frame): Frame[]
  fromClient?(frame: Frame): Frame[]
}

export interface MiddleMan {
  url: string
  close(): Promise<void>
}

/** `meddle` makes one meddler for each connection; what they share is theirs. */
export async function standBetween(serverUrl: string, meddle: () => Meddler): Promise<MiddleMan> {
  const { hostname, port } = new URL(serverUrl)
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    for (const one of [client, upstream]) {
      sockets.add(one)
      one.setNoDelay()
      one.on('close', () => sockets.delete(one))
    }
    const { fromServer = same, fromClient = same } = meddle()
    pipe(client, upstream, { change: fromClient, isMasked: true })
    pipe(upstream, client, { change: fromServer, isMasked: false })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const one of sockets) one.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function same(frame: Frame): Frame[] {
  return [frame]
}

interface Way {
  change(frame: Frame): Frame[]
  isMasked: boolean
}

function pipe(from: Socket, to: Socket, way: Way): void {
  let head: Buffer | undefined = Buffer.alloc(0)
  const reader = way.isMasked ? new MaskedReader() : new FrameReader()
  from.on('data', (chunk: Buffer) => {
    let rest = chunk
    if (head) {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      if (head.includes(subprotocols.cbor)) return refuse(from)
      to.write(head.subarray(0, end + 4))
      rest = head.subarray(end + 4)
      head = undefined
    }
    for (const frame of reader.push(rest)) to.write(Buffer.concat(pass(frame, way)))
  })
  from.on('end', () => to.end())
  // A reset goes on as one.
  from.on('error', () => to.resetAndDestroy())
  from.on('close', () => to.destroy())
}

/** What is not JSON would get through unchanged. */
function refuse(client: Socket): void {
  const body = JSON.stringify({ error: 'no common subprotocol', supported: [subprotocols.json] })
  client.end(`HTTP/1.1 400 Bad Request\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
}

function pass({ opcode, payload, fin }: InFrame, { change, isMasked }: Way): Buffer[] {
  const whole = { opcode, fin, mask: isMasked }
  if (opcode !== opcodes.text || !fin) return [encodeFrame({ ...whole, payload })]
  const frames = change(JSON.parse(payload.toString()) as Frame)
  return frames.map((frame) => encodeFrame({ ...whole, payload: Buffer.from(JSON.stringify(frame)) }))
}

/** Frames of a client, of which only right ones come here. */
class MaskedReader {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): InFrame[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const frames: InFrame[] = []
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame)
    return frames
  }

  #next(): InFrame | undefined {
    const bytes = this.#rest
    if (bytes.length < 6) return undefined
    const first = bytes.readUInt8(0)
    const short = bytes.readUInt8(1) & 0x7f
    const start = short === 126 ? 4 : short === 127 ? 10 : 2
    if (bytes.length < start + 4) return undefined
    const length =
      short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
    const end = start + 4 + length
    if (bytes.length < end) return undefined
    const key = bytes.subarray(start, start + 4)
    const payload = Buffer.from(bytes.subarray(start + 4, end)).map((byte, at) => byte ^ (key[at & 3] ?? 0))
    this.#rest = bytes.subarray(end)
    return { opcode: first & 0x0f, fin: first >= 0x80, rsv: (first >> 4) & 7, payload: Buffer.from(payload) }
  }
}
