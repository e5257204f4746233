import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hashToken } from '../shared/access-token.ts'
import type { Logger } from '../shared/logger.ts'
import type { ReadToken, SourceName, SourceTokens } from '../shared/source-token.ts'
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
  /** What a token proves by itself, without a look into Postgres. */
  readonly tokens: Pick<SourceTokens, 'read'>
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
  /** Whose share it is taken out of, once it was let in: a source may have two tokens. */
  sender?: string
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
        const begins: Begun = { startedMs: performance.now(), span }
        begun.set(request, begins)
        const refused = await atTheGate(request, begins, options)
        if (refused) return finish(request, reply, { result: refused, begun, options })
      },
      handler: async (request, reply) => {
        const result = await handle(request, begun.get(request), options)
        return finish(request, reply, { result, begun, options })
      },
    })
    const method = ['PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
    app.route<{ Params: Params }>({ method, url, onRequest: refuse, handler: refuse })
  }
}

async function atTheGate(
  request: WebhookRequest,
  begins: Begun,
  { gate, sources, tokens }: WebhookRouteOptions,
): Promise<WebhookResult | null> {
  const { sourceToken } = request.params
  const token = tokens.read(sourceToken)
  const found = await gate.find(request, {
    kind: 'source',
    lookup: sources,
    hash: hashToken(sourceToken),
    isProven: token.kind === 'signed',
  })
  if (found.kind === 'rate_limited') return found
  if (found.kind === 'unknown') return { kind: 'unknown_source' }
  const source = found.kind === 'found' ? found.value : namedBy(token)
  if ('kind' in source) return source
  begins.sender = source.id
  const limited = gate.admit(source.id, request)
  return limited && { ...limited, source }
}

/** Postgres cannot say whose token it is: what nobody vouches for is not read at all. */
function namedBy(token: ReadToken): SourceName | WebhookResult {
  if (token.kind === 'signed') return token.source
  if (token.kind === 'forged') return { kind: 'unknown_source' }
  return { kind: 'unavailable', reason: 'postgres' }
}

async function handle(
  request: WebhookRequest,
  begun: Begun | undefined,
  { acceptWebhook, door, gate }: WebhookRouteOptions,
): Promise<WebhookResult> {
  const webhook = webhookOf(request, begun?.span?.context)
  const result = await door.pass(() => acceptWebhook(webhook))
  const calls = 'eventIds' in result ? Math.max(result.eventIds.length, 1) : 1
  if (begun?.sender !== undefined) gate.settle(begun.sender, request, calls)
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
