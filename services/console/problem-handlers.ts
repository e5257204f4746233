import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { Logger } from '../shared/logger.ts'
import { isDatabaseAway, isDatabaseReadOnly } from '../shared/postgres/pool.ts'
import { SecretBoxError } from '../shared/secret-box.ts'
import { EventLogAwayError } from './event-log.ts'
import { type FieldError, invalidRequest, Problem, plainProblem } from './problem.ts'
import { isForPage, sendPage } from './web-page.ts'

/** Makes every answer that is no success a problem document: thrown, unknown path, wrong method. */
export function answerWithProblems(app: FastifyInstance, logger: Logger): void {
  const allowedMethods = collectMethods(app)
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    if (problem.httpStatus >= 500) {
      logger.error({ err: error, route: request.routeOptions.url }, 'request.failed')
    }
    return send(reply, problem)
  })
  app.setNotFoundHandler((request, reply) => {
    if (isForPage(request) && sendPage(reply)) return reply
    const allowed = allowedMethods(request.url.split('?')[0] ?? '')
    if (allowed.length === 0) return send(reply, plainProblem(404, 'Nothing is at this path.'))
    const allow = allowed.join(', ')
    return send(reply, plainProblem(405, `Allowed here: ${allow}.`, { allow }))
  })
}

/** For what fails before a route is known: a path that cannot be decoded. */
export function answerFrameworkError(
  error: FastifyError,
  _request: FastifyRequest,
  reply: FastifyReply,
): void {
  void send(reply, toProblem(error))
}

function send(reply: FastifyReply, { httpStatus, document, headers }: Problem): FastifyReply {
  return reply
    .code(httpStatus)
    .headers({ ...headers })
    .type('application/problem+json')
    .send(JSON.stringify(document))
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const { validation, validationContext = 'body' } = error
    return invalidRequest(
      validation.map(({ instancePath, message = 'is not valid' }): FieldError => {
        const steps = instancePath.split('/').filter((step) => step !== '')
        return { path: [validationContext, ...steps].join('.'), message }
      }),
    )
  }
  if (isDatabaseAway(error)) {
    const detail = isDatabaseReadOnly(error) ? READ_ONLY : 'The database does not answer.'
    return plainProblem(503, detail, { 'retry-after': '5' })
  }
  if (isOwnerGone(error)) return plainProblem(404, DELETED_MEANWHILE)
  if (error instanceof SecretBoxError) return plainProblem(503, KEY_MISSING)
  if (error instanceof EventLogAwayError) {
    return plainProblem(503, error.message, { 'retry-after': '5' })
  }
  const { statusCode = 500, message } = error as Partial<FastifyError>
  // Messages of fastify's own refusals help the caller; those of a bug would show our insides.
  return statusCode < 500 ? plainProblem(statusCode, message) : plainProblem(500)
}

const READ_ONLY = 'The database takes no changes at the moment: nothing was changed.'

const DELETED_MEANWHILE = 'What this belongs to was deleted meanwhile: nothing was changed.'

/** `foreign_key_violation`: it was there when the request was checked. */
function isOwnerGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23503'
}

const KEY_MISSING =
  'The fault is ours: a stored secret cannot be opened. Connecting again, with the password, helps.'

/** The methods of a path. Fastify itself answers 404 for a known path with another method. */
function collectMethods(app: FastifyInstance): (path: string) => string[] {
  const routes: { readonly path: RegExp; readonly method: string }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const path = new RegExp(`^${url.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}$`)
    routes.push(...[method].flat().map((name) => ({ path, method: name })))
  })
  return (path) => {
    const methods = routes.filter((route) => route.path.test(path)).map(({ method }) => method)
    return [...new Set(methods)].sort()
  }
}
