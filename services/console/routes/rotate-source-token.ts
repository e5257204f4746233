import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({
  webhookUrl: z.string().describe('To be pasted at the provider. Shown once.'),
  previousValidUntil: instant.describe('Until then the URL before works as well.'),
})

/** A new webhook URL for a source; the old one works for another 24 hours. */
export function rotateSourceToken(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Replace the webhook URL of a source',
    operationId: 'rotateSourceToken',
    tags: ['sources'],
    params: workspaceParams.extend({ sourceId: z.string() }),
    response: { 200: shown, ...problemResponses },
  }
  app.post(
    '/v1/workspaces/:id/sources/:sourceId/rotate-token',
    { schema, config: { idempotent: true } },
    async () => {
      throw plainProblem(501, 'Not built yet.')
    },
  )
}
