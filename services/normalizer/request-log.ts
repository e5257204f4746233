import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../shared/logger.ts'
import { readTraceContext, type TraceContext, traceIds } from '../shared/trace-context.ts'
import type { Span, Tracing } from '../shared/tracing.ts'
import { type Answer, send } from './answers.ts'
import type { NormalizerMetrics, WebhookOutcome } from './metrics.ts'
import type { RateLimited } from './rate-limited.ts'

/** Each request is counted, logged, traced and answered at one place, in the same words. */
export interface RequestLog {
  /** Once its headers are there. `route`: with the names of its parameters, or it holds a token. */
  begin(request: FastifyRequest, route: string): void
  /** Of its span, when traces are on. */
  traceOf(request: FastifyRequest): TraceContext | undefined
  end(request: FastifyRequest, reply: FastifyReply, ended: EndedRequest): FastifyReply
}

export interface RequestLogOptions {
  readonly metrics: Pick<NormalizerMetrics, 'webhookReceived' | 'webhookLimited'>
  /** Null or absent: off. */
  readonly tracing?: Tracing | null | undefined
  readonly logger: Logger
}

export interface EndedRequest {
  /** As the request names it; what is no provider counts as unknown. */
  readonly provider: string
  readonly result: RequestResult
  /** Never the body, the address or the token. */
  readonly facts: RequestFacts
  readonly answer: Answer
}

type RequestResult =
  | { readonly kind: Exclude<WebhookOutcome, 'rate_limited'>; readonly reason?: string }
  | RateLimited

interface RequestFacts {
  readonly provider: string | undefined
  readonly workspaceId: string | undefined
  readonly sourceId?: string | undefined
  readonly eventIds: readonly string[] | undefined
  /** As the provider names the calls: what its support, and a customer, ask by. */
  readonly providerCallIds?: readonly string[] | undefined
}

interface Begun {
  readonly startedMs: number
  readonly span: Span | null
}

export function createRequestLog({ metrics, tracing, logger }: RequestLogOptions): RequestLog {
  const begun = new WeakMap<FastifyRequest, Begun>()
  return {
    begin(request, route) {
      const span = tracing ? startSpan(tracing, request, route) : null
      begun.set(request, { startedMs: performance.now(), span })
    },
    traceOf: (request) => begun.get(request)?.span?.context,
    end(request, reply, { provider, result, facts: told, answer }) {
      const { eventIds, providerCallIds, ...facts } = told
      const { startedMs = performance.now(), span = null } = begun.get(request) ?? {}
      const { kind, reason } = result
      metrics.webhookReceived(provider, kind)
      if (kind === 'rate_limited') metrics.webhookLimited(provider, result.reason)
      const ms = Math.round(performance.now() - startedMs)
      const ids = { eventIds, providerCallIds, ...traceIds(span?.context) }
      const line = { ...facts, result: kind, reason, ms, ...ids }
      const isQuiet = kind === 'ignored' || kind === 'answered'
      logger[isQuiet ? 'debug' : 'info'](line, 'webhook.accepted')
      endSpan(span, { ...facts, result: kind, reason, status: answer.status })
      return send(reply, answer)
    },
  }
}

/**
 * A `traceparent` that a request brings is a stranger's: going on with it, a provider would decide
 * what we sample, and could write into traces of others. So each request begins a trace of its own
 * and links to what it brought.
 */
function startSpan(tracing: Tracing, { method, headers }: FastifyRequest, route: string): Span {
  const brought = readTraceContext(headers)
  return tracing.start(`${method} ${route}`, {
    kind: 'server',
    parent: undefined,
    links: brought ? [brought.traceparent] : [],
    attributes: { 'http.request.method': method, 'http.route': route },
  })
}

interface SpanEnd extends Omit<RequestFacts, 'eventIds' | 'providerCallIds'> {
  readonly status: number
  readonly result: string
  readonly reason: string | undefined
}

function endSpan(span: Span | null, end: SpanEnd): void {
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
