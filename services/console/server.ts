import swagger from '@fastify/swagger'
import { fastify } from 'fastify'
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { VERSION } from '../shared/user-agent.ts'
import { requireOperator, requireWorkspaceAccess } from './authorization.ts'
import type { ConsoleApp, ConsoleDeps } from './console-app.ts'
import { answerFrameworkError, answerWithProblems } from './problem-handlers.ts'
import { createSource } from './routes/create-source.ts'
import { createToken } from './routes/create-token.ts'
import { deleteConnection } from './routes/delete-connection.ts'
import { deleteSource } from './routes/delete-source.ts'
import { getConnection } from './routes/get-connection.ts'
import { getOpenapi } from './routes/get-openapi.ts'
import { listSources } from './routes/list-sources.ts'
import { putConnection } from './routes/put-connection.ts'
import { putWorkspace } from './routes/put-workspace.ts'

const BODY_MAX_BYTES = 64 * 1024

/** The REST API, ready to listen or to be asked by `inject`. */
export async function createServer(deps: ConsoleDeps): Promise<ConsoleApp> {
  const app = fastify({
    bodyLimit: BODY_MAX_BYTES,
    frameworkErrors: answerFrameworkError,
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  answerWithProblems(app, deps.logger)
  takeJsonOnly(app)
  logRequests(app, deps)
  await describeApi(app)
  getOpenapi(app)
  await app.register(async (scope) => {
    scope.addHook('onRequest', requireOperator(deps))
    const routes = scope.withTypeProvider<ZodTypeProvider>()
    putWorkspace(routes, deps)
    createToken(routes, deps)
  })
  await app.register(async (scope) => {
    scope.addHook('onRequest', requireWorkspaceAccess(deps))
    const routes = scope.withTypeProvider<ZodTypeProvider>()
    listSources(routes, deps)
    createSource(routes, deps)
    deleteSource(routes, deps)
    getConnection(routes, deps)
    putConnection(routes, deps)
    deleteConnection(routes, deps)
  })
  await app.ready()
  return app
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

/** One line per answer. The route and not the path: paths hold the ids of customers. */
function logRequests(app: ConsoleApp, { logger }: ConsoleDeps): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
    const durationMs = Math.round(elapsedTime)
    logger.info({ method, route: routeOptions.url, statusCode, durationMs }, 'request.answered')
  })
}

async function describeApi(app: ConsoleApp): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Call Webhook',
        description: 'Workspaces, sources of calls, and the connection their events are posted to.',
        version: VERSION,
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
}
