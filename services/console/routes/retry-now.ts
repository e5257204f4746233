import { z } from 'zod'
import { askForRetryNow } from '../../shared/postgres/connections.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({ askedAt: instant })

/** The event that waits for its next attempt is sent at once. */
export function retryNow(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Retry now',
    operationId: 'retryNow',
    tags: ['connection'],
    params: workspaceParams,
    response: { 202: shown, ...problemResponses },
  }
  app.post('/v1/workspaces/:id/connection/retry-now', { schema }, async (request, reply) => {
    const askedAt = await askForRetryNow(pool, request.params.id)
    if (askedAt === null) throw plainProblem(409, 'No event waits for a retry.')
    return reply.code(202).send({ askedAt: askedAt.toISOString() })
  })
}
