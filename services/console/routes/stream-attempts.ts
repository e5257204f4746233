import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.string().describe('text/event-stream')

/** New attempts as they happen (server-sent events: `event: attempt`, `data:` an attempt as JSON, `id:` its id). */
export function streamAttempts(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Follow delivery attempts',
    operationId: 'streamAttempts',
    tags: ['deliveries'],
    params: workspaceParams,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/attempts/stream', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
