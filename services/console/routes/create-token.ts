import { z } from 'zod'
import { hashToken, newToken } from '../../shared/access-token.ts'
import { insertAccessToken } from '../../shared/postgres/access-tokens.ts'
import {
  type ConsoleApp,
  type ConsoleDeps,
  instant,
  operatorOnly,
  workspaceParams,
} from '../console-app.ts'
import { givenText } from '../given.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const TEN_YEARS_S = 10 * 365 * 86_400

const body = z.strictObject({
  label: givenText(200).nullable().default(null),
  expiresInSeconds: z
    .number()
    .int()
    .min(60)
    .max(TEN_YEARS_S)
    .nullable()
    .default(null)
    .describe('Null: it is good until it is revoked.'),
})

const shown = z.object({
  token: z.string().describe('Shown once.'),
  id: z.string().describe('Names the token in the list, and to revoke it; opens nothing.'),
  expiresAt: instant.nullable(),
})

/** A new token of a workspace; only its hash is kept. */
export function createToken(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Make an access token for a workspace',
    operationId: 'createToken',
    tags: ['workspaces'],
    security: operatorOnly,
    params: workspaceParams,
    body,
    response: { 201: shown, ...problemResponses },
  }
  app.post(
    '/v1/workspaces/:id/tokens',
    { schema, config: { idempotent: true } },
    async (request, reply) => {
      const token = newToken('cwt_')
      const made = await insertAccessToken(pool, {
        tokenHash: hashToken(token),
        workspaceId: request.params.id,
        label: request.body.label,
        validSeconds: request.body.expiresInSeconds,
      })
      if (made === null) throw plainProblem(404, 'There is no such workspace.')
      const expiresAt = made.expiresAt?.toISOString() ?? null
      return reply.code(201).send({ token, id: made.id, expiresAt })
    },
  )
}
