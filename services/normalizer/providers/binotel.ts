import { type BinotelSettings, binotelSettings } from '../../shared/provider-settings.ts'
import { callId, outcomeOf, readCall, readStart } from './binotel-call.ts'
import {
  type JsonObject,
  type Provider,
  type ProviderRequest,
  rejected,
  type SourceContext,
  tooMany,
  type Verdict,
} from './provider.ts'
import { firstText, isObject, numbered, object, text } from './wire-value.ts'

/**
 * Binotel: one fixed body, a form with PHP brackets (or the same as JSON), several kinds of
 * requests to one URL, told apart by `requestType`.
 *
 * The completed call is the only source of events. The PUSH product reports the same call while it
 * lasts, down to a hang-up without direction, numbers and company; publishing from it as well would
 * tell each call twice, the second time poorer.
 */
export const binotel: Provider<BinotelSettings> = {
  name: 'binotel',
  settings: binotelSettings,
  read,
  // Anything else makes Binotel deliver the call again, up to seven times over 38 hours.
  acknowledgement: { contentType: 'application/json', body: '{"status":"success"}' },
}

/** Asks for the caller's card while the phone rings; `{}` is Binotel's word for an unknown caller. */
const LOOKUPS = new Set(['apiCallSettings', 'gettingCallSettings'])

const PUSH_EVENTS = new Set([
  'receivedTheCall',
  'answeredTheCall',
  'transferredTheCall',
  'hangupTheCall',
])

function read(
  request: ProviderRequest,
  source: SourceContext<BinotelSettings>,
): readonly Verdict[] {
  const body = object(request.body)
  const type = firstText(body['requestType'], body['method'])
  if (type !== null && LOOKUPS.has(type)) return [{ kind: 'answer', body: {} }]
  if (type !== null && PUSH_EVENTS.has(type)) return [{ kind: 'ignored', reason: 'not_final' }]
  if (type === 'apiCallCompleted' || (type === null && isObject(body['callDetails']))) {
    return readCompleted(body, source)
  }
  // A visitor ordered a callback; under which name Binotel sends this is not known, its id is.
  if (text(body['GetCallID']) !== null) return [{ kind: 'ignored', reason: 'not_final' }]
  if (type !== null) return [{ kind: 'ignored', reason: 'unknown_event' }]
  return [rejected('unrecognized', 'it has no requestType')]
}

/** `callDetails` is the call itself, or calls by their id as in answers of Binotel's REST API. */
function readCompleted(
  body: JsonObject,
  source: SourceContext<BinotelSettings>,
): readonly Verdict[] {
  const details = object(body['callDetails'])
  if (callId(details) !== null) return [judge(details, source)]
  const numberedCalls = numbered(body['callDetails'])
  // Without an id of its own a call has about 50 fields, which are no calls.
  const refused = tooMany(numberedCalls.filter(isObject).length)
  if (refused) return refused
  const calls = numberedCalls.filter(isObject).filter((entry) => callId(entry) !== null)
  return (calls.length > 0 ? calls : [details]).map((call) => judge(call, source))
}

function judge(details: JsonObject, source: SourceContext<BinotelSettings>): Verdict {
  const company = text(details['companyID'])
  const { companyId } = source.settings
  if (companyId !== undefined && company !== null && company !== companyId) {
    return rejected('account_mismatch', 'companyID is not the one of this source')
  }
  const outcome = outcomeOf(details)
  if (outcome === 'not_final' || outcome === 'not_a_call') {
    return { kind: 'ignored', reason: outcome }
  }
  const id = callId(details)
  if (id === null) return rejected('no_call_id', 'callDetails has no generalCallID')
  const startedMs = readStart(details)
  if (startedMs === null) return rejected('invalid_time', 'startTime is no unix time')
  return { kind: 'event', call: readCall({ id, startedMs, outcome, details }, source) }
}
