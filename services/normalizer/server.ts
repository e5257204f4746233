import Fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from '../shared/logger.ts'
import { type Answer, malformed, NOT_FOUND, send, TOO_LARGE, UNAVAILABLE } from './answers.ts'
import { addFirstPartyRoute, type FirstPartyRouteOptions } from './first-party-route.ts'
import { BODY_BYTES_MAX } from './gate.ts'
import type { WebhookOutcome } from './metrics.ts'
import { addWebhookRoutes, type WebhookRouteOptions } from './webhook-routes.ts'

/**
 * HTTP in. Bodies are taken as bytes, since a request that cannot be read has to be kept byte for
 * byte. No input yields a 500: what we did not expect is a 503, so that the provider repeats it.
 */
export interface ServerOptions extends WebhookRouteOptions, FirstPartyRouteOptions {
  readonly logger: Logger
  /** Connections of clients; further ones are closed at once. */
  readonly connectionsMax: number
  /** Addresses and ranges of proxies whose `x-forwarded-for` is believed. */
  readonly trustedProxies: readonly string[]
}

/**
 * Longest time for a request to arrive as a whole: a slow sender must not hold a connection. Node
 * looks for such at intervals, so that one ends after 14 s at the latest.
 */
const REQUEST_MS = 12_000
const REQUEST_CHECK_MS = 2_000
/** Longer than the idle time of common load balancers (60 s), which else reuse a closed one. */
const KEEP_ALIVE_MS = 65_000

/** Ready for `listen` or `inject`. */
export function createServer(options: ServerOptions): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS,
    http: { connectionsCheckingInterval: REQUEST_CHECK_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
    trustProxy: [...options.trustedProxies],
    frameworkErrors: (_error, _request, reply) => void send(reply, malformed(400)),
  })
  // Node takes the longer of the two for the whole request, and its own for the headers is 60 s.
  app.server.headersTimeout = REQUEST_MS
  app.server.maxConnections = options.connectionsMax
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  // Before a body is read.
  app.addHook('onRequest', async (request, reply) =>
    request.is404 ? send(reply, NOT_FOUND) : undefined,
  )
  app.setNotFoundHandler((_request, reply) => send(reply, NOT_FOUND))
  app.setErrorHandler((error, request, reply) => {
    const { outcome, answer } = ofError(error)
    if (outcome === 'unavailable') options.logger.error({ err: error }, 'request.failed')
    const { provider } = request.params as { provider?: string }
    options.metrics.webhookReceived(provider ?? 'unknown', outcome)
    return send(reply, answer)
  })
  addWebhookRoutes(app, options)
  addFirstPartyRoute(app, options)
  return app
}

function ofError(error: unknown): { outcome: WebhookOutcome; answer: Answer } {
  const { statusCode = 500 } = error as { statusCode?: number }
  if (statusCode === 413) return { outcome: 'too_large', answer: TOO_LARGE }
  return statusCode < 500
    ? { outcome: 'malformed', answer: malformed(statusCode) }
    : { outcome: 'unavailable', answer: UNAVAILABLE }
}
