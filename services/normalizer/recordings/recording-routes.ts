import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import { methodNotAllowed, send } from '../answers.ts'
import { type Budget, createBudget } from '../budget.ts'
import type { NormalizerMetrics } from '../metrics.ts'
import { type RateLimited, rateLimited } from '../rate-limited.ts'
import type { FindRecording } from './find-recording.ts'
import { type AnsweredRecording, answerOf } from './recording-answers.ts'
import type { RecordingLinks } from './recording-link.ts'

/** `GET /recordings/{token}`: redirects to where the provider has the file just now. */
export interface RecordingRouteOptions {
  readonly links: RecordingLinks
  readonly find: FindRecording
  readonly limits: RecordingLimits
  readonly metrics: Pick<NormalizerMetrics, 'recordingAsked'>
  readonly clock: Clock
  readonly logger: Logger
}

/** Requests per minute, and per replica. */
export interface RecordingLimits {
  readonly perSource: number
  readonly perAddress: number
}

interface Params {
  readonly token: string
}

type RecordingRequest = FastifyRequest<{ Params: Params }>

const PATH = '/recordings/:token'

export function addRecordingRoutes(app: FastifyInstance, options: RecordingRouteOptions): void {
  const handle = createHandler(options)
  app.route<{ Params: Params }>({
    method: ['GET', 'HEAD'],
    url: PATH,
    handler: async (request, reply) => {
      const startedMs = performance.now()
      const result = await handle(request)
      const source = 'source' in result ? result.source : null
      options.metrics.recordingAsked(source?.provider ?? 'unknown', result.kind)
      // Never the token, nor where it led: both open the recording to whoever reads the log.
      options.logger.info(
        {
          provider: source?.provider,
          sourceId: source?.id,
          workspaceId: source?.workspaceId,
          result: result.kind,
          ms: Math.round(performance.now() - startedMs),
        },
        'recording.asked',
      )
      return send(reply, answerOf(result))
    },
  })
  // Before the body is read.
  const refuse = async (_request: FastifyRequest, reply: FastifyReply) => {
    options.metrics.recordingAsked('unknown', 'method_not_allowed')
    return send(reply, methodNotAllowed('GET, HEAD'))
  }
  const method = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
  app.route({ method, url: PATH, onRequest: refuse, handler: refuse })
}

const MINUTE_MS = 60_000

function createHandler({
  links,
  find,
  limits,
  clock,
}: RecordingRouteOptions): (request: RecordingRequest) => Promise<AnsweredRecording> {
  const ofAddress = createBudget({ max: limits.perAddress, windowMs: MINUTE_MS, clock })
  const ofSource = createBudget({ max: limits.perSource, windowMs: MINUTE_MS, clock })
  return async (request) => {
    const limited = taken(ofAddress, request.ip)
    if (limited) return limited
    const link = links.read(request.params.token)
    if (link === null) return { kind: 'recording_unknown' }
    // Only once the token was read: a forged one must not use up its victim's share.
    return taken(ofSource, link.sourceId) ?? find(link)
  }
}

function taken(budget: Budget, key: string): RateLimited | null {
  const waitSeconds = budget.waitSeconds(key)
  if (waitSeconds !== null) return rateLimited('requests', waitSeconds)
  budget.spend(key, 1)
  return null
}
