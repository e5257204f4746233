import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({
  signingSecret: z.string(),
  previousValidUntil: instant,
})

/** A new signing secret; the old one signs as well for another 24 hours. */
export function rotateSigningSecret(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Rotate the signing secret',
    operationId: 'rotateSigningSecret',
    tags: ['connection'],
    params: workspaceParams,
    response: { 200: shown, ...problemResponses },
  }
  app.post(
    '/v1/workspaces/:id/connection/signing-secret/rotate',
    { schema, config: { idempotent: true } },
    async () => {
      throw plainProblem(501, 'Not built yet.')
    },
  )
}
