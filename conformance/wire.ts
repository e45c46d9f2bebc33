// One WebSocket connection after its handshake, at the level of frames, free to break every rule of RFC 6455.
import type { Socket } from 'node:net'
import { inflateRawSync } from 'node:zlib'
import { turn, within } from './deadline.ts'
import { describeEnd, type WireEnd } from './ending.ts'
import { Inbox } from './inbox.ts'
import { type Trace, summarizeBytes } from './trace.ts'
import { closePayload, encodeFrame, FrameReader, type InFrame, type OutFrame, opcodes } from './ws-frames.ts'

/** After a close frame was read the server has so long to close the TCP connection. */
const lingerMs = 2_000
const disposeMs = 500
/** Inflation stops here: a bomb from the server must not hurt the judge. */
const maxInflatedBytes = 64 * 1024 * 1024

export interface WireMessage {
  kind: 'text' | 'binary'
  payload: Buffer
}

export interface ControlFrame {
  kind: 'ping' | 'pong' | 'close'
  payload: Buffer
}

export interface WireOptions {
  socket: Socket
  /** Beneath TLS: the TCP socket, for resets. */
  rawSocket?: Socket
  trace: Trace
  label: string
  /** The subprotocol that the server chose. */
  protocol?: string
  /** True after `permessage-deflate` without context takeover was agreed. */
  isCompressed?: boolean
}

export class Wire {
  readonly label: string
  readonly protocol: string | undefined
  readonly controls = new Inbox<ControlFrame>()
  /** Answer pings and close frames as RFC 6455 wants. */
  autoPong = true
  autoClose = true
  onMessage: (message: WireMessage) => void = () => {}
  /** Everything that came in one piece has been handed on. */
  onRead: () => void = () => {}
  onEnd: () => void = () => {}
  /** The first rule of RFC 6455 that the server broke. */
  violation: string | undefined
  end: WireEnd | undefined
  lastReadAtMs: number
  readonly #options: WireOptions
  readonly #reader = new FrameReader()
  readonly #ended: Promise<WireEnd>
  #settleEnd: (end: WireEnd) => void = () => {}
  #partial: { kind: WireMessage['kind']; isDeflated: boolean; parts: Buffer[] } | undefined
  #close: { code: number; reason: string; atMs: number } | undefined
  #sentClose = false
  #wasReset = false
  #wasCut = false
  #isFrozen = false
  /** What has to wait for the last slice. */
  #waiting: Uint8Array[] | undefined

