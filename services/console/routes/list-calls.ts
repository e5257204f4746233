import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { nextCursor } from '../paging.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const query = z.strictObject({
  since: instant.optional().describe('Default: the oldest that is left.'),
  until: instant.optional().describe('Default: now.'),
  cursor: z.string().max(500).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})

const shown = z.object({
  items: z.array(z.record(z.string(), z.unknown())).describe('Events as they are delivered.'),
  nextCursor: nextCursor.describe(
    'Survives restarts. A page may hold fewer items than asked for, or none, and still have a next one.',
  ),
  availableFrom: instant
    .nullable()
    .describe('Set when `since` lies before the oldest event that the log still holds.'),
  cost: z.object({ bytesRead: z.number().int(), recordsRead: z.number().int() }),
})

/** Events of the workspace straight from the log, in order: to pull instead of being pushed. */
export function listCalls(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Pull events from the log',
    operationId: 'listCalls',
    tags: ['calls'],
    params: workspaceParams,
    querystring: query,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/calls', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
