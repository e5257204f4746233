import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hashToken } from '../shared/access-token.ts'
import type { Logger } from '../shared/logger.ts'
import { type TraceContext, traceIds } from '../shared/trace-context.ts'
import type { Span, Tracing } from '../shared/tracing.ts'
import type { AcceptWebhook } from './accept-webhook.ts'
import type { WebhookResult } from './act-on-verdicts.ts'
import { answerOf, methodNotAllowed, send } from './answers.ts'
import type { Door } from './door.ts'
import type { Gate, Tokens } from './gate.ts'
import type { NormalizerMetrics } from './metrics.ts'
import { endRequestSpan, startRequestSpan } from './request-span.ts'
import type { Source } from './source.ts'
import type { Webhook } from './webhook.ts'

/** `/hooks/{provider}/{sourceToken}[/{eventPath}]`: where providers send their webhooks. */
export interface WebhookRouteOptions {
  readonly acceptWebhook: AcceptWebhook
  readonly door: Door
  readonly gate: Gate
  /** By the hash of the token. */
  readonly sources: Tokens<Source>['lookup']
  /** Whether a token proves by itself that we made it. Absent: none does. */
  readonly proves?: ((token: string) => boolean) | undefined
  readonly metrics: Pick<NormalizerMetrics, 'webhookReceived' | 'webhookLimited'>
  /** Null or absent: off. */
  readonly tracing?: Tracing | null | undefined
  readonly logger: Logger
}

interface Params {
  readonly provider: string
  readonly sourceToken: string
  readonly eventPath?: string
}

const PATHS = ['/hooks/:provider/:sourceToken', '/hooks/:provider/:sourceToken/:eventPath']

type WebhookRequest = FastifyRequest<{ Params: Params }>

interface Begun {
  readonly startedMs: number
  readonly span: Span | null
}

export function addWebhookRoutes(app: FastifyInstance, options: WebhookRouteOptions): void {
  const begun = new WeakMap<WebhookRequest, Begun>()
  const refuse = async (request: WebhookRequest, reply: FastifyReply) => {
    options.metrics.webhookReceived(request.params.provider, 'method_not_allowed')
    return send(reply, methodNotAllowed('GET, POST'))
  }
  for (const url of PATHS) {
    app.route<{ Params: Params }>({
      method: ['GET', 'POST'],
      url,
      // The token first: a body of whom we do not know is not read.
      onRequest: async (request, reply) => {
        const { method, headers } = request
        const span = startRequestSpan(options.tracing, { method, route: url, headers })
        begun.set(request, { startedMs: performance.now(), span })
        const refused = await atTheGate(request, options)
        if (refused) return finish(request, reply, { result: refused, begun, options })
      },
      handler: async (request, reply) => {
        const result = await handle(request, begun.get(request)?.span?.context, options)
        return finish(request, reply, { result, begun, options })
      },
    })
    const method = ['PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
    app.route<{ Params: Params }>({ method, url, onRequest: refuse, handler: refuse })
  }
}

async function atTheGate(
  request: WebhookRequest,
  { gate, sources, proves }: WebhookRouteOptions,
): Promise<WebhookResult | null> {
  const { sourceToken } = request.params
  const found = await gate.find(request, {
    kind: 'source',
    lookup: sources,
    hash: hashToken(sourceToken),
    isProven: proves?.(sourceToken) ?? false,
  })
  if (found.kind === 'rate_limited') return found
  if (found.kind === 'unknown') return { kind: 'unknown_source' }
  const limited = gate.admit(sourceToken, request)
  if (limited === null || found.kind === 'unavailable') return limited
  return { ...limited, source: found.value }
}

async function handle(
  request: WebhookRequest,
  trace: TraceContext | undefined,
  { acceptWebhook, door, gate }: WebhookRouteOptions,
): Promise<WebhookResult> {
  const webhook = webhookOf(request, trace)
  const result = await door.pass(() => acceptWebhook(webhook))
  const calls = 'eventIds' in result ? Math.max(result.eventIds.length, 1) : 1
  gate.settle(webhook.token, request, calls)
  return result
}

interface Finished {
  readonly result: WebhookResult
  readonly begun: WeakMap<WebhookRequest, Begun>
  readonly options: WebhookRouteOptions
}

/** Counts, logs and answers. */
function finish(
  request: WebhookRequest,
  reply: FastifyReply,
  { result, begun, options: { metrics, logger } }: Finished,
): FastifyReply {
  const { startedMs = performance.now(), span = null } = begun.get(request) ?? {}
  const { provider } = request.params
  metrics.webhookReceived(provider, result.kind)
  if (result.kind === 'rate_limited') metrics.webhookLimited(provider, result.reason)
  const facts = factsOf(result)
  const ms = Math.round(performance.now() - startedMs)
  log(logger, result.kind, { ...facts, ms, ...traceIds(span?.context) })
  const answer = answerOf(result)
  endRequestSpan(span, { ...facts, status: answer.status })
  return send(reply, answer)
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
function factsOf(result: WebhookResult) {
  const source = 'source' in result ? result.source : undefined
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
function log(logger: Logger, kind: WebhookResult['kind'], line: object): void {
  const isQuiet = kind === 'ignored' || kind === 'answered'
  logger[isQuiet ? 'debug' : 'info'](line, 'webhook.accepted')
}
