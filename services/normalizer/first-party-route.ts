import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bearerToken, hashToken } from '../shared/access-token.ts'
import type { TraceContext } from '../shared/trace-context.ts'
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
import type { Door, Unavailable } from './door.ts'
import type { Gate, Tokens } from './gate.ts'
import type { RateLimited } from './rate-limited.ts'
import { createRequestLog, type RequestLogOptions } from './request-log.ts'

/** `POST /v1/workspaces/{id}/events`: where first-party producers send their events. */
export interface FirstPartyRouteOptions extends RequestLogOptions {
  readonly acceptFirstParty: AcceptFirstParty
  readonly door: Door
  readonly gate: Gate
  /** The workspace that a token opens, by the hash of the token. */
  readonly workspaces: Tokens<string>['lookup']
}

interface Params {
  readonly workspaceId: string
}

const PATH = '/v1/workspaces/:workspaceId/events'

type FirstPartyHttpRequest = FastifyRequest<{ Params: Params }>
type Handled =
  | FirstPartyResult
  | RateLimited
  | Unavailable
  | { readonly kind: 'unauthorized' | 'forbidden' }

export function addFirstPartyRoute(app: FastifyInstance, options: FirstPartyRouteOptions): void {
  const { acceptFirstParty, door, gate, metrics } = options
  const log = createRequestLog(options)
  const end = (request: FirstPartyHttpRequest, reply: FastifyReply, result: Handled) => {
    const provider = 'first-party'
    const { workspaceId } = request.params
    const eventIds = 'eventId' in result ? [result.eventId] : undefined
    const callId = 'providerCallId' in result ? result.providerCallId : undefined
    const providerCallIds = callId === undefined ? undefined : [callId]
    const facts = { provider, workspaceId, eventIds, providerCallIds }
    return log.end(request, reply, { provider, result, facts, answer: answerOf(result) })
  }
  app.route<{ Params: Params }>({
    method: 'POST',
    url: PATH,
    // The token first: a body of whom we do not know is not read.
    onRequest: async (request, reply) => {
      log.begin(request, PATH)
      const refused = await atTheGate(request, options)
      if (refused) return end(request, reply, refused)
    },
    handler: async (request, reply) => {
      const received = firstPartyRequest(request, log.traceOf(request))
      const result = await door.pass(() => acceptFirstParty(received))
      gate.settle(senderOf(request), request, 1)
      return end(request, reply, result)
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

function firstPartyRequest(
  request: FastifyRequest<{ Params: Params }>,
  trace: TraceContext | undefined,
) {
  const { 'content-type': contentType, 'idempotency-key': key } = request.headers
  return {
    workspaceId: request.params.workspaceId,
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
