// Record keys: refused if no log could hold them, and ordered by the bytes of their components.
import { ChatspecError } from '../../protocol/index.ts'
import type { RecordKey } from '../log.ts'

const maxKeyBytes = 1_024

/**
 * Components as UTF-8, each ended by a zero byte, so that the order of bytes is the order of keys
 * and the bytes of a prefix begin all keys that continue it. `tag` comes before them.
 * @throws ChatspecError `BAD_RECORD_KEY`
 */
export function recordKeyBytes(key: RecordKey, tag = ''): Buffer {
  if (key.length === 0) throw refuse('it has no component')
  for (const component of key) if (component.includes('\0')) throw refuse('a component holds U+0000')
  const bytes = Buffer.from(`${tag}${key.join('\0')}\0`)
  const length = bytes.length - tag.length
  if (length > maxKeyBytes) throw refuse(`it is ${length} bytes long; allowed: ${maxKeyBytes}`)
  return bytes
}

export function recordKeyFrom(bytes: Buffer): RecordKey {
  return bytes.toString('utf8', 0, bytes.length - 1).split('\0')
}

function refuse(reason: string): ChatspecError {
  return new ChatspecError('BAD_RECORD_KEY', `a record key cannot be stored: ${reason}`)
}
