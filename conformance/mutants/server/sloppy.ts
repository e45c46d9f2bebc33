// Readers that are not strict enough, or too strict: what they make of a message before it is decoded, or after.
import {
  cborCodec,
  type ClientMessage,
  errors,
  headerBytes,
  maxRequestId,
  type Refusal,
} from '../../../protocol/index.ts'
import type { DefectId } from '../switches.ts'
import type { ChatServer } from './server.ts'
import type { Raw } from './session.ts'

const flagsAt = headerBytes + 1
const bodyAt = headerBytes + 2

/** What such a reader does not notice: broken frames of these rules are dropped, and the connection stays. */
const ignored: [DefectId, string][] = [
  ['M220', 'FRM-02'],
  ['M229', 'FRM-27'],
  ['M230', 'FRM-07'],
  ['M231', 'FRM-08'],
  ['M232', 'FRM-09'],
  ['M235', 'SEC-04'],
]

export function isIgnored({ has }: ChatServer, { code, rule }: Refusal): boolean {
  return code >= 4000 && ignored.some(([id, one]) => has(id) && rule === one)
}

/** The message as a sloppy reader takes it. */
export function loosened(server: ChatServer, raw: Raw): Raw {
  return typeof raw === 'string' ? loosenedText(server, raw) : loosenedBytes(server, raw)
}

function loosenedText({ has }: ChatServer, text: string): string {
  if (has('M219')) return text.slice(0, text.lastIndexOf('}') + 1)
  if (has('M222'))
    return text
      .replace(/\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])/gi, '?')
      .replace(/(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}/gi, '?')
  if (has('M300')) return text.split(/(?<=\})\s*(?=\{)/)[0] ?? text
  if (has('M298')) return text.replace(/:(-?\d+)\.5\b/g, ':$1')
  if (has('M296')) return JSON.stringify(parsed(text), (_key, field: unknown) => field ?? undefined) ?? text
  const value = has('M224') || has('M236') || has('M239') ? parsed(text) : undefined
  if (!value) return text
  const { content, encoding, conv, to } = value
  if (has('M224') && typeof content === 'string' && encoding !== undefined)
    return JSON.stringify({
      ...value,
      encoding: 'base64',
      content: Buffer.from(content, 'base64').toString('base64'),
    })
  if (has('M239') && conv !== undefined && to !== undefined)
    return JSON.stringify({ ...value, conv: undefined })
  const poison = Object.entries(value).find(([key]) => key === '__proto__')?.[1]
  return has('M236') && typeof poison === 'object' ? JSON.stringify({ ...poison, ...value }) : text
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function loosenedBytes({ has }: ChatServer, bytes: Uint8Array): Uint8Array {
  // [M225] A timestamp of 0 is right for everybody.
  if (has('M225') && bytes.length > bodyAt) bytes.fill(0, 5, headerBytes)
  return bytes
}

/** [M226] The same frame with the flag that its content wants. */
export function reflagged({ has }: ChatServer, raw: Raw, { rule }: Refusal): Uint8Array | undefined {
  if (typeof raw === 'string' || !has('M226') || rule !== 'FRM-25') return undefined
  raw[flagsAt] = (raw[flagsAt] ?? 0) ^ 1
  return raw
}

/** What a reader that is too strict refuses though it is right: the code of its answer. */
export function overStrict({ has }: ChatServer, raw: Raw, frame: ClientMessage): number | undefined {
  if (has('M295') && frame.type === 'hello' && frame.id === maxRequestId) return errors.BAD_REQUEST.code
  if (has('M301') && typeof raw === 'string' && Object.keys(JSON.parse(raw)).includes('x')) return 4502
  if (typeof raw === 'string')
    return has('M223') && /"n":[\d.]*[.eE]/.test(raw) ? errors.BAD_REQUEST.code : undefined
  if (has('M227') && (raw[flagsAt] ?? 0) > 1) return 4502
  const floatAt = Buffer.from(raw).indexOf(Buffer.from([0x61, 0x7a])) + 2
  if (has('M234') && floatAt > 2 && (raw[floatAt] ?? 0) >= 0xf9) return 4502
  const canonical = has('M233') && frame.type === 'send' ? cborCodec.encode(frame, 0) : undefined
  return canonical && !Buffer.from(raw.subarray(bodyAt)).equals(canonical.subarray(bodyAt)) ? 4502 : undefined
}

/** [M228] When the client says that it wrote the frame. */
export function headerTime(raw: Raw): number | undefined {
  return typeof raw === 'string' ? undefined : Number(Buffer.from(raw).readBigInt64BE(5))
}
