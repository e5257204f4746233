import { z } from 'zod'
import { backfill } from '../backfill.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const body = z.strictObject({
  since: instant,
  until: instant,
  mode: z
    .enum(['gaps', 'all'])
    .describe('`gaps`: only what was missed, dead letters included; `all`: everything again.'),
})

/** Delivers again what lies in a range of time, in order, before newer events. */
export function createBackfill(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Deliver what was missed',
    operationId: 'createBackfill',
    tags: ['recovery'],
    params: workspaceParams,
    body: body,
    response: { 202: backfill, ...problemResponses },
  }
  app.post('/v1/workspaces/:id/backfills', { schema, config: { idempotent: true } }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
