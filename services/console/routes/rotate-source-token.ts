import { z } from 'zod'
import { hashToken } from '../../shared/access-token.ts'
import { findSourceById, rotateSourceToken as rotate } from '../../shared/postgres/sources.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { givenId } from '../given.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({
  webhookUrl: z.string().describe('To be pasted at the provider. Shown once.'),
  previousValidUntil: instant.describe('Until then the URL before works as well.'),
})

/** A new webhook URL for a source; the old one works for another 24 hours. */
export function rotateSourceToken(app: ConsoleApp, deps: ConsoleDeps): void {
  const schema = {
    summary: 'Replace the webhook URL of a source',
    operationId: 'rotateSourceToken',
    tags: ['sources'],
    params: workspaceParams.extend({ sourceId: givenId }),
    response: { 200: shown, ...problemResponses },
  }
  app.post(
    '/v1/workspaces/:id/sources/:sourceId/rotate-token',
    { schema, config: { idempotent: true } },
    async (request) => {
      const { id: workspaceId, sourceId: id } = request.params
      const source = await findSourceById(deps.pool, id)
      if (source?.workspaceId !== workspaceId) throw notFound()
      const token = deps.sourceTokens.issue(source)
      const validUntil = await rotate(deps.pool, { id, workspaceId, tokenHash: hashToken(token) })
      if (validUntil === null) throw notFound()
      return {
        webhookUrl: `${deps.normalizerPublicUrl}/hooks/${source.provider}/${token}`,
        previousValidUntil: validUntil.toISOString(),
      }
    },
  )
}

function notFound(): Error {
  return plainProblem(404, 'There is no such source.')
}