  constructor(options: WireOptions) {
    this.#options = options
    this.label = options.label
    this.protocol = options.protocol
    this.lastReadAtMs = options.trace.elapsedMs()
    this.#ended = new Promise((resolve) => {
      this.#settleEnd = resolve
    })
  }

  /** Begins to read; `first` are the bytes that came behind the handshake. */
  start(first: Buffer): void {
    const { socket, rawSocket = socket } = this.#options
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.#onFin())
    for (const one of new Set([socket, rawSocket]))
      one.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code === 'ECONNRESET' || code === 'EPIPE') this.#wasReset = true
      })
    socket.on('close', () => this.#finish())
    if (first.length > 0) this.#read(first)
    if (!this.#isFrozen) socket.resume()
    if (socket.destroyed) this.#finish()
  }

  // ---- writing ----

  /** Any bytes, as they are. */
  writeRaw(bytes: Uint8Array, note = `raw ${summarizeBytes(bytes)}`): void {
    this.#trace('>', note)
    // What is written of its own accord, like the answer to a ping, would end up in the middle of a frame.
    if (this.#waiting) this.#waiting.push(bytes)
    else if (this.#options.socket.writable) this.#options.socket.write(bytes)
  }

  writeFrame(frame: OutFrame, note = describeOut(frame)): void {
    if (frame.opcode === opcodes.close) this.#sentClose = true
    this.writeRaw(encodeFrame(frame), note)
  }

  /** One message in several frames; `between` puts control frames in the gaps. */
  writeFragments(
    kind: WireMessage['kind'],
    parts: readonly Uint8Array[],
    between: readonly OutFrame[] = [],
  ): void {
    parts.forEach((payload, index) => {
      const opcode = index === 0 ? opcodes[kind] : opcodes.continuation
      this.writeFrame({ opcode, payload, fin: index === parts.length - 1 })
      if (index < parts.length - 1) for (const frame of between) this.writeFrame(frame)
    })
  }

  /** The bytes of `frames` in TCP segments of `sliceBytes`, whatever frame they belong to; one call at a time. */
  async writeSliced(frames: readonly OutFrame[], sliceBytes = 1): Promise<void> {
    const bytes = Buffer.concat(frames.map(encodeFrame))
    this.#trace(
      '>',
      `${frames.map((frame) => describeOut(frame)).join(', ')} in slices of ${sliceBytes} bytes`,
    )
    this.#waiting = []
    for (let at = 0; at < bytes.length && this.#options.socket.writable; at += sliceBytes) {
      this.#options.socket.write(bytes.subarray(at, at + sliceBytes))
      await turn()
    }
    const waiting = Buffer.concat(this.#waiting)
    this.#waiting = undefined
    if (waiting.length > 0 && this.#options.socket.writable) this.#options.socket.write(waiting)
  }

  /** Bytes that the operating system has not taken yet. */
  get bufferedBytes(): number {
    return this.#options.socket.writableLength
  }

  // ---- ending ----

  close(code = 1000, reason = ''): void {
    this.writeFrame({ opcode: opcodes.close, payload: closePayload(code, reason) }, `close ${code} ${reason}`)
  }

  /** FIN: nothing more is written, reading goes on. */
  halfClose(): void {
    this.#trace('-', 'half-closed by the judge')
    this.#options.socket.end()
  }

  /** Stops reading, as a stalled peer does; the kernel's buffers fill up. */
  freeze(): void {
    this.#trace('-', 'frozen: the judge stops reading')
    this.#isFrozen = true
    this.#options.socket.pause()
  }

  thaw(): void {
    this.#trace('-', 'thawed: the judge reads again')
    this.#isFrozen = false
    this.#options.socket.resume()
  }

  /** RST: as if the cable were pulled and the peer rebooted. */
  cut(): void {
    if (this.end) return
    this.#wasCut = true
    this.#trace('-', 'cut by the judge')
    // Alone, resetAndDestroy would let a FIN and what is still to be written go first.
    const { socket, rawSocket = socket } = this.#options
    // After a FIN libuv refuses to reset, and the socket would never be closed at all.
    if (!rawSocket.writableEnded) rawSocket.resetAndDestroy()
    rawSocket.destroy()
    socket.destroy()
  }

  /** At the end of a case: closes politely if it can, and is gone soon in any case. */
  async dispose(): Promise<void> {
    if (this.end) return
    const { socket } = this.#options
    if (!this.#sentClose) this.close()
    socket.resume()
    socket.end()
    await this.ended(disposeMs)
    socket.destroy()
  }

  /** How the connection ended, or undefined if it lives on for so long. */
  async ended(withinMs: number): Promise<WireEnd | undefined> {
    return this.end ?? within(this.#ended, withinMs)
  }

  // ---- reading ----

  #read(chunk: Buffer): void {
    this.lastReadAtMs = this.#options.trace.elapsedMs()
    for (const frame of this.#reader.push(chunk)) this.#onFrame(frame)
    this.onRead()
    if (this.#reader.broken) this.#break(this.#reader.broken)
  }

  /** A reset right behind the last bytes looks like a FIN to libuv, but then nothing can be written any more. */
  #onFin(): void {
    const { socket } = this.#options
    if (!this.#close && !this.#sentClose) socket.write(encodeFrame({ opcode: opcodes.ping }))
    socket.end()
  }

  #onFrame(frame: InFrame): void {
    if (this.#close) return
    if (frame.opcode >= 8) this.#onControl(frame)
    else this.#onData(frame)
  }

  #onControl({ opcode, payload, rsv }: InFrame): void {
    if (rsv !== 0) this.#break(`a control frame has reserved bits ${rsv}`)
    const kind = opcode === opcodes.ping ? 'ping' : opcode === opcodes.pong ? 'pong' : 'close'
    if (kind === 'close') this.#onClose(payload)
    else this.#trace('<', `websocket ${kind} ${payload.length} bytes`)
    if (kind === 'ping' && this.autoPong) this.writeFrame({ opcode: opcodes.pong, payload }, 'websocket pong')
    this.controls.push({ kind, payload })
  }

  #onClose(payload: Buffer): void {
    if (payload.length === 1) this.#break('a close frame has a payload of 1 byte')
    const code = payload.length < 2 ? 1005 : payload.readUInt16BE(0)
    const reason = payload.subarray(2).toString()
    this.#close = { code, reason, atMs: this.#options.trace.elapsedMs() }
    this.#trace('<', `close ${code} ${reason}`)
    if (this.autoClose && !this.#sentClose)
      this.writeFrame({ opcode: opcodes.close, payload: payload.subarray(0, 2) }, 'close (echo)')
    const { socket } = this.#options
    const timer = setTimeout(() => socket.destroy(), lingerMs)
    socket.once('close', () => clearTimeout(timer))
  }

  #onData({ opcode, payload, fin, rsv }: InFrame): void {
    const starts = opcode !== opcodes.continuation
    if (starts === (this.#partial !== undefined)) this.#break('fragments of two messages are mixed')
    if (rsv !== 0 && !(rsv === 4 && starts && this.#options.isCompressed))
      this.#break(`a data frame has reserved bits ${rsv}`)
    this.#partial ??= { kind: opcode === opcodes.text ? 'text' : 'binary', isDeflated: rsv === 4, parts: [] }
    this.#partial.parts.push(payload)
    if (!fin) return
    const { kind, isDeflated, parts } = this.#partial
    this.#partial = undefined
    const whole = parts.length === 1 ? payload : Buffer.concat(parts)
    this.onMessage({ kind, payload: isDeflated ? this.#inflate(whole) : whole })
  }

  #inflate(deflated: Buffer): Buffer {
    const tail = Buffer.from([0, 0, 0xff, 0xff])
    try {
      return inflateRawSync(Buffer.concat([deflated, tail]), {
        maxOutputLength: maxInflatedBytes,
        finishFlush: 2,
      })
    } catch {
      this.#break('a compressed message cannot be inflated')
      return Buffer.alloc(0)
    }
  }

  #break(rule: string): void {
    this.violation ??= rule
    this.#trace('-', `the server breaks RFC 6455: ${rule}`)
    this.#options.socket.destroy()
  }

  #finish(): void {
    if (this.end) return
    const atMs = this.#close?.atMs ?? this.#options.trace.elapsedMs()
    const how = this.#close ? 'closed' : this.#wasCut ? 'cut' : this.#wasReset ? 'reset' : 'dropped'
    const { code, reason } = this.#close ?? { code: 1006, reason: '' }
    this.end = { how, code, reason, wasReset: this.#wasReset, atMs }
    if (!this.#close) this.#trace('-', describeEnd(this.end))
    this.controls.end()
    this.#settleEnd(this.end)
    this.onEnd()
  }

  #trace(direction: '>' | '<' | '-', text: string): void {
    this.#options.trace.add(this.label, direction, text)
  }
}

function describeOut(frame: OutFrame): string {
  const name =
    Object.entries(opcodes).find(([, code]) => code === frame.opcode)?.[0] ?? `opcode ${frame.opcode}`
  const marks = [
    frame.fin === false && 'not final',
    frame.mask === false && 'unmasked',
    frame.rsv && `rsv ${frame.rsv}`,
  ]
  return [
    `frame ${name} ${summarizeBytes(frame.payload ?? new Uint8Array())}`,
    ...marks.filter(Boolean),
  ].join(', ')
}
