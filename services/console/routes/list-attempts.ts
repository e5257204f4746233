import { z } from 'zod'
import { ERROR_CLASSES } from '../../shared/egress/error-class.ts'
import { listAttempts as list } from '../../shared/postgres/attempt-queries.ts'
import { ATTEMPT_OUTCOMES } from '../../shared/postgres/delivery-attempts.ts'
import { attempt, showAttempt } from '../attempt.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { cursorNumber, cursorTime, givenId, givenInstant } from '../given.ts'
import { decodeCursor, nextCursor, pageOf, pageQuery } from '../paging.ts'
import { problemResponses } from '../problem.ts'

const query = z.strictObject({
  outcome: z
    .enum([...ATTEMPT_OUTCOMES, 'failed'])
    .optional()
    .describe('`failed`: whatever is not delivered.'),
  errorClass: z.enum(ERROR_CLASSES).optional(),
  eventId: givenId.optional(),
  since: givenInstant.optional(),
  until: givenInstant.optional().describe('Exclusive.'),
  ...pageQuery,
})

const shown = z.object({ items: z.array(attempt), nextCursor })

/** The last attempt of a page. Attempts that come meanwhile stand before it, so none is skipped. */
const position = z.strictObject({ at: cursorTime, id: cursorNumber })

/** Delivery attempts, newest first. No call content: that is in the log. */
export function listAttempts(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'List delivery attempts',
    operationId: 'listAttempts',
    tags: ['deliveries'],
    params: workspaceParams,
    querystring: query,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/attempts', { schema }, async (request) => {
    const { cursor, limit, ...filter } = request.query
    const before = cursor === undefined ? undefined : decodeCursor(cursor, position)
    const found = await list(pool, request.params.id, filter, { before, limit: limit + 1 })
    return pageOf(found, {
      limit,
      position: ({ at, id }) => ({ at: at.getTime(), id }),
      shown: showAttempt,
    })
  })
}
