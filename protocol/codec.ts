// What a codec is: frames in, wire form out, and back; bad input is a value, never an exception.
import type { Decoded } from './decoded.ts'
import type { Encoding } from './limits.ts'
import type { AnyMessage, ClientMessage, ServerMessage } from './messages.ts'

export interface DecodeLimits {
  /** Bytes of one frame. */
  maxFrame: number
  /** Bytes of `content`: UTF-8 for text, raw for opaque bytes. */
  maxContent: number
}

export interface Codec<Wire> {
  readonly encoding: Encoding
  /** Trusts the types: only the known fields are written. `timestampMs` goes into the binary header. */
  encode(message: AnyMessage, timestampMs: number): Wire
  /** Reads a frame that a client wrote. */
  decodeClient(data: Wire, limits: DecodeLimits): Decoded<ClientMessage>
  /** Reads a frame that a server wrote. */
  decodeServer(data: Wire, limits: DecodeLimits): Decoded<ServerMessage>
}
