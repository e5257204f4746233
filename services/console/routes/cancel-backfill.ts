import { callOffBackfill } from '../../shared/postgres/backfills.ts'
import { backfill, requireBackfill, shownBackfill } from '../backfill.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { givenId } from '../given.ts'
import { plainProblem, problemResponses } from '../problem.ts'

/** Stops a back-fill; what it has sent stays sent, and live events go on in order. */
export function cancelBackfill(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Cancel a back-fill',
    operationId: 'cancelBackfill',
    description: 'Nothing of it is sent any more, but for a request that is open. May be repeated.',
    tags: ['recovery'],
    params: workspaceParams.extend({ backfillId: givenId }),
    response: { 200: backfill, ...problemResponses },
  }
  app.delete('/v1/workspaces/:id/backfills/:backfillId', { schema }, async ({ params }) => {
    const [workspaceId, id] = [params.id, params.backfillId]
    const cancelled = await callOffBackfill(pool, { workspaceId, id }, 'cancelled')
    const row = cancelled ?? (await requireBackfill(pool, workspaceId, id))
    if (row.state !== 'cancelled') throw plainProblem(409, `The back-fill is over: ${row.state}.`)
    return shownBackfill(row)
  })
}
