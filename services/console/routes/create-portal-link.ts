import { z } from 'zod'
import { hashToken, newToken } from '../../shared/access-token.ts'
import { insertPortalLink } from '../../shared/postgres/portal-links.ts'
import {
  type ConsoleApp,
  type ConsoleDeps,
  instant,
  operatorOnly,
  workspaceParams,
} from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const body = z.strictObject({
  expiresInSeconds: z.number().int().min(10).max(86_400).default(900),
})

const shown = z.object({
  url: z.string().describe('One use; opens the page signed in for this workspace only.'),
  expiresAt: instant,
})

/** A link that signs somebody in for this workspace, once. */
export function createPortalLink(app: ConsoleApp, { pool, publicUrl }: ConsoleDeps): void {
  const schema = {
    summary: 'Make a sign-in link for a workspace',
    operationId: 'createPortalLink',
    tags: ['workspaces'],
    security: operatorOnly,
    params: workspaceParams,
    body: body,
    response: { 201: shown, ...problemResponses },
  }
  app.post(
    '/v1/workspaces/:id/portal-links',
    { schema, config: { idempotent: true } },
    async (request, reply) => {
      const token = newToken('link_')
      const expiresAt = await insertPortalLink(pool, {
        tokenHash: hashToken(token),
        workspaceId: request.params.id,
        validSeconds: request.body.expiresInSeconds,
      })
      if (expiresAt === null) throw plainProblem(404, 'There is no such workspace.')
      const url = `${publicUrl}/portal/${token}`
      return reply.code(201).send({ url, expiresAt: expiresAt.toISOString() })
    },
  )
}
