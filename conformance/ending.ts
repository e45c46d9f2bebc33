// How a connection ended, and how that is put into words.
import type { Bye } from '../protocol/index.ts'

export interface WireEnd {
  /** `closed`: a close frame came. `dropped`: FIN without one. `reset`: RST. `cut`: the judge did it. */
  how: 'closed' | 'dropped' | 'reset' | 'cut'
  /** From the close frame; 1005 if it held none, 1006 if there was none. */
  code: number
  reason: string
  /** True if a TCP reset arrived at any time, also after the close frame. */
  wasReset: boolean
  /** Milliseconds since the case began, when the close frame or else the end of the connection was seen. */
  atMs: number
}

/** The end of a connection, with the `bye` that announced it. */
export interface Ended extends WireEnd {
  bye?: Bye
}

/** How a server that ended a connection is put into words. */
export function describeEnd(end: WireEnd): string {
  if (end.how === 'closed') return `closed ${end.code}${end.reason ? ` "${end.reason}"` : ''}`
  return { dropped: 'ended without a close frame', reset: 'reset (RST)', cut: 'cut by the judge' }[end.how]
}
