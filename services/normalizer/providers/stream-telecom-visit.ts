import type { CallFacts } from '../../shared/call-event.ts'
import type { Json } from './provider.ts'
import { firstText, object, tag, utmTags } from './wire-value.ts'

/** The visit that led to a call, Stream Telecom's `ct_data`. Its inner form is not published. */

const UTM = ['Source', 'Medium', 'Campaign', 'Term', 'Content'] as const

/** Only unmistakable names are read. */
export const VISIT_FIELDS: readonly string[] = [
  ...UTM.flatMap((name) => [`utm_${name.toLowerCase()}`, `utm${name}`]),
  'client_id',
  'clientId',
  'landing_page',
  'landingPage',
]

export function trackingOf(visit: Json | undefined): CallFacts['tracking'] {
  const told = object(visit)
  const capital = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)
  return {
    ...utmTags((name) => tag(firstText(told[`utm_${name}`], told[`utm${capital(name)}`]))),
    clientId: firstText(told['client_id'], told['clientId']),
    landingPage: firstText(told['landing_page'], told['landingPage']),
  }
}
