import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({
  status: z.number().int().describe('What the endpoint answered: 2xx.'),
  durationMs: z.number().int(),
})

/** Sends a `test` event to the endpoint: signed like any other, and not in the log. */
export function testConnection(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Send a test event',
    operationId: 'testConnection',
    tags: ['connection'],
    params: workspaceParams,
    response: { 200: shown, ...problemResponses },
  }
  app.post('/v1/workspaces/:id/connection/test', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
