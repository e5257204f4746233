import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from '../shared/logger.ts'
import type { AcceptWebhook } from './accept-webhook.ts'
import type { WebhookResult } from './act-on-verdicts.ts'
import { answerOf, methodNotAllowed, send, tooManyRequests } from './answers.ts'
import type { Door } from './door.ts'
import type { NormalizerMetrics } from './metrics.ts'
import { createMinuteLimit, type RateLimited } from './rate-limited.ts'
import type { Webhook } from './webhook.ts'

/** `/hooks/{provider}/{sourceToken}[/{eventPath}]`: where providers send their webhooks. */
export interface WebhookRouteOptions {
  readonly acceptWebhook: AcceptWebhook
  readonly door: Door
  readonly metrics: Pick<NormalizerMetrics, 'webhookReceived'>
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
        const result = await handle(request)
        options.metrics.webhookReceived(request.params.provider, result.kind)
        log(options.logger, result, performance.now() - startedMs)
        return send(
          reply,
          result.kind === 'rate_limited' ? tooManyRequests(result.waitSeconds) : answerOf(result),
        )
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
): (request: WebhookRequest) => Promise<Handled> {
  const ofSource = createMinuteLimit(app, {
    max: limits.perSource,
    keyGenerator: (request) => (request.params as Params).sourceToken,
  })
  const ofStranger = createMinuteLimit(app, { max: limits.unknownPerAddress })
  return async (request) => {
    const limited = await ofSource(request)
    if (limited) return limited
    const webhook = webhookOf(request)
    const result = await door.pass(() => acceptWebhook(webhook))
    if (result.kind !== 'unknown_source') return result
    // Counted only now: a provider sends for all its customers from the same few addresses, and
    // one of them with a deleted source must not lock out the others.
    return (await ofStranger(request)) ?? result
  }
}

function webhookOf(request: WebhookRequest): Webhook {
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
  }
}

function headersOf(request: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

/** One line per webhook; never its body, its address or its token. */
function log(logger: Logger, result: Handled, ms: number): void {
  const source = 'source' in result ? result.source : null
  const line = {
    provider: source?.provider,
    sourceId: source?.id,
    workspaceId: source?.workspaceId,
    result: result.kind,
    reason: 'reason' in result ? result.reason : undefined,
    eventIds: 'eventIds' in result ? result.eventIds : undefined,
    ms: Math.round(ms),
  }
  const isQuiet = result.kind === 'ignored' || result.kind === 'answered'
  logger[isQuiet ? 'debug' : 'info'](line, 'webhook.accepted')
}
