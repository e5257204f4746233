import type { ProviderName } from '../../shared/call-event.ts'
import { binotel } from './binotel.ts'
import { phonet } from './phonet.ts'
import type { Provider } from './provider.ts'
import { ringostat } from './ringostat.ts'
import { streamTelecom } from './stream-telecom.ts'
import { unitalk } from './unitalk.ts'
import { withUsableIds } from './usable-ids.ts'

/**
 * Every provider by the name that its address has. The type of the settings is lost here: hand a
 * provider only what its own `settings` schema has parsed.
 */
export const providers: Readonly<Record<ProviderName, Provider<unknown>>> = {
  ringostat: withUsableIds(ringostat),
  phonet: withUsableIds(phonet),
  binotel: withUsableIds(binotel),
  'stream-telecom': withUsableIds(streamTelecom),
  unitalk: withUsableIds(unitalk),
}

/** The provider of `/hooks/{name}/…`; only own names count, so `constructor` is none. */
export function findProvider(name: string): Provider<unknown> | null {
  return isProviderName(name) ? providers[name] : null
}

function isProviderName(name: string): name is ProviderName {
  return Object.hasOwn(providers, name)
}
