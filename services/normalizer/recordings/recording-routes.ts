import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from '../../shared/logger.ts'
import { methodNotAllowed, send } from '../answers.ts'
import type { NormalizerMetrics } from '../metrics.ts'
import { createMinuteLimit } from '../rate-limited.ts'
import type { FindRecording } from './find-recording.ts'
import { type AnsweredRecording, answerOf } from './recording-answers.ts'
import type { RecordingLinks } from './recording-link.ts'

/** `GET /recordings/{token}`: redirects to where the provider has the file just now. */
export interface RecordingRouteOptions {
  readonly links: RecordingLinks
  readonly find: FindRecording
  readonly limits: RecordingLimits
  readonly metrics: Pick<NormalizerMetrics, 'recordingAsked'>
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
  const handle = createHandler(app, options)
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
  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: PATH,
    handler: async (_request, reply) => {
      options.metrics.recordingAsked('unknown', 'method_not_allowed')
      return send(reply, methodNotAllowed('GET, HEAD'))
    },
  })
}

function createHandler(
  app: FastifyInstance,
  { links, find, limits }: RecordingRouteOptions,
): (request: RecordingRequest) => Promise<AnsweredRecording> {
  const ofAddress = createMinuteLimit(app, { max: limits.perAddress })
  const ofSource = createMinuteLimit(app, {
    max: limits.perSource,
    // Only asked once the token was read: a forged one must not use up its victim's share.
    keyGenerator: (request) => links.read((request.params as Params).token)?.sourceId ?? '',
  })
  return async (request) => {
    const limited = await ofAddress(request)
    if (limited) return limited
    const link = links.read(request.params.token)
    if (link === null) return { kind: 'recording_unknown' }
    return (await ofSource(request)) ?? find(link)
  }
}
