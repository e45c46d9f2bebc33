// What a replay does where the log is damaged: it finds out how far, and goes on behind it.
import { ChatspecError, type Message, type Seq } from '../protocol/index.ts'
import type { MessageLog, ReadRange } from './log.ts'

export interface Damage {
  /** Inclusive. */
  unreadableTo: Seq
  cause: ChatspecError
}

export type Stretch = { messages: Message[] } | Damage

/**
 * What `log.read` gives, or how far nothing can be read.
 * @throws whatever else `log.read` throws
 */
export function readStretch(log: MessageLog, conv: string, range: ReadRange): Stretch {
  try {
    return { messages: log.read(conv, range) }
  } catch (cause) {
    if (!isDamage(cause)) throw cause
    // One damaged chunk makes all unreadable that was asked for with it.
    if (range.limit > 1) return readStretch(log, conv, { ...range, limit: 1 })
    return { unreadableTo: endOfDamage(log, conv, range), cause }
  }
}

export function isDamage(cause: unknown): cause is ChatspecError {
  return cause instanceof ChatspecError && cause.code === 'LOG_DAMAGED'
}

/** Takes longer and longer steps, and goes back from the first message that it can read. */
function endOfDamage(log: MessageLog, conv: string, { after, upTo }: ReadRange): Seq {
  let unreadable = after + 1
  for (let step = 1; unreadable < upTo; step *= 2) {
    const probe = Math.min(upTo, unreadable + step)
    if (!isReadable(log, conv, probe)) {
      unreadable = probe
      continue
    }
    let readable = probe
    while (readable - unreadable > 1) {
      const middle = Math.floor((unreadable + readable) / 2)
      if (isReadable(log, conv, middle)) readable = middle
      else unreadable = middle
    }
    return unreadable
  }
  return upTo
}

function isReadable(log: MessageLog, conv: string, seq: Seq): boolean {
  try {
    return log.read(conv, { after: seq - 1, upTo: seq, limit: 1 }).length === 1
  } catch (cause) {
    if (isDamage(cause)) return false
    throw cause
  }
}
