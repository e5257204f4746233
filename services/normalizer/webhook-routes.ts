import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hashToken } from '../shared/access-token.ts'
import type { ReadToken, SourceName, SourceTokens } from '../shared/source-token.ts'
import type { TraceContext } from '../shared/trace-context.ts'
import type { AcceptWebhook } from './accept-webhook.ts'
import type { WebhookResult } from './act-on-verdicts.ts'
import { answerOf, methodNotAllowed, send } from './answers.ts'
import type { Door } from './door.ts'
import type { Gate, Tokens } from './gate.ts'
import { createRequestLog, type RequestLogOptions } from './request-log.ts'
import type { Source } from './source.ts'
import type { Webhook } from './webhook.ts'

/** `/hooks/{provider}/{sourceToken}[/{eventPath}]`: where providers send their webhooks. */
export interface WebhookRouteOptions extends RequestLogOptions {
  readonly acceptWebhook: AcceptWebhook
  readonly door: Door
  readonly gate: Gate
  /** By the hash of the token. */
  readonly sources: Tokens<Source>['lookup']
  /** What a token proves by itself, without a look into Postgres. */
  readonly tokens: Pick<SourceTokens, 'read'>
}

interface Params {
  readonly provider: string
  readonly sourceToken: string
  readonly eventPath?: string
}

const PATHS = ['/hooks/:provider/:sourceToken', '/hooks/:provider/:sourceToken/:eventPath']

type WebhookRequest = FastifyRequest<{ Params: Params }>
type Senders = WeakMap<WebhookRequest, string>

export function addWebhookRoutes(app: FastifyInstance, options: WebhookRouteOptions): void {
  const log = createRequestLog(options)
  /** Out of whose share those are taken that were let in: a source may have two tokens. */
  const senders: Senders = new WeakMap()
  const end = (request: WebhookRequest, reply: FastifyReply, result: WebhookResult) => {
    const { provider } = request.params
    const facts = factsOf(result)
    return log.end(request, reply, { provider, result, facts, answer: answerOf(result) })
  }
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
        log.begin(request, url)
        const refused = await atTheGate(request, senders, options)
        if (refused) return end(request, reply, refused)
      },
      handler: async (request, reply) => {
        const webhook = webhookOf(request, log.traceOf(request))
        const result = await options.door.pass(() => options.acceptWebhook(webhook))
        const calls = 'eventIds' in result ? Math.max(result.eventIds.length, 1) : 1
        const sender = senders.get(request)
        if (sender !== undefined) options.gate.settle(sender, request, calls)
        return end(request, reply, result)
      },
    })
    const method = ['PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
    app.route<{ Params: Params }>({ method, url, onRequest: refuse, handler: refuse })
  }
}

async function atTheGate(
  request: WebhookRequest,
  senders: Senders,
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
  senders.set(request, source.id)
  const limited = gate.admit(source.id, request)
  return limited && { ...limited, source }
}

/** Postgres cannot say whose token it is: what nobody vouches for is not read at all. */
function namedBy(token: ReadToken): SourceName | WebhookResult {
  if (token.kind === 'signed') return token.source
  if (token.kind === 'forged') return { kind: 'unknown_source' }
  return { kind: 'unavailable', reason: 'postgres' }
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

function factsOf(result: WebhookResult) {
  const source = 'source' in result ? result.source : undefined
  return {
    provider: source?.provider,
    sourceId: source?.id,
    workspaceId: source?.workspaceId,
    eventIds: 'eventIds' in result ? result.eventIds : undefined,
    providerCallIds: 'providerCallIds' in result ? result.providerCallIds : undefined,
  }
}
