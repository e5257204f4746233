import { z } from 'zod'
import { callIdOf, EVENT_PROVIDERS } from '../../shared/call-event.ts'
import { findEventsOfCall } from '../../shared/postgres/published-events.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { givenText } from '../given.ts'
import { problemResponses } from '../problem.ts'

const query = z.strictObject({
  providerCallId: givenText(255).describe('As the provider names the call.'),
  provider: z
    .enum(EVENT_PROVIDERS)
    .optional()
    .describe('Where it is not known, all are looked at.'),
})

const shown = z.object({
  items: z.array(
    z.object({
      eventId: z.string(),
      callId: z.string(),
      provider: z.enum(EVENT_PROVIDERS),
      publishedAt: instant,
    }),
  ),
})

/**
 * By the id that a customer, or the provider's support, has in hand. A call's own id is derived from it,
 * so nothing has to be searched: it is found by the index that finds any call.
 */
export function findCall(app: ConsoleApp, { pool }: ConsoleDeps): void {
  const schema = {
    summary: 'Find the events of a call by the provider’s id of it',
    description:
      'Of the last 7 days, oldest first; `GET …/events/{eventId}` shows what became of each.',
    operationId: 'findCall',
    tags: ['deliveries'],
    params: workspaceParams,
    querystring: query,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/published-events', { schema }, async ({ params, query: asked }) => {
    const { id: workspaceId } = params
    const providers = asked.provider ? [asked.provider] : EVENT_PROVIDERS
    const callIds = providers.map((one) => callIdOf(workspaceId, one, asked.providerCallId))
    const found = await findEventsOfCall(pool, { workspaceId, callIds })
    return {
      items: found.map(({ publishedAt, ...rest }) => ({
        ...rest,
        publishedAt: publishedAt.toISOString(),
      })),
    }
  })
}
