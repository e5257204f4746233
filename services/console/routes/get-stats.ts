import { z } from 'zod'
import { countAttempts } from '../../shared/postgres/attempt-queries.ts'
import { findWorkspace } from '../../shared/postgres/workspaces.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'
import { lastDays, summarize } from '../stats-days.ts'

const WINDOW_DAYS = { '1d': 1, '7d': 7, '30d': 30 } as const

const query = z.strictObject({
  window: z.enum(['1d', '7d', '30d']).default('7d'),
})

const day = z.object({
  date: z.iso.date(),
  delivered: z.number().int(),
  failedAttempts: z.number().int(),
  p50Ms: z.number().int().nullable().describe('Of the endpoint’s answers; null without any.'),
  p99Ms: z.number().int().nullable(),
})

const shown = z.object({
  window: z.string(),
  days: z.array(day).describe('One entry a day, zeros included, oldest first; the last is today.'),
  delivered: z.number().int(),
  failedAttempts: z.number().int(),
  successRate: z.number().nullable().describe('Between 0 and 1; null without attempts.'),
})

/** Deliveries per day, in the zone of the workspace. */
export function getStats(app: ConsoleApp, { pool, clock }: ConsoleDeps): void {
  const schema = {
    summary: 'Statistics by day',
    operationId: 'getStats',
    tags: ['deliveries'],
    params: workspaceParams,
    querystring: query,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/stats', { schema }, async (request) => {
    const { window } = request.query
    const workspace = await findWorkspace(pool, request.params.id)
    if (workspace === null) throw plainProblem(404, 'There is no such workspace.')
    const days = lastDays(clock.now(), workspace.timezone, WINDOW_DAYS[window])
    const counts = await countAttempts(pool, workspace.id, days)
    return { window, ...summarize(days, counts) }
  })
}
