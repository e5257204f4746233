import type { CallFacts } from '../../shared/call-event.ts'
import type { Clock } from '../../shared/clock.ts'
import { binotelSettings } from '../../shared/provider-settings.ts'
import type { Source } from '../source.ts'
import type { RecordingLinks } from './recording-link.ts'

/**
 * Binotel tells no address of a recording: its REST API gives one that lives 15 minutes. Where the
 * source has the key to that API, the event carries an address of ours, which asks for a fresh one
 * whenever somebody wants to listen. Calls of all other sources stay exactly as they were mapped.
 *
 * The address comes with `pending`, too: Binotel calls again with `uploaded` only while we have not
 * acknowledged the call, so most customers would otherwise never get one.
 */
export interface LinkOptions {
  /** Without a slash at its end. */
  readonly publicUrl: string
  readonly links: RecordingLinks
  /** Milliseconds for which an address works. */
  readonly linkMs: number
  readonly clock: Clock
}

export type SourceOfCall = Pick<Source, 'id' | 'provider' | 'context'>

export function linkedCall(call: CallFacts, source: SourceOfCall, options: LinkOptions): CallFacts {
  const { providerCallId, recordingStatus } = call
  if (recordingStatus === 'none' || apiCredentials(source) === null) return call
  // Binotel's ids are digits; anything else would not be known to its API.
  if (!/^\d{1,20}$/.test(providerCallId)) return call
  const issuedAt = options.clock.now()
  const expiresAt = issuedAt + options.linkMs
  const token = options.links.sign({ sourceId: source.id, providerCallId, issuedAt, expiresAt })
  return { ...call, recordingUrl: `${options.publicUrl}/recordings/${token}` }
}

export interface ApiCredentials {
  readonly key: string
  readonly secret: string
}

/** Of the provider's REST API; null where the source has none. */
export function apiCredentials({ provider, context }: SourceOfCall): ApiCredentials | null {
  if (provider !== 'binotel') return null
  const { apiKey, apiSecret } = binotelSettings.parse(context.settings)
  return apiKey && apiSecret ? { key: apiKey, secret: apiSecret } : null
}
