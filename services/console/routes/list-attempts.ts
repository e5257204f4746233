import { z } from 'zod'
import { ERROR_CLASSES } from '../../shared/egress/error-class.ts'
import { ATTEMPT_OUTCOMES, attempt } from '../attempt.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { nextCursor, pageQuery } from '../paging.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const query = z.strictObject({
  outcome: z.enum(ATTEMPT_OUTCOMES).optional(),
  errorClass: z.enum(ERROR_CLASSES).optional(),
  eventId: z.string().max(100).optional(),
  since: instant.optional(),
  until: instant.optional(),
  ...pageQuery,
})

const shown = z.object({ items: z.array(attempt), nextCursor })

/** Delivery attempts, newest first. No call content: that is in the log. */
export function listAttempts(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'List delivery attempts',
    operationId: 'listAttempts',
    tags: ['deliveries'],
    params: workspaceParams,
    querystring: query,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/attempts', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
