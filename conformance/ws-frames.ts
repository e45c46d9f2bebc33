// WebSocket frames (RFC 6455, section 5) as plain data: written with any defect one likes, read strictly.
import { randomBytes } from 'node:crypto'

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** The most that one frame of a server may announce; beyond it the peer is not worth reading. */
const maxPayloadBytes = 64 * 1024 * 1024

export interface OutFrame {
  opcode: number
  payload?: Uint8Array
  /** Default true. */
  fin?: boolean
  /** Default true: RFC 6455 wants every client frame masked. */
  mask?: boolean
  /** The three reserved bits: RSV1 = 4, RSV2 = 2, RSV3 = 1. */
  rsv?: number
  /** Announces another length than the payload has. */
  declaredBytes?: number
}

export interface InFrame {
  opcode: number
  payload: Buffer
  fin: boolean
  rsv: number
}

/** One frame in the shortest form of its length. */
export function encodeFrame(frame: OutFrame): Buffer {
  const { opcode, payload = new Uint8Array(), fin = true, mask = true, rsv = 0 } = frame
  const length = frame.declaredBytes ?? payload.length
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode]
  const maskBit = mask ? 0x80 : 0
  if (length < 126) head.push(maskBit | length)
  else if (length < 65_536) head.push(maskBit | 126, length >> 8, length & 0xff)
  else head.push(maskBit | 127, ...bigEndian64(length))
  if (!mask) return Buffer.concat([Buffer.from(head), payload])
  const key = randomBytes(4)
  return Buffer.concat([Buffer.from(head), key, masked(payload, key)])
}

/** The payload of a close frame. */
export function closePayload(code: number, reason = ''): Buffer {
  const text = Buffer.from(reason)
  const payload = Buffer.alloc(2 + text.length)
  payload.writeUInt16BE(code, 0)
  text.copy(payload, 2)
  return payload
}

/** Cuts the bytes of a server into frames; `broken` names the first rule of RFC 6455 that they break. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)
  broken: string | undefined

  push(chunk: Buffer): InFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: InFrame[] = []
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame)
    return frames
  }

  #next(): InFrame | undefined {
    const bytes = this.#rest
    if (this.broken || bytes.length < 2) return undefined
    const first = bytes[0] ?? 0
    const second = bytes[1] ?? 0
    const short = second & 0x7f
    const start = short === 126 ? 4 : short === 127 ? 10 : 2
    if (bytes.length < start) return undefined
    const length =
      short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
    const frame = { opcode: first & 0x0f, fin: first >= 0x80, rsv: (first >> 4) & 7 }
    this.broken = defect(frame.opcode, frame.fin, second >= 0x80, length)
    if (this.broken || bytes.length < start + length) return undefined
    this.#rest = bytes.subarray(start + length)
    return { ...frame, payload: bytes.subarray(start, start + length) }
  }
}

function defect(opcode: number, fin: boolean, isMasked: boolean, length: number): string | undefined {
  if (isMasked) return 'a server frame is masked'
  if (opcode > 10 || (opcode > 2 && opcode < 8)) return `a frame has the reserved opcode ${opcode}`
  if (opcode >= 8 && !fin) return 'a control frame is fragmented'
  if (opcode >= 8 && length > 125) return `a control frame announces ${length} bytes (at most 125)`
  if (length > maxPayloadBytes) return `a frame announces ${length} bytes`
  return undefined
}

function bigEndian64(value: number): number[] {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return [...bytes]
}

function masked(payload: Uint8Array, key: Uint8Array): Buffer {
  const out = Buffer.from(payload)
  for (let index = 0; index < out.length; index++) out[index] = (out[index] ?? 0) ^ (key[index & 3] ?? 0)
  return out
}
