import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { bearerToken, hashToken, isSameToken } from '../shared/access-token.ts'
import type { Secret } from '../shared/config.ts'
import { findWorkspaceIdByTokenHash } from '../shared/postgres/access-tokens.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import { findWorkspace } from '../shared/postgres/workspaces.ts'
import { plainProblem } from './problem.ts'

export interface AuthorizationOptions {
  readonly pool: Pool
  readonly operatorToken: Secret
}

/** Who asks: the operator of the platform, or somebody with a token of one workspace. */
type Caller = { readonly kind: 'operator' } | { readonly kind: 'workspace'; readonly id: string }

type Hook = (request: FastifyRequest) => Promise<void>

/** @throws Problem 401 without a valid token, 403 with the token of a workspace. */
export function requireOperator(options: AuthorizationOptions): Hook {
  return async (request) => {
    const caller = await identify(request, options)
    if (caller.kind !== 'operator') throw plainProblem(403, 'Only the operator may do this.')
  }
}

/**
 * Lets the operator and the workspace named in the path pass.
 *
 * @throws Problem 401 without a valid token, 403 with the token of another workspace, 404 when the
 * workspace does not exist: only the operator learns that.
 */
export function requireWorkspaceAccess(options: AuthorizationOptions): Hook {
  return async (request) => {
    const caller = await identify(request, options)
    const { id } = params.parse(request.params)
    if (caller.kind === 'operator') return requireWorkspace(options.pool, id)
    // A token goes with its workspace, so this one exists.
    if (caller.id !== id) throw plainProblem(403, 'The token belongs to another workspace.')
  }
}

/** @throws Problem 404 when there is no such workspace. */
export async function requireWorkspace(pool: Pool, id: string): Promise<void> {
  if ((await findWorkspace(pool, id)) === null) {
    throw plainProblem(404, 'There is no such workspace.')
  }
}

/** Hooks run before the parameters are checked; the route makes sure that there is an id. */
const params = z.object({ id: z.string() })

async function identify(
  request: FastifyRequest,
  { pool, operatorToken }: AuthorizationOptions,
): Promise<Caller> {
  const token = bearerToken(request.headers.authorization)
  if (token === undefined) throw unauthorized('Bearer', 'Send a token: Authorization: Bearer ….')
  if (isSameToken(token, operatorToken.reveal())) return { kind: 'operator' }
  const id = await findWorkspaceIdByTokenHash(pool, hashToken(token))
  if (id === null) throw unauthorized('Bearer error="invalid_token"', 'The token is not valid.')
  return { kind: 'workspace', id }
}

function unauthorized(challenge: string, detail: string) {
  return plainProblem(401, detail, { 'www-authenticate': challenge })
}
