import type { ProviderName } from '../../services/shared/call-event.ts'
import { type FixtureRequest, providerFixtures } from './provider-fixtures.ts'

export function firstRequest(provider: ProviderName, name: string): FixtureRequest {
  const fixture = providerFixtures().find(
    (each) => each.provider === provider && each.name === name,
  )
  const [request] = fixture?.requests ?? []
  if (!request) throw new Error(`no fixture ${provider}/${name}`)
  return request
}

const uploaded = firstRequest('binotel', 'b1-incoming-answered')

/** The same call under another id, so that tests do not meet each other's. */
export function binotelCall(
  id: string,
  recording: 'uploading' | 'uploaded' = 'uploaded',
): FixtureRequest {
  const body = uploaded.body
    .replace(/(generalCallID(%5D|\])?=)\d+/, `$1${id}`)
    .replace(/(recordingStatus(%5D|\])?=)[a-z]*/, `$1${recording}`)
  return { ...uploaded, body }
}
