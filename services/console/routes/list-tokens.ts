import { z } from 'zod'
import { type AccessToken, listAccessTokens } from '../../shared/postgres/access-tokens.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { cursorDate, givenId } from '../given.ts'
import { decodeCursor, nextCursor, pageOf, pageQuery } from '../paging.ts'
import { problemResponses } from '../problem.ts'

const token = z.object({
  id: z.string(),
  label: z.string().nullable(),
  createdAt: instant,
  expiresAt: instant.nullable().describe('Null: it is good until it is revoked.'),
  lastUsedAt: instant.nullable().describe('To the minute; null: never.'),
})

const shown = z.object({ items: z.array(token), nextCursor })

const position = z.object({ createdAt: cursorDate, id: givenId })

/** The access tokens of a workspace, newest first; what they are is kept nowhere. */
export function listTokens(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'List the access tokens',
    operationId: 'listTokens',
    tags: ['workspaces'],
    params: workspaceParams,
    querystring: z.strictObject(pageQuery),
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/tokens', { schema }, async ({ params, query }) => {
    const { cursor, limit } = query
    const before = cursor === undefined ? null : decodeCursor(cursor, position)
    const rows = await listAccessTokens(pool, { workspaceId: params.id, limit: limit + 1, before })
    return pageOf(rows, {
      limit,
      position: ({ createdAt, id }) => ({ createdAt, id }),
      shown: shownToken,
    })
  })
}

function shownToken({ id, label, ...at }: AccessToken): z.infer<typeof token> {
  return {
    id,
    label,
    createdAt: at.createdAt.toISOString(),
    expiresAt: at.expiresAt?.toISOString() ?? null,
    lastUsedAt: at.lastUsedAt?.toISOString() ?? null,
  }
}
