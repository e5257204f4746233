import type { paths } from '../../api-schema.d.ts'

type ListSources = paths['/v1/workspaces/{id}/sources']['get']
export type Source = ListSources['responses'][200]['content']['application/json']['items'][number]
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
