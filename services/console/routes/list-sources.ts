import { z } from 'zod'
import { PROVIDER_NAMES } from '../../shared/call-event.ts'
import { listSources as list } from '../../shared/postgres/sources.ts'
import { withoutSecrets } from '../../shared/provider-settings.ts'
import { settingsPlace } from '../../shared/sealed-places.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { problemResponses } from '../problem.ts'

const sources = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      provider: z.enum(PROVIDER_NAMES),
      label: z.string().nullable(),
      settings: z.record(z.string(), z.unknown()).describe('Secrets in it read `***`.'),
      createdAt: instant,
      firstEventAt: instant
        .nullable()
        .describe(
          'The first webhook that was understood, ignored kinds included; null: none has come yet.',
        ),
      lastEventAt: instant.nullable().describe('The newest such webhook, to the minute.'),
      previousValidUntil: instant
        .nullable()
        .describe('Until then the webhook URL before the last rotation works as well.'),
    }),
  ),
})

/** The sources of a workspace, oldest first. Their URLs cannot be shown again. */
export function listSources(app: ConsoleApp, { pool, secretBox }: ConsoleDeps): void {
  const schema = {
    summary: 'List the sources of calls',
    operationId: 'listSources',
    tags: ['sources'],
    params: workspaceParams,
    response: { 200: sources, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/sources', { schema }, async (request) => {
    const workspaceId = request.params.id
    const found = await list(pool, workspaceId)
    const open = (id: string, sealed: string) =>
      withoutSecrets(JSON.parse(secretBox.open(sealed, settingsPlace({ workspaceId, id }))))
    return {
      items: found.map(({ id, provider, label, settingsSealed, ...at }) => ({
        id,
        provider,
        label,
        settings: open(id, settingsSealed),
        createdAt: at.createdAt.toISOString(),
        firstEventAt: at.firstEventAt?.toISOString() ?? null,
        lastEventAt: at.lastEventAt?.toISOString() ?? null,
        previousValidUntil: at.previousValidUntil?.toISOString() ?? null,
      })),
    }
  })
}
