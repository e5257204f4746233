import cookie from '@fastify/cookie'
import rateLimit from '@fastify/rate-limit'
import { fastify } from 'fastify'
import {
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { requireOperator, requireWorkspaceAccess } from './authorization.ts'
import { callerFacts } from './callers.ts'
import type { ConsoleApp, ConsoleDeps } from './console-app.ts'
import { describeApi } from './describe-api.ts'
import { takeIdempotencyKeys } from './idempotency.ts'
import { type ConsoleLimits, httpOptions, LIMITS, limitConnections } from './limits.ts'
import { createLogScans } from './log-scans.ts'
import { createPingLimit } from './ping-limit.ts'
import { answerFrameworkError, answerWithProblems } from './problem-handlers.ts'
import { cancelBackfill } from './routes/cancel-backfill.ts'
import { createBackfill } from './routes/create-backfill.ts'
import { createPortalLink } from './routes/create-portal-link.ts'
import { createSource } from './routes/create-source.ts'
import { createToken } from './routes/create-token.ts'
import { deleteConnection } from './routes/delete-connection.ts'
import { deleteSource } from './routes/delete-source.ts'
import { deleteWorkspace } from './routes/delete-workspace.ts'
import { findCall } from './routes/find-call.ts'
import { getBackfill } from './routes/get-backfill.ts'
import { getConnection } from './routes/get-connection.ts'
import { getEvent } from './routes/get-event.ts'
import { getLane } from './routes/get-lane.ts'
import { getOpenapi } from './routes/get-openapi.ts'
import { getSigningSecret } from './routes/get-signing-secret.ts'
import { getStats } from './routes/get-stats.ts'
import { getWorkspace } from './routes/get-workspace.ts'
import { listAttempts } from './routes/list-attempts.ts'
import { listBackfills } from './routes/list-backfills.ts'
import { listCalls } from './routes/list-calls.ts'
import { listDeadLetters } from './routes/list-dead-letters.ts'
import { listGaps } from './routes/list-gaps.ts'
import { listSources } from './routes/list-sources.ts'
import { listTokens } from './routes/list-tokens.ts'
import { openPortalLink } from './routes/open-portal-link.ts'
import { putConnection } from './routes/put-connection.ts'
import { putWorkspace } from './routes/put-workspace.ts'
import { resendDeadLetter } from './routes/resend-dead-letter.ts'
import { retryNow } from './routes/retry-now.ts'
import { revokeTokens } from './routes/revoke-tokens.ts'
import { rotateSigningSecret } from './routes/rotate-signing-secret.ts'
import { rotateSourceToken } from './routes/rotate-source-token.ts'
import { registerSession } from './routes/session.ts'
import { streamAttempts } from './routes/stream-attempts.ts'
import { testConnection } from './routes/test-connection.ts'
import { addSecurityHeaders } from './security-headers.ts'
import { createSignInLimit } from './sign-in-limit.ts'
import { serveWebPage } from './web-page.ts'

const BODY_MAX_BYTES = 64 * 1024

/** The REST API, ready to listen or to be asked by `inject`. */
export async function createServer(
  deps: ConsoleDeps,
  limits: ConsoleLimits = LIMITS,
): Promise<ConsoleApp> {
  const app = fastify({
    ...httpOptions(limits),
    bodyLimit: BODY_MAX_BYTES,
    trustProxy: [...deps.trustedProxies],
    frameworkErrors: answerFrameworkError,
  }).withTypeProvider<ZodTypeProvider>()
  limitConnections(app, limits, deps)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  answerWithProblems(app, deps.logger)
  takeJsonOnly(app)
  logRequests(app, deps)
  await addSecurityHeaders(app, deps)
  await app.register(cookie)
  await app.register(rateLimit, { global: false })
  takeIdempotencyKeys(app, deps)
  await describeApi(app)
  await serveWebPage(app, deps)
  const signInLimit = createSignInLimit(app)
  getOpenapi(app)
  registerSession(app, deps, signInLimit)
  openPortalLink(app, deps, signInLimit)
  await app.register(async (scope) => {
    scope.addHook('onRequest', requireOperator(deps, signInLimit))
    const routes = scope.withTypeProvider<ZodTypeProvider>()
    putWorkspace(routes, deps)
    deleteWorkspace(routes, deps)
    createToken(routes, deps)
    createPortalLink(routes, deps)
  })
  await app.register(async (scope) => {
    scope.addHook('onRequest', requireWorkspaceAccess(deps, signInLimit))
    addWorkspaceRoutes(scope.withTypeProvider<ZodTypeProvider>(), deps, limits)
  })
  await app.ready()
  return app
}

function addWorkspaceRoutes(routes: ConsoleApp, deps: ConsoleDeps, limits: ConsoleLimits): void {
  const scans = createLogScans(deps.clock)
  const pingLimit = createPingLimit(routes, limits.pingsPerMinute)
  listSources(routes, deps)
  createSource(routes, deps)
  deleteSource(routes, deps)
  getConnection(routes, deps)
  putConnection(routes, deps, pingLimit)
  deleteConnection(routes, deps)
  getWorkspace(routes, deps)
  rotateSourceToken(routes, deps)
  testConnection(routes, deps, pingLimit)
  retryNow(routes, deps)
  getSigningSecret(routes, deps)
  rotateSigningSecret(routes, deps)
  listAttempts(routes, deps)
  streamAttempts(routes, deps)
  findCall(routes, deps)
  getEvent(routes, deps, scans)
  getStats(routes, deps)
  getLane(routes, deps)
  listDeadLetters(routes, deps)
  resendDeadLetter(routes, deps, scans)
  listGaps(routes, deps)
  createBackfill(routes, deps, scans)
  listBackfills(routes, deps)
  getBackfill(routes, deps)
  cancelBackfill(routes, deps)
  listCalls(routes, deps, scans)
  listTokens(routes, deps)
  revokeTokens(routes, deps)
}

/** JSON or nothing; no body at all counts as an empty object, since every field may be optional. */
function takeJsonOnly(app: ConsoleApp): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, {})
    else void parseJson(request, body.toString(), done) // It answers through `done`.
  })
  app.addHook('preValidation', async (request) => {
    request.body ??= {}
  })
}

/**
 * One line per answer. The route and not the path, which holds tokens of customers; who asked, and
 * about which workspace, so that one can tell later who has disconnected it.
 */
function logRequests(app: ConsoleApp, { logger }: ConsoleDeps): void {
  app.addHook('onSend', async (_request, reply) => {
    // Files of the page say themselves how long they may be kept.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async (request, { statusCode, elapsedTime }) => {
    const { method, routeOptions } = request
    const durationMs = Math.round(elapsedTime)
    const facts = { method, route: routeOptions.url, statusCode, durationMs }
    logger.info({ ...facts, ...callerFacts(request) }, 'request.answered')
  })
}
