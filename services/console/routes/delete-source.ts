import { z } from 'zod'
import { deleteSource as remove } from '../../shared/postgres/sources.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { givenId } from '../given.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const params = workspaceParams.extend({ sourceId: givenId })

/** Removes a source: its webhook URL answers 404 from then on. */
export function deleteSource(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Remove a source of calls',
    operationId: 'deleteSource',
    tags: ['sources'],
    params,
    response: { 204: z.undefined(), ...problemResponses },
  }
  app.delete('/v1/workspaces/:id/sources/:sourceId', { schema }, async (request, reply) => {
    const { id: workspaceId, sourceId } = request.params
    if (!(await remove(pool, { id: sourceId, workspaceId }))) {
      throw plainProblem(404, 'There is no such source.')
    }
    return reply.code(204).send()
  })
}
