import { type Answer, api, take } from '../../api.ts'
import { tileEn } from '../../i18n/tile.en.ts'
import { tileUk } from '../../i18n/tile.uk.ts'
import { useText } from '../../i18n.ts'

export type Connection = Answer<'/v1/workspaces/{id}/connection', 'get'>
/** With a URL, whether it works or not. */
export type LiveConnection = Exclude<Connection, { state: 'disconnected' }>
export type Connected = Answer<'/v1/workspaces/{id}/connection', 'put'>
export type Gap = Answer<'/v1/workspaces/{id}/gaps', 'get'>['items'][number]

export interface ConnectionRequest {
  readonly url: string
  readonly password?: string | null
  readonly passwordScheme?: LiveConnection['passwordScheme']
  readonly passwordHeader?: string | null
  readonly maskNumbers?: boolean
}

export function connect(workspaceId: string, body: ConnectionRequest): Promise<Connected> {
  const path = { id: workspaceId }
  return take(api.PUT('/v1/workspaces/{id}/connection', { params: { path }, body }))
}

export function useTileText(): typeof tileEn {
  return useText({ en: tileEn, uk: tileUk })
}
