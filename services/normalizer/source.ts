import type { SourceOfToken } from '../shared/postgres/sources.ts'
import { settingsPlace } from '../shared/sealed-places.ts'
import type { SecretBox } from '../shared/secret-box.ts'
import type { SourceContext } from './providers/provider.ts'
import { providers } from './providers/registry.ts'

/** A customer's account at a provider, with its settings opened. */
export interface Source extends SourceOfToken {
  readonly context: SourceContext<unknown>
}

/** @throws when the settings were sealed with a key that is not here, or no longer fit. */
export function openSource(source: SourceOfToken, box: SecretBox): Source {
  return { ...source, context: openContext(source, box) }
}

/**
 * About what a source takes in memory: its settings sealed and opened, where each short text of a
 * list costs more than its characters, and some hundred bytes besides.
 */
export function sourceBytes({ settingsSealed }: SourceOfToken): number {
  return 500 + 4 * settingsSealed.length
}

/** What a provider's mapping needs of a source, from what is stored of it. */
export function openContext(
  stored: Omit<SourceOfToken, 'tokenValidUntil'>,
  box: SecretBox,
): SourceContext<unknown> {
  const settings: unknown = JSON.parse(box.open(stored.settingsSealed, settingsPlace(stored)))
  return {
    settings: providers[stored.provider].settings.parse(settings),
    timezone: stored.timezone,
    defaultCountry: stored.defaultCountry,
  }
}
