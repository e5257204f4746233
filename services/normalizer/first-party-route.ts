import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bearerToken, hashToken } from '../shared/access-token.ts'
import type { Logger } from '../shared/logger.ts'
import { type TraceContext, traceIds } from '../shared/trace-context.ts'
import type { Span, Tracing } from '../shared/tracing.ts'
import type { AcceptFirstParty, FirstPartyResult } from './accept-first-party.ts'
import {
  type Answer,
  json,
  methodNotAllowed,
  problem,
  send,
  tooManyRequests,
  UNAVAILABLE,
  unauthorized,
} from './answers.ts'
import type { Door } from './door.ts'
import type { Gate, Tokens } from './gate.ts'
import type { NormalizerMetrics } from './metrics.ts'
import type { RateLimited } from './rate-limited.ts'
import { endRequestSpan, startRequestSpan } from './request-span.ts'

/** `POST /v1/workspaces/{id}/events`: where first-party producers send their events. */
export interface FirstPartyRouteOptions {
  readonly acceptFirstParty: AcceptFirstParty
  readonly door: Door
  readonly gate: Gate
  /** The workspace that a token opens, by the hash of the token. */
  readonly workspaces: Tokens<string>['lookup']
  readonly metrics: Pick<NormalizerMetrics, 'webhookReceived' | 'webhookLimited'>
  /** Null or absent: off. */
  readonly tracing?: Tracing | null | undefined
  readonly logger: Logger
}

interface Params {
  readonly workspaceId: string
}

const PATH = '/v1/workspaces/:workspaceId/events'

type FirstPartyHttpRequest = FastifyRequest<{ Params: Params }>
type Handled = FirstPartyResult | RateLimited

interface Begun {
  readonly startedMs: number
  readonly span: Span | null
}

export function addFirstPartyRoute(app: FastifyInstance, options: FirstPartyRouteOptions): void {
  const { acceptFirstParty, door, gate, metrics, tracing } = options
  const begun = new WeakMap<FirstPartyHttpRequest, Begun>()
  app.route<{ Params: Params }>({
    method: 'POST',
    url: PATH,
    // The token first: a body of whom we do not know is not read.
    onRequest: async (request, reply) => {
      const { method, headers } = request
      const span = startRequestSpan(tracing, { method, route: PATH, headers })
      begun.set(request, { startedMs: performance.now(), span })
      const refused = await atTheGate(request, options)
      if (refused) return finish(request, reply, { result: refused, begun, options })
    },
    handler: async (request, reply) => {
      const received = firstPartyRequest(request, begun.get(request)?.span?.context)
      const result = await door.pass(() => acceptFirstParty(received))
      gate.settle(senderOf(request), request, 1)
      return finish(request, reply, { result, begun, options })
    },
  })
  const refuse = async (_request: FastifyRequest, reply: FastifyReply) => {
    metrics.webhookReceived('first-party', 'method_not_allowed')
    return send(reply, methodNotAllowed('POST'))
  }
  const method = ['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
  app.route({ method, url: PATH, onRequest: refuse, handler: refuse })
}

/** A workspace's producers share one budget; no source has such a name. */
function senderOf(request: FirstPartyHttpRequest): string {
  return `workspace ${request.params.workspaceId}`
}

async function atTheGate(
  request: FirstPartyHttpRequest,
  { gate, workspaces }: FirstPartyRouteOptions,
): Promise<Handled | null> {
  const token = bearerToken(request.headers.authorization ?? '')
  if (token === undefined) return { kind: 'unauthorized' }
  const found = await gate.find(request, {
    kind: 'producer',
    lookup: workspaces,
    hash: hashToken(token),
    isProven: false,
  })
  if (found.kind === 'rate_limited') return found
  if (found.kind === 'unknown') return { kind: 'unauthorized' }
  if (found.kind === 'unavailable') return { kind: 'unavailable', reason: 'postgres' }
  if (found.value !== request.params.workspaceId) return { kind: 'forbidden' }
  return gate.admit(senderOf(request), request)
}

interface Finished {
  readonly result: Handled
  readonly begun: WeakMap<FirstPartyHttpRequest, Begun>
  readonly options: FirstPartyRouteOptions
}

/** Counts, logs and answers. */
function finish(
  request: FirstPartyHttpRequest,
  reply: FastifyReply,
  { result, begun, options: { metrics, logger } }: Finished,
): FastifyReply {
  const { startedMs = performance.now(), span = null } = begun.get(request) ?? {}
  metrics.webhookReceived('first-party', result.kind)
  if (result.kind === 'rate_limited') metrics.webhookLimited('first-party', result.reason)
  const facts = {
    provider: 'first-party',
    workspaceId: request.params.workspaceId,
    result: result.kind,
    reason: 'reason' in result ? result.reason : undefined,
  }
  const eventIds = 'eventId' in result ? [result.eventId] : undefined
  const ms = Math.round(performance.now() - startedMs)
  logger.info({ ...facts, eventIds, ms, ...traceIds(span?.context) }, 'webhook.accepted')
  const answer = answerOf(result)
  endRequestSpan(span, { ...facts, status: answer.status })
  return send(reply, answer)
}

function firstPartyRequest(
  request: FastifyRequest<{ Params: Params }>,
  trace: TraceContext | undefined,
) {
  const { authorization = '', 'content-type': contentType } = request.headers
  const key = request.headers['idempotency-key']
  return {
    workspaceId: request.params.workspaceId,
    authorization,
    idempotencyKey: Array.isArray(key) ? key.join(', ') : key,
    contentType,
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    trace,
  }
}

function answerOf(result: Handled): Answer {
  switch (result.kind) {
    case 'published':
    case 'spooled':
    case 'repeated':
      return json(202, { eventId: result.eventId, callId: result.callId })
    case 'conflict':
      return problem(409, ANOTHER_EVENT, { eventId: result.eventId })
    case 'rejected': {
      const { reason, errors } = result
      if (reason === undefined) return problem(422, 'Fields of the event are wrong.', { errors })
      return problem(422, 'The event cannot be taken.', { reason, errors })
    }
    case 'unsupported':
      return problem(415, result.detail)
    case 'unauthorized':
      return unauthorized('Send a token of this workspace.', 'Bearer')
    case 'forbidden':
      return problem(403, 'The token is of another workspace.')
    case 'rate_limited':
      return tooManyRequests(result)
    case 'unavailable':
      return UNAVAILABLE
  }
}

const ANOTHER_EVENT =
  'Another event was published under this id. If this is a second event of the call, send it with an Idempotency-Key of its own.'
