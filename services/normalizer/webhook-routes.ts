import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from '../shared/logger.ts'
import { type TraceContext, traceIds } from '../shared/trace-context.ts'
import type { Tracing } from '../shared/tracing.ts'
import type { AcceptWebhook } from './accept-webhook.ts'
import type { WebhookResult } from './act-on-verdicts.ts'
import { answerOf, methodNotAllowed, send, tooManyRequests } from './answers.ts'
import type { Door } from './door.ts'
import type { NormalizerMetrics } from './metrics.ts'
import { createMinuteLimit, type RateLimited } from './rate-limited.ts'
import { endRequestSpan, startRequestSpan } from './request-span.ts'
import type { Webhook } from './webhook.ts'

/** `/hooks/{provider}/{sourceToken}[/{eventPath}]`: where providers send their webhooks. */
export interface WebhookRouteOptions {
  readonly acceptWebhook: AcceptWebhook
  readonly door: Door
  readonly metrics: Pick<NormalizerMetrics, 'webhookReceived'>
  /** Null or absent: off. */
  readonly tracing?: Tracing | null | undefined
  readonly logger: Logger
  readonly limits: RequestLimits
}

/** Per minute, and per replica. */
export interface RequestLimits {
  /** Webhooks of one source. */
  readonly perSource: number
  /** Requests of one address that name no source. */
  readonly unknownPerAddress: number
}

interface Params {
  readonly provider: string
  readonly sourceToken: string
  readonly eventPath?: string
}

type Handled = WebhookResult | RateLimited

const PATHS = ['/hooks/:provider/:sourceToken', '/hooks/:provider/:sourceToken/:eventPath']

export function addWebhookRoutes(app: FastifyInstance, options: WebhookRouteOptions): void {
  const handle = createHandler(app, options)
  for (const url of PATHS) {
    app.route<{ Params: Params }>({
      method: ['GET', 'POST'],
      url,
      handler: async (request, reply) => {
        const startedMs = performance.now()
        const { method, headers } = request
        const span = startRequestSpan(options.tracing, { method, route: url, headers })
        const result = await handle(request, span?.context)
        options.metrics.webhookReceived(request.params.provider, result.kind)
        const facts = factsOf(result)
        log(options.logger, result.kind, {
          ...facts,
          ms: Math.round(performance.now() - startedMs),
          ...traceIds(span?.context),
        })
        const answer =
          result.kind === 'rate_limited' ? tooManyRequests(result.waitSeconds) : answerOf(result)
        endRequestSpan(span, { ...facts, status: answer.status })
        return send(reply, answer)
      },
    })
    app.route<{ Params: Params }>({
      method: ['PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'],
      url,
      handler: async (request, reply) => {
        options.metrics.webhookReceived(request.params.provider, 'method_not_allowed')
        return send(reply, methodNotAllowed('GET, POST'))
      },
    })
  }
}

type WebhookRequest = FastifyRequest<{ Params: Params }>

function createHandler(
  app: FastifyInstance,
  { acceptWebhook, door, limits }: WebhookRouteOptions,
): (request: WebhookRequest, trace: TraceContext | undefined) => Promise<Handled> {
  const ofSource = createMinuteLimit(app, {
    max: limits.perSource,
    keyGenerator: (request) => (request.params as Params).sourceToken,
  })
  const ofStranger = createMinuteLimit(app, { max: limits.unknownPerAddress })
  return async (request, trace) => {
    const limited = await ofSource(request)
    if (limited) return limited
    const webhook = webhookOf(request, trace)
    const result = await door.pass(() => acceptWebhook(webhook))
    if (result.kind !== 'unknown_source') return result
    // Counted only now: a provider sends for all its customers from the same few addresses, and
    // one of them with a deleted source must not lock out the others.
    return (await ofStranger(request)) ?? result
  }
}

function webhookOf(request: WebhookRequest, trace: TraceContext | undefined): Webhook {
  const { provider, sourceToken, eventPath = '' } = request.params
  const url = request.raw.url ?? ''
  const question = url.indexOf('?')
  return {
    provider,
    token: sourceToken,
    eventPath,
    method: request.method === 'GET' ? 'GET' : 'POST',
    headers: headersOf(request),
    query: question === -1 ? '' : url.slice(question + 1),
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    receivedAt: Date.now(),
    trace,
  }
}

function headersOf(request: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

/** For log and trace; never the webhook's body, its address or its token. */
function factsOf(result: Handled) {
  const source = 'source' in result ? result.source : null
  return {
    provider: source?.provider,
    sourceId: source?.id,
    workspaceId: source?.workspaceId,
    result: result.kind,
    reason: 'reason' in result ? result.reason : undefined,
    eventIds: 'eventIds' in result ? result.eventIds : undefined,
  }
}

/** One line per webhook. */
function log(logger: Logger, kind: Handled['kind'], line: object): void {
  const isQuiet = kind === 'ignored' || kind === 'answered'
  logger[isQuiet ? 'debug' : 'info'](line, 'webhook.accepted')
}
