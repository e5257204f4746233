import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({ askedAt: instant })

/** The event that waits for its next attempt is sent at once. */
export function retryNow(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Retry now',
    operationId: 'retryNow',
    tags: ['connection'],
    params: workspaceParams,
    response: { 202: shown, ...problemResponses },
  }
  app.post('/v1/workspaces/:id/connection/retry-now', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
