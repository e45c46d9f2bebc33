// The binary form: 13 bytes of header (magic, length, timestamp), type, flags, and one CBOR map.
// HOT PATH, guarded by bench/codec.bench.ts
import { HotItems } from './cbor-hot-items.ts'
import { readHot } from './cbor-hot-read.ts'
import { writeHot } from './cbor-hot-write.ts'
import { CborOutput } from './cbor-output.ts'
import { CborReader } from './cbor-read.ts'
import { writeFields } from './cbor-write.ts'
import type { Codec, DecodeLimits } from './codec.ts'
import type { Decoded, Refusal } from './decoded.ts'
import { ChatspecError } from './errors.ts'
import { headerBytes, magic, maxSafe } from './limits.ts'
import {
  type AnyMessage,
  type ClientMessage,
  type FrameType,
  frameNumbers,
  type ServerMessage,
} from './messages.ts'
import { plainUtf8, type Utf8 } from './utf8.ts'
import { badField, badFrame, readFrame, type Side, tooLarge } from './validate.ts'

const lengthOffset = 1
const timestampOffset = 5
const typeOffset = headerBytes
const flagsOffset = headerBytes + 1
const bodyOffset = headerBytes + 2
/** In flags: content is opaque bytes. */
const opaque = 1

const frameNames: FrameType[] = []
for (const [type, number] of Object.entries(frameNumbers)) frameNames[number] = type as FrameType

/**
 * Binary messages of `chatspec.v1.cbor`, with routines of the platform for text.
 * Encoded frames share memory with others: send them as they are, never by their `buffer`.
 * @throws ChatspecError BAD_TIMESTAMP from `encode` if `timestampMs` is not an integer from 0 to 2^53-1
 */
export function createCborCodec(utf8: Utf8): Codec<Uint8Array> {
  const out = new CborOutput(utf8)
  const items = new HotItems(utf8)

  function encode(message: AnyMessage, timestampMs: number): Uint8Array {
    if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
      throw new ChatspecError(
        'BAD_TIMESTAMP',
        `timestampMs is ${timestampMs}, not an integer from 0 to 2^53-1`,
      )
    }
    out.begin(bodyOffset)
    const hotType = writeHot(out, message)
    if (hotType === 0) writeFields(out, message)
    out.prefix8(0, magic)
    out.prefix32(lengthOffset, out.frameBytes - headerBytes)
    out.prefix32(timestampOffset, timestampMs / 0x1_0000_0000)
    out.prefix32(timestampOffset + 4, timestampMs)
    out.prefix8(typeOffset, hotType || frameNumbers[message.type])
    out.prefix8(flagsOffset, hotType === 0 && isOpaque(message) ? opaque : 0)
    return out.end()
  }

  function decode(side: Side, frame: Uint8Array, limits: DecodeLimits): Decoded<AnyMessage> {
    const refusal = checkHeader(frame, limits.maxFrame)
    if (refusal) return refusal
    const type = frame[typeOffset] as number
    if (frame.length > bodyOffset && (frame[flagsOffset] as number) === 0) {
      const message = readHot(items, side, type, frame, bodyOffset, limits.maxContent)
      if (message) return { ok: true, message }
    }
    return decodeAny(side, frame, limits)
  }

  function decodeAny(side: Side, frame: Uint8Array, limits: DecodeLimits): Decoded<AnyMessage> {
    const reader = new CborReader(frame, bodyOffset, utf8)
    const body = reader.body()
    if (!body) return badFrame(reader.fault.rule, reader.fault.detail)
    const number = frame[typeOffset] as number
    const decoded = readFrame(side, frameNames[number] ?? number, body, { json: false, limits })
    if (decoded.ok && isOpaque(decoded.message) !== (((frame[flagsOffset] as number) & opaque) !== 0)) {
      const detail = 'flags and content do not agree whether it is text or bytes'
      return badField(body, 'FRM-25', 'content', detail)
    }
    return decoded
  }

  // The casts are safe because `side` decides which frame types are let through.
  return {
    encoding: 'cbor',
    encode,
    decodeClient: (frame, limits) => decode('client', frame, limits) as Decoded<ClientMessage>,
    decodeServer: (frame, limits) => decode('server', frame, limits) as Decoded<ServerMessage>,
  }
}

function isOpaque(message: AnyMessage): boolean {
  return 'content' in message && typeof message.content !== 'string'
}

/** Binary messages of `chatspec.v1.cbor`, in plain JavaScript. */
export const cborCodec: Codec<Uint8Array> = createCborCodec(plainUtf8)

function checkHeader(frame: Uint8Array, maxFrame: number): Refusal | undefined {
  const size = frame.length
  if (size > maxFrame) return tooLarge('FRM-05', `${size} bytes arrived, ${maxFrame} are allowed`)
  if (size === 0) return badFrame('FRM-23', 'no bytes arrived')
  if (frame[0] !== magic) return badFrame('FRM-23', `first byte ${frame[0]} arrived, ${magic} is allowed`)
  if (size < timestampOffset) return truncated(size)
  const declared = uint32(frame, lengthOffset)
  // Before the comparison with what arrived: the limit is what protects memory.
  if (declared > maxFrame - headerBytes) {
    return tooLarge('FRM-06', `length ${declared} declared, ${maxFrame - headerBytes} is allowed`)
  }
  if (size < bodyOffset) return truncated(size)
  if (declared !== size - headerBytes) {
    return badFrame('FRM-23', `length ${declared} declared, ${size - headerBytes} bytes follow the header`)
  }
  if (uint32(frame, timestampOffset) * 0x1_0000_0000 + uint32(frame, timestampOffset + 4) > maxSafe) {
    return badFrame('FRM-23', 'a header timestamp not from 0 to 2^53-1 arrived')
  }
  return undefined
}

function truncated(size: number): Refusal {
  return badFrame('FRM-23', `${size} bytes arrived, a frame has at least ${bodyOffset}`)
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) * 0x100_0000 +
    (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  )
}
