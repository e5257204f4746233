import { z } from 'zod'
import { disconnect } from '../../shared/postgres/connections.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { problemResponses } from '../problem.ts'

/** Disconnects. Doing it twice is no error: the answer says how it is now, not what it was. */
export function deleteConnection(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Disconnect',
    operationId: 'deleteConnection',
    tags: ['connection'],
    params: workspaceParams,
    response: { 204: z.undefined(), ...problemResponses },
  }
  app.delete('/v1/workspaces/:id/connection', { schema }, async (request, reply) => {
    await disconnect(pool, request.params.id)
    return reply.code(204).send()
  })
}
