import { z } from 'zod'
import { hashToken, newToken } from '../../shared/access-token.ts'
import { insertAccessToken } from '../../shared/postgres/access-tokens.ts'
import { requireWorkspace } from '../authorization.ts'
import { type ConsoleApp, type ConsoleDeps, operatorOnly, workspaceParams } from '../console-app.ts'
import { givenText } from '../given.ts'
import { problemResponses } from '../problem.ts'

const body = z.strictObject({ label: givenText(200).nullable().default(null) })

/** A new token of a workspace; only its hash is kept. */
export function createToken(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Make an access token for a workspace',
    operationId: 'createToken',
    tags: ['workspaces'],
    security: operatorOnly,
    params: workspaceParams,
    body,
    response: {
      201: z.object({ token: z.string().describe('Shown once.') }),
      ...problemResponses,
    },
  }
  app.post(
    '/v1/workspaces/:id/tokens',
    { schema, config: { idempotent: true } },
    async (request, reply) => {
      const workspaceId = request.params.id
      await requireWorkspace(pool, workspaceId)
      const token = newToken('cwt_')
      const { label } = request.body
      await insertAccessToken(pool, { tokenHash: hashToken(token), workspaceId, label })
      return reply.code(201).send({ token })
    },
  )
}
