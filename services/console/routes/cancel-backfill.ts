import { z } from 'zod'
import { backfill } from '../backfill.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

/** Stops a back-fill; what it has sent stays sent, and live events go on in order. */
export function cancelBackfill(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Cancel a back-fill',
    operationId: 'cancelBackfill',
    tags: ['recovery'],
    params: workspaceParams.extend({ backfillId: z.string().max(100) }),
    response: { 200: backfill, ...problemResponses },
  }
  app.delete('/v1/workspaces/:id/backfills/:backfillId', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
