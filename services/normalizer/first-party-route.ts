import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from '../shared/logger.ts'
import { type TraceContext, traceIds } from '../shared/trace-context.ts'
import type { Tracing } from '../shared/tracing.ts'
import type { AcceptFirstParty, FirstPartyResult } from './accept-first-party.ts'
import {
  type Answer,
  json,
  methodNotAllowed,
  problem,
  send,
  UNAVAILABLE,
  unauthorized,
} from './answers.ts'
import type { Door } from './door.ts'
import type { NormalizerMetrics } from './metrics.ts'
import { endRequestSpan, startRequestSpan } from './request-span.ts'

/** `POST /v1/workspaces/{id}/events`: where first-party producers send their events. */
export interface FirstPartyRouteOptions {
  readonly acceptFirstParty: AcceptFirstParty
  readonly door: Door
  readonly metrics: Pick<NormalizerMetrics, 'webhookReceived'>
  /** Null or absent: off. */
  readonly tracing?: Tracing | null | undefined
  readonly logger: Logger
}

interface Params {
  readonly workspaceId: string
}

const PATH = '/v1/workspaces/:workspaceId/events'

export function addFirstPartyRoute(app: FastifyInstance, options: FirstPartyRouteOptions): void {
  const { acceptFirstParty, door, metrics, tracing, logger } = options
  app.route<{ Params: Params }>({
    method: 'POST',
    url: PATH,
    handler: async (request, reply) => {
      const startedMs = performance.now()
      const { method, headers } = request
      const span = startRequestSpan(tracing, { method, route: PATH, headers })
      const received = firstPartyRequest(request, span?.context)
      const result = await door.pass(() => acceptFirstParty(received))
      metrics.webhookReceived('first-party', result.kind)
      const facts = {
        provider: 'first-party',
        workspaceId: request.params.workspaceId,
        result: result.kind,
        reason: 'reason' in result ? result.reason : undefined,
      }
      logger.info(
        {
          ...facts,
          eventIds: 'eventId' in result ? [result.eventId] : undefined,
          ms: Math.round(performance.now() - startedMs),
          ...traceIds(span?.context),
        },
        'webhook.accepted',
      )
      const answer = answerOf(result)
      endRequestSpan(span, { ...facts, status: answer.status })
      return send(reply, answer)
    },
  })
  app.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'],
    url: PATH,
    handler: async (_request, reply) => {
      metrics.webhookReceived('first-party', 'method_not_allowed')
      return send(reply, methodNotAllowed('POST'))
    },
  })
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

function answerOf(result: FirstPartyResult): Answer {
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
    case 'unavailable':
      return UNAVAILABLE
  }
}

const ANOTHER_EVENT =
  'Another event was published under this id. If this is a second event of the call, send it with an Idempotency-Key of its own.'
