import { z } from 'zod'
import { hashToken } from '../../shared/access-token.ts'
import { PROVIDER_NAMES, type ProviderName } from '../../shared/call-event.ts'
import { insertSourceWithin } from '../../shared/postgres/sources.ts'
import {
  providerSettings,
  SETTINGS_BYTES_MAX,
  withoutSecrets,
} from '../../shared/provider-settings.ts'
import { settingsPlace } from '../../shared/sealed-places.ts'
import { newSourceId } from '../../shared/source-token.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { givenText } from '../given.ts'
import { invalidRequest, type Problem, plainProblem, problemResponses } from '../problem.ts'

const label = givenText(200).nullable().default(null)

const { ringostat, phonet, binotel, unitalk, 'stream-telecom': streamTelecom } = providerSettings

/** Each provider has settings of its own, and refuses those of another. */
const body = z.discriminatedUnion(
  'provider',
  [
    z.strictObject({ ...named('ringostat'), settings: ringostat.prefault({}) }),
    z.strictObject({ ...named('phonet'), settings: phonet.prefault({}) }),
    z.strictObject({ ...named('binotel'), settings: binotel.prefault({}) }),
    z.strictObject({ ...named('stream-telecom'), settings: streamTelecom.prefault({}) }),
    z.strictObject({ ...named('unitalk'), settings: unitalk.prefault({}) }),
  ],
  { error: `must be one of ${PROVIDER_NAMES.join(', ')}` },
)

function named<Name extends ProviderName>(provider: Name) {
  return { provider: z.literal(provider), label }
}

const created = z.object({
  id: z.string(),
  provider: z.enum(PROVIDER_NAMES),
  label: z.string().nullable(),
  webhookUrl: z.string().describe('To be pasted at the provider. Shown once: it holds the token.'),
  settings: z.record(z.string(), z.unknown()).describe('Secrets in it read `***`.'),
})

/** A new source of calls: the URL at which one provider reports them. */
export function createSource(app: ConsoleApp, deps: ConsoleDeps): void {
  const { pool, secretBox, sourceTokens, normalizerPublicUrl, sourcesMax } = deps
  const schema = {
    summary: 'Add a source of calls',
    operationId: 'createSource',
    tags: ['sources'],
    params: workspaceParams,
    body,
    response: { 201: created, ...problemResponses },
  }
  app.post(
    '/v1/workspaces/:id/sources',
    { schema, config: { idempotent: true } },
    async (request, reply) => {
      const { provider, settings } = request.body
      const settingsText = JSON.stringify(settings)
      if (Buffer.byteLength(settingsText) > SETTINGS_BYTES_MAX) throw SETTINGS_TOO_LARGE
      const named = { id: newSourceId(), workspaceId: request.params.id, provider }
      const token = sourceTokens.issue(named)
      const source = {
        ...named,
        label: request.body.label,
        settingsSealed: secretBox.seal(settingsText, settingsPlace(named)),
        tokenHash: hashToken(token),
      }
      if (!(await insertSourceWithin(pool, source, sourcesMax))) throw tooManySources(sourcesMax)
      return reply.code(201).send({
        id: source.id,
        provider,
        label: source.label,
        webhookUrl: `${normalizerPublicUrl}/hooks/${provider}/${token}`,
        settings: withoutSecrets(settings),
      })
    },
  )
}

const SETTINGS_TOO_LARGE = invalidRequest([
  { path: 'body.settings', message: `may have ${SETTINGS_BYTES_MAX} bytes as JSON` },
])

function tooManySources(sourcesMax: number): Problem {
  return plainProblem(
    409,
    `A workspace may have ${sourcesMax} sources of calls. Delete one that is not used any more.`,
  )
}
