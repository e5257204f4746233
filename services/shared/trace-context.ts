/**
 * Where a request stands in its trace, as W3C Trace Context writes it. It travels with the record
 * itself, in the headers of Kafka, since records of many requests leave in one batch. Nothing here
 * knows OpenTelemetry, so a service whose traces are off passes on what it finds and loads nothing.
 */
export interface TraceContext {
  readonly traceparent: string
  readonly tracestate?: string
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
/** Characters; what W3C asks everybody to pass on. More would let a stranger swell our records. */
const TRACESTATE_MAX = 512

/** Undefined for a record or request without one, or with one that nobody could go on with. */
export function readTraceContext(
  headers: Readonly<Record<string, unknown>> | undefined,
): TraceContext | undefined {
  const found = headers?.['traceparent']
  if (found === undefined) return undefined
  const traceparent = String(found)
  if (!isTraceparent(traceparent)) return undefined
  const tracestate = String(headers?.['tracestate'] ?? '')
  const isKept = tracestate !== '' && tracestate.length <= TRACESTATE_MAX
  return isKept ? { traceparent, tracestate } : { traceparent }
}

export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text)
}

export interface TraceIds {
  readonly trace_id: string
  readonly span_id: string
}

/** As they stand in log lines: OpenTelemetry's names, which log stores turn into links to traces. */
export function traceIds(context: TraceContext | undefined): TraceIds | undefined {
  if (context === undefined) return undefined
  const [, trace_id = '', span_id = ''] = context.traceparent.split('-')
  return { trace_id, span_id }
}
