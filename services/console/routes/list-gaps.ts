import { z } from 'zod'
import { GAP_REASONS, listGaps as listGapRows, type StoredGap } from '../../shared/postgres/gaps.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { cursorNumber } from '../given.ts'
import { decodeCursor, nextCursor, pageOf, pageQuery } from '../paging.ts'
import { problemResponses } from '../problem.ts'

const gap = z.object({
  id: z.string(),
  from: instant,
  to: instant.nullable().describe('Null while open.'),
  reason: z
    .enum(GAP_REASONS)
    .describe(
      '`deleted`: events waited for so long that the log does not keep them any more. No back-fill can ' +
        'bring them. `restored`: we had an outage, and events of this time may or may not have been sent.',
    ),
  backfilledAt: instant
    .nullable()
    .describe('When a back-fill of the whole gap was done; never for `deleted`.'),
})

const shown = z.object({ items: z.array(gap), nextCursor })

const position = z.object({ id: cursorNumber })

/** What the workspace has not got: disconnected, suspended, or too late for the log. Newest first. */
export function listGaps(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'List gaps',
    operationId: 'listGaps',
    tags: ['recovery'],
    params: workspaceParams,
    querystring: z.strictObject(pageQuery),
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/gaps', { schema }, async ({ params, query }) => {
    const { cursor, limit } = query
    const beforeId = cursor === undefined ? null : decodeCursor(cursor, position).id
    const rows = await listGapRows(pool, {
      workspaceId: params.id,
      limit: limit + 1,
      beforeId,
    })
    return pageOf(rows, { limit, position: ({ id }) => ({ id }), shown: shownGap })
  })
}

function shownGap({ id, from, to, reason, backfilledAt }: StoredGap): z.infer<typeof gap> {
  return {
    id: String(id),
    from: from.toISOString(),
    to: to?.toISOString() ?? null,
    reason,
    backfilledAt: backfilledAt?.toISOString() ?? null,
  }
}
