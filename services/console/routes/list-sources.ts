import { z } from 'zod'
import { PROVIDER_NAMES } from '../../shared/call-event.ts'
import { type ListedSource, listSources as list } from '../../shared/postgres/sources.ts'
import { withoutSecrets } from '../../shared/provider-settings.ts'
import { settingsPlace } from '../../shared/sealed-places.ts'
import { openOrNull, type SecretBox } from '../../shared/secret-box.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { decodeCursor, nextCursor, pageOf, pageQuery } from '../paging.ts'
import { problemResponses } from '../problem.ts'

const listed = z.object({
  id: z.string(),
  provider: z.enum(PROVIDER_NAMES),
  label: z.string().nullable(),
  settings: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe(
      'Secrets in it read `***`. null: we cannot read them; delete the source and add it anew.',
    ),
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
})

const shown = z.object({ items: z.array(listed), nextCursor })

/** In the year 2100; a larger number would be no time that Postgres knows. */
const MICROS_MAX = 4_102_444_800_000_000

const position = z.object({
  createdMicros: z.number().int().min(0).max(MICROS_MAX),
  id: z.string().regex(/^[\w-]{1,64}$/),
})

/** The sources of a workspace, oldest first. Their URLs cannot be shown again. */
export function listSources(app: ConsoleApp, { pool, secretBox }: ConsoleDeps): void {
  const schema = {
    summary: 'List the sources of calls',
    operationId: 'listSources',
    tags: ['sources'],
    params: workspaceParams,
    querystring: z.strictObject(pageQuery),
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/sources', { schema }, async ({ params, query }) => {
    const { cursor, limit } = query
    const after = cursor === undefined ? null : decodeCursor(cursor, position)
    const rows = await list(pool, { workspaceId: params.id, limit: limit + 1, after })
    return pageOf(rows, {
      limit,
      position: ({ createdMicros, id }) => ({ createdMicros, id }),
      shown: (source) => shownSource(source, secretBox),
    })
  })
}

function shownSource(source: ListedSource, secretBox: SecretBox): z.infer<typeof listed> {
  const { id, provider, label } = source
  return {
    id,
    provider,
    label,
    settings: shownSettings(source, secretBox),
    createdAt: source.createdAt.toISOString(),
    firstEventAt: source.firstEventAt?.toISOString() ?? null,
    lastEventAt: source.lastEventAt?.toISOString() ?? null,
    previousValidUntil: source.previousValidUntil?.toISOString() ?? null,
  }
}

/** One whose key is gone would hide the others, and with them the way to delete it. */
function shownSettings(source: ListedSource, secretBox: SecretBox) {
  const settings = openOrNull(secretBox, source.settingsSealed, settingsPlace(source))
  return settings === null ? null : withoutSecrets(JSON.parse(settings))
}
