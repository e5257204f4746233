import { z } from 'zod'
import { deleteWorkspace as remove } from '../../shared/postgres/deleted-workspaces.ts'
import {
  type ConsoleApp,
  type ConsoleDeps,
  instant,
  operatorOnly,
  workspaceParams,
} from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const deleted = z.object({
  id: z.string(),
  deletedAt: instant,
  erasedAt: instant
    .nullable()
    .describe('When nothing of it was left in the database; null: it is being removed.'),
})

/** Deletes a workspace and everything of it but what lies in the log until that is over. */
export function deleteWorkspace(app: ConsoleApp, { pool, logger }: ConsoleDeps): void {
  const schema = {
    summary: 'Delete a workspace and everything of it',
    description:
      'At once: tokens, sign-in links, sessions, sources, connection, gaps and back-fills. Within ' +
      'minutes: what waits, dead letters and attempts; repeat the request to see when that is done. ' +
      'Events stay in the log until its retention is over, and for 60 days the id is not given again.',
    operationId: 'deleteWorkspace',
    tags: ['workspaces'],
    security: operatorOnly,
    params: workspaceParams,
    response: { 202: deleted, ...problemResponses },
  }
  app.delete('/v1/workspaces/:id', { schema }, async (request, reply) => {
    const { id } = request.params
    const found = await remove(pool, id)
    if (found === null) throw plainProblem(404, 'There is no such workspace.')
    const { deletedAt, erasedAt } = found
    logger.info({ workspaceId: id, deletedAt }, 'workspace.deleted')
    return reply.code(202).send({
      id,
      deletedAt: deletedAt.toISOString(),
      erasedAt: erasedAt?.toISOString() ?? null,
    })
  })
}
