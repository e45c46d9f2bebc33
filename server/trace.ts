// W3C Trace Context: joins what one message did here to what it did elsewhere.
import { randomBytes } from 'node:crypto'

/** Named as log collectors expect them. */
export interface Trace {
  /** 32 lower-case hex digits. */
  trace_id: string
  /** 16 lower-case hex digits: the caller's span, or one of ours. */
  span_id: string
}

const shape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/

/** Undefined if absent or not valid: version ff and ids of zeros are reserved (W3C Trace Context, 3.2.2). */
export function parseTraceparent(traceparent: string | undefined): Trace | undefined {
  const [, version, trace_id = '', span_id = ''] = shape.exec(traceparent ?? '') ?? []
  if (version === undefined || version === 'ff' || isZero(trace_id) || isZero(span_id)) return undefined
  return { trace_id, span_id }
}

/** A span of ours in the caller's trace, or in a new one. */
export function startSpan(parent?: Trace): Trace {
  return { trace_id: parent?.trace_id ?? randomId(16), span_id: randomId(8) }
}

/** For the next hop; version 00, marked as sampled. */
export function toTraceparent({ trace_id, span_id }: Trace): string {
  return `00-${trace_id}-${span_id}-01`
}

function randomId(bytes: number): string {
  const id = randomBytes(bytes).toString('hex')
  return isZero(id) ? randomId(bytes) : id
}

function isZero(id: string): boolean {
  return /^0*$/.test(id)
}
