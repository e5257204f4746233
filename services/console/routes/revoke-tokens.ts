import { z } from 'zod'
import { deleteAccessToken, endAllAccess } from '../../shared/postgres/access-tokens.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { givenId } from '../given.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const tags = ['workspaces']
const response = { 204: z.undefined(), ...problemResponses }

/** Ends one token, or everything that opens the workspace. */
export function revokeTokens(app: ConsoleApp, deps: ConsoleDeps): void {
  revokeToken(app, deps)
  revokeEverywhere(app, deps)
}

function revokeToken(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Revoke an access token',
    operationId: 'revokeToken',
    tags,
    params: workspaceParams.extend({ tokenId: givenId }),
    response,
  }
  app.delete('/v1/workspaces/:id/tokens/:tokenId', { schema }, async (request, reply) => {
    const { id: workspaceId, tokenId: id } = request.params
    const isRevoked = await deleteAccessToken(pool, { id, workspaceId })
    if (!isRevoked) throw plainProblem(404, 'The workspace has no such token.')
    return reply.code(204).send()
  })
}

function revokeEverywhere(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Revoke all access tokens, and sign everybody out',
    operationId: 'revokeEverywhere',
    description:
      'Ends every access token, sign-in link and session of the workspace, that of the caller included. ' +
      'The operator can make new ones.',
    tags,
    params: workspaceParams,
    response,
  }
  app.delete('/v1/workspaces/:id/tokens', { schema }, async (request, reply) => {
    await endAllAccess(pool, request.params.id)
    return reply.code(204).send()
  })
}
