import { type UnitalkSettings, unitalkSettings } from '../../shared/provider-settings.ts'
import { carriesSecret } from './header-secret.ts'
import {
  type Json,
  type JsonObject,
  type Provider,
  type ProviderRequest,
  rejected,
  type SourceContext,
  tooMany,
  type Verdict,
} from './provider.ts'
import { finishedCall } from './unitalk-call.ts'
import { firstText, isObject, list, number, object, text } from './wire-value.ts'

/**
 * UniTalk (unitalk.cloud, formerly Nextel). The customer makes a handler per event in the cabinet:
 * "Standard JSON" (`{ event, call: { … } }`), or a template of their own with variables such as
 * `call_id`, sent as JSON, form or query. Only the end of a call is delivered.
 *
 * Nothing in a request names the account, so the address, and the header secret where the source
 * has one, are all that tells whose call it is.
 */
export const unitalk: Provider<UnitalkSettings> = {
  name: 'unitalk',
  settings: unitalkSettings,
  acknowledgement: { contentType: 'text/plain', body: 'OK' },
  read(request, source) {
    const { headerSecret } = source.settings
    if (headerSecret && !carriesSecret(request.headers['authorization'], headerSecret)) {
      return [{ kind: 'unauthorized', detail: 'the authorization header is missing or wrong' }]
    }
    const told = { ...request.query, ...object(request.body) }
    const kind = kindOf(told, request)
    if (kind === 'not_final' || kind === 'unknown_event') return [{ kind: 'ignored', reason: kind }]
    const refused = tooMany(list(told['calls']).length)
    if (refused) return refused
    const calls = callsIn(told)
    if (calls.length === 0) return [UNRECOGNIZED]
    return calls.map((call) => (call === null ? UNRECOGNIZED : readCall(call, kind, source)))
  },
}

const UNRECOGNIZED = rejected(
  'unrecognized',
  'neither Standard JSON with `call`, nor a template with `call_id`',
)

const FINAL = new Set(['CALL_END', 'CALL_ENDED'])
const NOT_FINAL = new Set(['CALL_NEW', 'CALL_REDIRECT', 'CALL_ANSWER'])

type EventKind = 'final' | 'not_final' | 'unknown_event' | 'unnamed'

/** A template may leave the event out; then the address or, at last, the call itself tells it. */
function kindOf(told: JsonObject, request: ProviderRequest): EventKind {
  const named = firstText(told['event'], request.eventPath)?.toUpperCase().replaceAll('-', '_')
  if (named === undefined) return 'unnamed'
  if (FINAL.has(named)) return 'final'
  return NOT_FINAL.has(named) ? 'not_final' : 'unknown_event'
}

/** The one call of an event, or each call of a page of UniTalk's history; null is no call. */
function callsIn(told: JsonObject): readonly (JsonObject | null)[] {
  const page = list(told['calls'])
  if (page.length > 0) return page.map((call) => (isObject(call) ? canonical(call) : null))
  const call = told['call']
  if (isObject(call)) return [canonical(call)]
  const variables = Object.entries(told).filter(([key]) => /^call_/i.test(key))
  if (variables.length === 0) return []
  return [canonical(Object.fromEntries(variables.map(([key, value]) => [key.slice(5), value])))]
}

/** Standard JSON writes `secondsTalk` where a template's variable is `call_secondstalk`. */
function canonical(call: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(call).map(([key, value]): [string, Json] => [key.toLowerCase(), value]),
  )
}

function readCall(
  call: JsonObject,
  kind: 'final' | 'unnamed',
  source: SourceContext<UnitalkSettings>,
): Verdict {
  if (!isOver(call, kind)) return { kind: 'ignored', reason: 'not_final' }
  const read = finishedCall(call, {
    zone: source.settings.zone ?? source.timezone,
    defaultCountry: source.defaultCountry,
  })
  switch (read.kind) {
    case 'call':
      return { kind: 'event', call: read.facts }
    case 'no_call_id':
      return rejected('no_call_id', 'neither dbid nor id is told')
    case 'invalid_time':
      return rejected('invalid_time', 'date is no usable local time')
  }
}

/**
 * `DIALING` is a call in progress whatever the event says. Without an event's name, only a state or
 * a duration tells that the call is over: both are empty before its end.
 */
function isOver(call: JsonObject, kind: 'final' | 'unnamed'): boolean {
  const state = text(call['state'])
  if (state?.toUpperCase() === 'DIALING') return false
  return kind === 'final' || state !== null || number(call['secondsfulltime']) !== null
}
