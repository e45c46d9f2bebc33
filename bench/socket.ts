// A minimal WebSocket client for benches: frames masked with zeros (legal, and free), no copies, no events per frame.
import { createConnection, type Socket } from 'node:net'

export interface BenchSocket {
  /** Writes one prepared frame or several. */
  write(frames: Buffer): void
  close(): void
}

export interface BenchSocketOptions {
  port: number
  path: string
  host?: string
  protocol?: string
  /** One call per message; `data[start..end)` is only valid during the call. */
  onMessage: (data: Buffer, start: number, end: number) => void
  onClose?: () => void
}

/** A client's frame around a payload. The payload starts at `frame.length - payload.length`. */
export function frameOf(payload: Uint8Array, opcode: 1 | 2): Buffer {
  const extended = payload.length > 65_535 ? 8 : payload.length > 125 ? 2 : 0
  const frame = Buffer.alloc(6 + extended + payload.length)
  frame[0] = 0x80 | opcode
  frame[1] = 0x80 | (extended === 0 ? payload.length : extended === 2 ? 126 : 127)
  if (extended === 2) frame.writeUInt16BE(payload.length, 2)
  if (extended === 8) frame.writeBigUInt64BE(BigInt(payload.length), 2)
  frame.set(payload, 6 + extended)
  return frame
}

/** Resolves after the upgrade. @throws if the server refuses it. */
export function openSocket(options: BenchSocketOptions): Promise<BenchSocket> {
  const { port, path, protocol, host = '127.0.0.1' } = options
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host, noDelay: true })
    const offered = protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n${offered}\r\n`,
    )
    socket.on('error', reject)
    socket.on('close', () => options.onClose?.())
    let head = ''
    socket.on('data', function upgrade(chunk: Buffer) {
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', upgrade)
      if (!head.startsWith('HTTP/1.1 101')) return reject(new Error(head.slice(0, head.indexOf('\r\n'))))
      receive(socket, options.onMessage, Buffer.from(head.slice(end + 4), 'latin1'))
      resolve({ write: (frames) => void socket.write(frames), close: () => void socket.destroy() })
    })
  })
}

function receive(socket: Socket, onMessage: BenchSocketOptions['onMessage'], first: Buffer): void {
  let rest = first
  const take = (chunk: Buffer): void => {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (;;) {
      if (data.length - at < 2) break
      let size = (data[at + 1] ?? 0) & 0x7f
      let header = 2
      if (size === 126) {
        if (data.length - at < 4) break
        size = data.readUInt16BE(at + 2)
        header = 4
      } else if (size === 127) {
        if (data.length - at < 10) break
        size = Number(data.readBigUInt64BE(at + 2))
        header = 10
      }
      if (data.length - at < header + size) break
      onMessage(data, at + header, at + header + size)
      at += header + size
    }
    rest = at === data.length ? empty : data.subarray(at)
  }
  socket.on('data', take)
  if (first.length > 0) {
    rest = empty
    take(first)
  }
}

const empty = Buffer.alloc(0)
