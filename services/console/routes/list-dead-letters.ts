import { z } from 'zod'
import { EVENT_KINDS } from '../../shared/call-event.ts'
import { ERROR_CLASSES } from '../../shared/egress/error-class.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { nextCursor, pageQuery } from '../paging.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const deadLetter = z.object({
  eventId: z.string(),
  event: z.enum(EVENT_KINDS),
  reason: z.enum(['attempts_exhausted', 'rejected', 'undecodable']),
  errorClass: z.enum(ERROR_CLASSES).nullable(),
  status: z.number().int().nullable(),
  attempts: z.number().int(),
  firstFailedAt: instant.nullable(),
  deadAt: instant,
  resentAt: instant.nullable(),
})

const shown = z.object({ items: z.array(deadLetter), nextCursor })

/** Events that were given up, newest first. */
export function listDeadLetters(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'List dead letters',
    operationId: 'listDeadLetters',
    tags: ['recovery'],
    params: workspaceParams,
    querystring: z.strictObject(pageQuery),
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/dead-letters', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
