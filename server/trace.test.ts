// Trace ids: what is taken from a peer, and what we make ourselves.
import { describe, expect, it } from 'vitest'
import { parseTraceparent, startSpan, toTraceparent } from './trace.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

describe('parseTraceparent', () => {
  it('reads the ids', () => {
    expect(parseTraceparent(`00-${traceId}-${spanId}-01`)).toEqual({ trace_id: traceId, span_id: spanId })
  })

  it.each([
    ['nothing', undefined],
    ['an empty string', ''],
    ['version ff', `ff-${traceId}-${spanId}-01`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['upper case', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['more behind it', `00-${traceId}-${spanId}-01-x`],
    ['a line break', `00-${traceId}-${spanId}-01\n`],
  ])('refuses %s', (_what, text) => {
    expect(parseTraceparent(text)).toBeUndefined()
  })
})

describe('startSpan', () => {
  it('stays in the trace of its parent', () => {
    const span = startSpan({ trace_id: traceId, span_id: spanId })
    expect(span.trace_id).toBe(traceId)
    expect(span.span_id).toMatch(/^[0-9a-f]{16}$/)
    expect(span.span_id).not.toBe(spanId)
  })

  it('starts a trace of its own without one', () => {
    const span = startSpan()
    expect(parseTraceparent(toTraceparent(span))).toEqual(span)
    expect(startSpan().trace_id).not.toBe(span.trace_id)
  })
})
