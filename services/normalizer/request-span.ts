import type { IncomingHttpHeaders } from 'node:http'
import { readTraceContext } from '../shared/trace-context.ts'
import type { Span, Tracing } from '../shared/tracing.ts'

export interface RequestToTrace {
  readonly method: string
  /** With the names of its parameters: a path would hold the source's token. */
  readonly route: string
  readonly headers: IncomingHttpHeaders
}

/**
 * The span of a request that came in; null when traces are off. A `traceparent` that it brings is a
 * stranger's: going on with it, a provider would decide what we sample, and could write into traces
 * of others. So each request begins a trace of its own and links to what it brought.
 */
export function startRequestSpan(
  tracing: Tracing | null | undefined,
  { method, route, headers }: RequestToTrace,
): Span | null {
  if (!tracing) return null
  const brought = readTraceContext(headers)
  return tracing.start(`${method} ${route}`, {
    kind: 'server',
    parent: undefined,
    links: brought ? [brought.traceparent] : [],
    attributes: { 'http.request.method': method, 'http.route': route },
  })
}

export interface RequestEnd {
  readonly status: number
  readonly provider: string | undefined
  readonly workspaceId: string | undefined
  readonly sourceId?: string | undefined
  /** In the words of the log and the metrics. */
  readonly result: string
  readonly reason: string | undefined
}

export function endRequestSpan(span: Span | null, end: RequestEnd): void {
  const isOurFault = end.status >= 500
  span?.end(
    {
      'http.response.status_code': end.status,
      'callwebhook.provider': end.provider,
      'callwebhook.workspace_id': end.workspaceId,
      'callwebhook.source_id': end.sourceId,
      'callwebhook.result': end.result,
      'callwebhook.reason': end.reason,
    },
    isOurFault ? (end.reason ?? end.result) : undefined,
  )
}
