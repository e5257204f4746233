import { type Answer, api, take } from '../../api.ts'
import { sourcesEn } from '../../i18n/sources.en.ts'
import { sourcesUk } from '../../i18n/sources.uk.ts'
import { useText } from '../../i18n.ts'

export type Source = Answer<'/v1/workspaces/{id}/sources', 'get'>['items'][number]
export type NewSource = Answer<'/v1/workspaces/{id}/sources', 'post'>
export type ProviderName = Source['provider']

/** Names are names in every language. */
export const PROVIDERS: Readonly<Record<ProviderName, string>> = {
  binotel: 'Binotel',
  ringostat: 'Ringostat',
  phonet: 'Phonet',
  unitalk: 'UniTalk',
  'stream-telecom': 'Stream Telecom',
}

export const PROVIDER_NAMES = Object.keys(PROVIDERS) as readonly ProviderName[]

export function nameOf({ label, provider }: Pick<Source, 'label' | 'provider'>): string {
  return label === null ? PROVIDERS[provider] : `${label} (${PROVIDERS[provider]})`
}

export type UrlName = 'webhook' | 'after-call' | 'after-out-call' | 'ai'

/** Ringostat does not name its events, so each has a URL of its own; all others need one. */
export function urlsOf(
  provider: ProviderName,
  webhookUrl: string,
): readonly { readonly name: UrlName; readonly url: string }[] {
  if (provider !== 'ringostat') return [{ name: 'webhook', url: webhookUrl }]
  return (['after-call', 'after-out-call', 'ai'] as const).map((name) => ({
    name,
    url: `${webhookUrl}/${name}`,
  }))
}

export interface SourceRequest {
  readonly provider: ProviderName
  readonly label: string | null
  readonly settings: Readonly<Record<string, unknown>>
}

export function createSource(workspaceId: string, request: SourceRequest): Promise<NewSource> {
  const params = { path: { id: workspaceId } }
  // Which settings belong to which provider is the table's matter, and the server checks it.
  const body = request as never
  return take(api.POST('/v1/workspaces/{id}/sources', { params, body }))
}

export function useSourcesText(): typeof sourcesEn {
  return useText({ en: sourcesEn, uk: sourcesUk })
}
