import { z } from 'zod'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { nextCursor, pageQuery } from '../paging.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const gap = z.object({
  id: z.string(),
  from: instant,
  to: instant.nullable().describe('Null while open.'),
  reason: z.enum(['disconnected', 'suspended']),
  backfilledAt: instant.nullable(),
})

const shown = z.object({ items: z.array(gap), nextCursor })

/** What the workspace has not got while it was disconnected or suspended, newest first. */
export function listGaps(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'List gaps',
    operationId: 'listGaps',
    tags: ['recovery'],
    params: workspaceParams,
    querystring: z.strictObject(pageQuery),
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/gaps', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
