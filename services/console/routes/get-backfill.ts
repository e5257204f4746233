import { backfill, requireBackfill, shownBackfill } from '../backfill.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { givenId } from '../given.ts'
import { problemResponses } from '../problem.ts'

/** How far a back-fill is. */
export function getBackfill(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Show a back-fill',
    operationId: 'getBackfill',
    tags: ['recovery'],
    params: workspaceParams.extend({ backfillId: givenId }),
    response: { 200: backfill, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/backfills/:backfillId', { schema }, async ({ params }) => {
    return shownBackfill(await requireBackfill(pool, params.id, params.backfillId))
  })
}
