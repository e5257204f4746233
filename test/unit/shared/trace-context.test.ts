import { describe, expect, it } from 'vitest'
import { readTraceContext, traceIds } from '../../../services/shared/trace-context.ts'

const TRACE_ID = 'a'.repeat(32)
const SPAN_ID = 'b'.repeat(16)
const traceparent = `00-${TRACE_ID}-${SPAN_ID}-01`

describe('trace context', () => {
  it('is read from the headers of a record, which are bytes', () => {
    const headers = { traceparent: Buffer.from(traceparent), tracestate: Buffer.from('a=1') }

    expect(readTraceContext(headers)).toEqual({ traceparent, tracestate: 'a=1' })
  })

  it.each([
    ['nothing', {}],
    ['no headers', undefined],
    ['a trace of zeros', { traceparent: `00-${'0'.repeat(32)}-${SPAN_ID}-01` }],
    ['a span of zeros', { traceparent: `00-${TRACE_ID}-${'0'.repeat(16)}-01` }],
    ['capitals', { traceparent: traceparent.toUpperCase() }],
    ['two at once', { traceparent: [traceparent, traceparent] }],
    ['something behind it', { traceparent: `${traceparent}-x` }],
  ])('is none of %s', (_, headers) => {
    expect(readTraceContext(headers)).toBeUndefined()
  })

  it('does not take along a state longer than W3C asks for', () => {
    const headers = { traceparent, tracestate: 'a'.repeat(513) }

    expect(readTraceContext(headers)).toEqual({ traceparent })
  })

  it('names trace and span for log lines', () => {
    expect(traceIds({ traceparent })).toEqual({ trace_id: TRACE_ID, span_id: SPAN_ID })
    expect({ ...traceIds(undefined) }).toEqual({})
  })
})
