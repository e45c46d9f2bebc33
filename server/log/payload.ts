// When two messages are the same message: what a repeated (from, msgId) has to agree in.
import type { Content, Message } from '../../protocol/index.ts'
import type { AppendOutcome, Draft } from '../log.ts'

/** Of a draft whose (from, msgId) `stored` has already. */
export function answerToRepeat(stored: Message, repeat: Draft): AppendOutcome {
  if (!samePayload(stored, repeat)) return { kind: 'conflict' }
  return { kind: 'duplicate', seq: stored.seq, timestamp: stored.timestamp }
}

/** Target, content, its type and meta; `clientTime` does not count: a client may stamp each attempt. */
export function samePayload(stored: Message, repeat: Draft): boolean {
  return (
    stored.conv === repeat.conv &&
    stored.contentType === repeat.contentType &&
    sameContent(stored.content, repeat.content) &&
    sameMeta(stored.meta, repeat.meta)
  )
}

function sameContent(a: Content, b: Content): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  return Buffer.compare(a, b) === 0
}

function sameMeta(a: Message['meta'] = {}, b: Message['meta'] = {}): boolean {
  const entries = Object.entries(a)
  return (
    entries.length === Object.keys(b).length &&
    entries.every(([key, value]) => Object.hasOwn(b, key) && b[key] === value)
  )
}
