import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { bearerToken, hashToken, isSameToken } from '../shared/access-token.ts'
import type { Secret } from '../shared/config.ts'
import type { Logger } from '../shared/logger.ts'
import { findTokenOwner } from '../shared/postgres/access-tokens.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import { findSession } from '../shared/postgres/sessions.ts'
import { findWorkspace } from '../shared/postgres/workspaces.ts'
import { type Caller, noteCaller } from './callers.ts'
import { WORKSPACE_ID } from './given.ts'
import { plainProblem } from './problem.ts'
import { isFromOwnPage } from './same-origin.ts'
import { readSessionCookie, type SessionCookieOptions } from './session-cookie.ts'
import type { SignInLimit } from './sign-in-limit.ts'

/**
 * Who may do what. A caller is the operator of the platform (by token), or somebody of one
 * workspace: by a token of it, or by the cookie of a browser that is signed in for it. A cookie
 * never makes an operator, and changes something only from our own page.
 */
export interface AuthorizationOptions extends SessionCookieOptions {
  readonly pool: Pool
  /** The current one, and the one before while the platform goes over. */
  readonly operatorTokens: readonly Secret[]
  readonly logger: Logger
}

type Hook = (request: FastifyRequest) => Promise<void>

/**
 * @throws Problem 401 without valid credentials, 403 with those of a workspace, 429 after too many
 * wrong tokens from one address.
 */
export function requireOperator(options: AuthorizationOptions, limit: SignInLimit): Hook {
  return async (request) => {
    const caller = await identify(request, options, limit)
    if (caller.kind !== 'operator') throw plainProblem(403, 'Only the operator may do this.')
  }
}

/**
 * Lets the operator and the workspace named in the path pass.
 *
 * @throws Problem 401 without valid credentials, 403 with those of another workspace, 404 when the
 * workspace does not exist: only the operator learns that; 429 after too many wrong tokens from one
 * address.
 */
export function requireWorkspaceAccess(options: AuthorizationOptions, limit: SignInLimit): Hook {
  return async (request) => {
    const caller = await identify(request, options, limit)
    const { id } = params.parse(request.params)
    if (caller.kind === 'operator') return requireWorkspace(options.pool, id)
    // Whatever identifies it goes with its workspace, so this one exists.
    if (caller.workspaceId !== id)
      throw plainProblem(403, 'You are signed in for another workspace.')
  }
}

/** @throws Problem 404 when there is no such workspace. */
export async function requireWorkspace(pool: Pool, id: string): Promise<void> {
  // Before the database is asked, which refuses some characters altogether.
  if (!WORKSPACE_ID.test(id) || (await findWorkspace(pool, id)) === null) {
    throw plainProblem(404, 'There is no such workspace.')
  }
}

/** Null for a token that opens nothing. */
export async function callerOfToken(
  token: string,
  { pool, operatorTokens, logger }: AuthorizationOptions,
): Promise<Caller | null> {
  // Each is compared, whatever the others said: else the time would tell which one it is.
  const found = operatorTokens.map((each) => isSameToken(token, each.reveal())).indexOf(true)
  // Whoever takes the previous one away too early locks somebody out: this says that it is in use.
  if (found > 0) logger.info('operator_token.previous_used')
  if (found >= 0) return { kind: 'operator' }
  const owner = await findTokenOwner(pool, hashToken(token))
  return owner && { kind: 'token', ...owner }
}

/** Hooks run before the parameters are checked; the route makes sure that there is an id. */
const params = z.object({ id: z.string() })

/** A token goes before a cookie: whoever sends one says on purpose who is asking. */
async function identify(
  request: FastifyRequest,
  options: AuthorizationOptions,
  limit: SignInLimit,
): Promise<Caller> {
  const { authorization } = request.headers
  const cookie = readSessionCookie(request, options)
  if (authorization === undefined && cookie !== undefined) {
    return identifyBrowser(request, cookie, options)
  }
  const token = bearerToken(authorization)
  if (token === undefined) throw unauthorized('Bearer', 'Send a token: Authorization: Bearer ….')
  const caller = await limit.tried(request, token, () => callerOfToken(token, options))
  if (caller === null) throw unauthorized('Bearer error="invalid_token"', 'The token is not valid.')
  return noteCaller(request, caller)
}

async function identifyBrowser(
  request: FastifyRequest,
  cookie: string,
  options: AuthorizationOptions,
): Promise<Caller> {
  requireOwnPage(request, options)
  const session = await findSession(options.pool, hashToken(cookie))
  if (session === null) throw unauthorized('Bearer', 'The session has ended. Sign in again.')
  return noteCaller(request, { kind: 'browser', workspaceId: session.workspaceId })
}

/**
 * A browser sends the cookie with whatever a foreign page makes it send. Answers stay unreadable to
 * that page, so only what changes something is refused.
 *
 * @throws Problem 403
 */
export function requireOwnPage(
  request: FastifyRequest,
  { publicUrl }: Pick<SessionCookieOptions, 'publicUrl'>,
): void {
  if (SAFE_METHODS.has(request.method) || isFromOwnPage(request, publicUrl)) return
  throw plainProblem(
    403,
    `A signed-in browser may do this only from a page of ${new URL(publicUrl).origin}. ` +
      'Elsewhere use a token: Authorization: Bearer ….',
  )
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

function unauthorized(challenge: string, detail: string) {
  return plainProblem(401, detail, { 'www-authenticate': challenge })
}
