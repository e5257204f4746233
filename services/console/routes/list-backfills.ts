import { z } from 'zod'
import { backfill } from '../backfill.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { nextCursor, pageQuery } from '../paging.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({ items: z.array(backfill), nextCursor })

/** Back-fills, newest first. */
export function listBackfills(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'List back-fills',
    operationId: 'listBackfills',
    tags: ['recovery'],
    params: workspaceParams,
    querystring: z.strictObject(pageQuery),
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/backfills', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
