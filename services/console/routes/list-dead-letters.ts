import { z } from 'zod'
import { EVENT_KINDS } from '../../shared/call-event.ts'
import { DEAD_REASONS } from '../../shared/dead-reason.ts'
import { ERROR_CLASSES } from '../../shared/egress/error-class.ts'
import {
  type DeadLetter,
  listDeadLetters as listDeadLetterRows,
} from '../../shared/postgres/dead-letters.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { cursorDate, givenId } from '../given.ts'
import { decodeCursor, nextCursor, pageOf, pageQuery } from '../paging.ts'
import { problemResponses } from '../problem.ts'

const deadLetter = z.object({
  eventId: z.string(),
  event: z.enum(EVENT_KINDS),
  reason: z.enum(DEAD_REASONS),
  errorClass: z.enum(ERROR_CLASSES).nullable(),
  status: z.number().int().nullable(),
  attempts: z.number().int(),
  firstFailedAt: instant.nullable(),
  deadAt: instant,
  resentAt: instant.nullable().describe('When it was asked to be sent again, or a back-fill did.'),
})

const shown = z.object({ items: z.array(deadLetter), nextCursor })

const position = z.object({ deadAt: cursorDate, eventId: givenId })

/** Events that were given up, newest first. */
export function listDeadLetters(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'List dead letters',
    operationId: 'listDeadLetters',
    tags: ['recovery'],
    params: workspaceParams,
    querystring: z.strictObject(pageQuery),
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/dead-letters', { schema }, async ({ params, query }) => {
    const { cursor, limit } = query
    const before = cursor === undefined ? null : decodeCursor(cursor, position)
    const rows = await listDeadLetterRows(pool, {
      workspaceId: params.id,
      limit: limit + 1,
      before,
    })
    return pageOf(rows, {
      limit,
      position: ({ deadAt, eventId }) => ({ deadAt, eventId }),
      shown: shownLetter,
    })
  })
}

function shownLetter(row: DeadLetter): z.infer<typeof deadLetter> {
  const { eventId, event, reason, errorClass, status, attempts } = row
  return {
    eventId,
    event,
    reason,
    errorClass,
    status,
    attempts,
    firstFailedAt: row.firstFailedAt?.toISOString() ?? null,
    deadAt: row.deadAt.toISOString(),
    resentAt: row.resentAt?.toISOString() ?? null,
  }
}
