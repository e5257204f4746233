import { z } from 'zod'
import { listBackfills as listBackfillRows } from '../../shared/postgres/backfills.ts'
import { backfill, shownBackfill } from '../backfill.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { cursorDate, givenId } from '../given.ts'
import { decodeCursor, nextCursor, pageOf, pageQuery } from '../paging.ts'
import { problemResponses } from '../problem.ts'

const shown = z.object({ items: z.array(backfill), nextCursor })

const position = z.object({ createdAt: cursorDate, id: givenId })

/** Back-fills, newest first. */
export function listBackfills(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'List back-fills',
    operationId: 'listBackfills',
    tags: ['recovery'],
    params: workspaceParams,
    querystring: z.strictObject(pageQuery),
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/backfills', { schema }, async ({ params, query }) => {
    const { cursor, limit } = query
    const before = cursor === undefined ? null : decodeCursor(cursor, position)
    const rows = await listBackfillRows(pool, {
      workspaceId: params.id,
      limit: limit + 1,
      before,
    })
    return pageOf(rows, {
      limit,
      position: ({ createdAt, id }) => ({ createdAt, id }),
      shown: shownBackfill,
    })
  })
}
