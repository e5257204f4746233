import { z } from 'zod'
import { findWorkspace } from '../../shared/postgres/workspaces.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({
  id: z.string(),
  name: z.string().nullable(),
  timezone: z.string().describe('IANA zone: days and times are shown in it.'),
  defaultCountry: z.string(),
  createdAt: instant,
})

/** The workspace as its customer sees it. */
export function getWorkspace(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Show the workspace',
    operationId: 'getWorkspace',
    tags: ['workspaces'],
    params: workspaceParams,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id', { schema }, async (request) => {
    const found = await findWorkspace(pool, request.params.id)
    if (found === null) throw plainProblem(404, 'There is no such workspace.')
    return { ...found, createdAt: found.createdAt.toISOString() }
  })
}
