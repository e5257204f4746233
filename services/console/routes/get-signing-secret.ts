import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({
  signingSecret: z.string().describe('Verifies `webhook-signature` (Standard Webhooks).'),
  previousValidUntil: instant
    .nullable()
    .describe('Until then the secret before signs as well; null: no rotation is under way.'),
})

/** Reveals the signing secret. */
export function getSigningSecret(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Reveal the signing secret',
    operationId: 'getSigningSecret',
    tags: ['connection'],
    params: workspaceParams,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/connection/signing-secret', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
