import { type Answer, api, take } from '../../api.ts'
import { sourcesEn } from '../../i18n/sources.en.ts'
import { sourcesUk } from '../../i18n/sources.uk.ts'
import { useText } from '../../i18n.ts'
import type { ProviderName } from './provider-names.ts'

export type NewSource = Answer<'/v1/workspaces/{id}/sources', 'post'>

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
