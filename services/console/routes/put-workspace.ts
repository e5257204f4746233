import { isSupportedCountry } from 'libphonenumber-js'
import { z } from 'zod'
import { putWorkspace as put } from '../../shared/postgres/workspaces.ts'
import { timeZone } from '../../shared/time-zone.ts'
import {
  type ConsoleApp,
  type ConsoleDeps,
  instant,
  operatorOnly,
  workspaceParams,
} from '../console-app.ts'
import { givenText } from '../given.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const body = z.strictObject({
  name: givenText(200).nullable().default(null),
  timezone: timeZone
    .default('Europe/Kyiv')
    .describe('For provider times without offset, and for the days of statistics.'),
  defaultCountry: z
    .string()
    .refine(isSupportedCountry, 'must be a country of two letters such as UA')
    .default('UA')
    .describe('For phone numbers without country code.'),
})

const workspace = z.object({
  id: z.string(),
  name: z.string().nullable(),
  timezone: z.string(),
  defaultCountry: z.string(),
  createdAt: instant,
})

const DELETED =
  'A workspace of this id was deleted, and the log may still have its events. Take another id.'

/** Creates a workspace or replaces its settings. */
export function putWorkspace(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Create or change a workspace',
    operationId: 'putWorkspace',
    tags: ['workspaces'],
    security: operatorOnly,
    params: workspaceParams,
    body,
    response: { 200: workspace, 201: workspace, ...problemResponses },
  }
  app.put('/v1/workspaces/:id', { schema }, async (request, reply) => {
    const saved = await put(pool, { id: request.params.id, ...request.body })
    if (saved === null) throw plainProblem(409, DELETED)
    const { isNew, createdAt, ...rest } = saved
    return reply.code(isNew ? 201 : 200).send({ ...rest, createdAt: createdAt.toISOString() })
  })
}
