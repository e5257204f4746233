import type { Direction } from '../../shared/call-event.ts'
import { type RingostatSettings, ringostatSettings } from '../../shared/provider-settings.ts'
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
import { readCall, type ToldCall } from './ringostat-call.ts'
import { type Fields, type RingostatField, readFields } from './ringostat-fields.ts'
import { callIdOf, isTestId, startOf } from './ringostat-identity.ts'
import { isRunning } from './ringostat-outcome.ts'
import { partiesOf } from './ringostat-parties.ts'
import { transcriptOf, transcriptUrlOf } from './ringostat-transcript.ts'
import { isObject, text } from './wire-value.ts'

/**
 * Ringostat: a body whose format, parameters and keys the customer chose, and which does not name
 * its event. The event is the path segment (`…/after-call`) or a static `?event=`; where neither
 * says anything known, the body is taken for what it holds.
 */
export const ringostat: Provider<RingostatSettings> = {
  name: 'ringostat',
  settings: ringostatSettings,
  read,
  acknowledgement: { contentType: 'text/plain', body: 'OK' },
}

type Ignored = Extract<Verdict, { kind: 'ignored' }>

interface Told {
  readonly kind: ToldCall['event']
  /** The direction that the event implies, for a body that does not tell it. */
  readonly direction: Direction | null
}

const COMPLETED: Told = { kind: 'call.completed', direction: null }
const TRANSCRIBED: Told = { kind: 'call.transcribed', direction: null }
const NOT_FINAL: Ignored = { kind: 'ignored', reason: 'not_final' }
const NOT_A_CALL: Ignored = { kind: 'ignored', reason: 'not_a_call' }
const UNKNOWN: Ignored = { kind: 'ignored', reason: 'unknown_event' }

const EVENTS: ReadonlyMap<string, Told | Ignored> = new Map<string, Told | Ignored>([
  ['after-call', { kind: 'call.completed', direction: 'inbound' }],
  ['after-out-call', { kind: 'call.completed', direction: 'outbound' }],
  ['call-end', COMPLETED],
  ['before-call', NOT_FINAL],
  ['before-out-call', NOT_FINAL],
  ['taking-call', NOT_FINAL],
  ['location-forwarding', NOT_FINAL],
  ['call-start', NOT_FINAL],
  ['call-answer', NOT_FINAL],
  ['ai', TRANSCRIBED],
  ['processed-call-ai', TRANSCRIBED],
  ['rating', UNKNOWN], // a mark in a menu: the call itself comes as after-call
  ['deal', UNKNOWN],
  ['form', NOT_A_CALL],
  ['messenger', NOT_A_CALL],
])

function read(
  request: ProviderRequest,
  source: SourceContext<RingostatSettings>,
): readonly Verdict[] {
  if (!isAuthorized(request, source.settings)) {
    return [{ kind: 'unauthorized', detail: 'send the Basic pair of this source' }]
  }
  const named = eventOf(request)
  const body = bodyOf(request)
  const calls: readonly Json[] = Array.isArray(body) ? body : [body]
  if (calls.length === 0) return [rejected('unrecognized', 'the list is empty')]
  const refused = tooMany(calls.length)
  if (refused) return refused
  return calls.map((call) =>
    isObject(call) ? judge(call, named, source) : rejected('unrecognized', 'it is no object'),
  )
}

/**
 * The query only where there is no body: beside a body it holds the customer's static tags, and a
 * tag named `id` would give all calls one id.
 */
function bodyOf({ body, query }: ProviderRequest): Json {
  return isObject(body) && Object.keys(body).length === 0 ? query : body
}

function eventOf({ eventPath, query }: ProviderRequest): Told | Ignored | null {
  const name = eventPath === '' ? (text(query['event']) ?? '') : eventPath
  return EVENTS.get(name.toLowerCase().replaceAll('_', '-')) ?? null
}

function judge(
  call: JsonObject,
  named: Told | Ignored | null,
  source: SourceContext<RingostatSettings>,
): Verdict {
  const fields = readFields(call, source.settings.fieldMap)
  const callId = callIdOf(fields)
  if (callId !== null && isTestId(callId)) return { kind: 'ignored', reason: 'test' }
  const held = eventHeldBy(fields)
  const event = named ?? held
  if (event?.kind === 'ignored') return event
  if (event === null || held === null) {
    return rejected('unrecognized', 'no known field: map the names of this source in fieldMap')
  }
  return tellCall(fields, event, { callId, source })
}

function tellCall(
  fields: Fields,
  event: Told,
  { callId, source }: { callId: string | null; source: SourceContext<RingostatSettings> },
): Verdict {
  const { settings, timezone, defaultCountry } = source
  const projectId = fields.first('project_id', text)
  if (projectId !== null && settings.projectId !== undefined && projectId !== settings.projectId) {
    return rejected('account_mismatch', 'project_id is not the one of this source')
  }
  if (event.kind === 'call.completed' && isRunning(fields)) return NOT_FINAL
  const startedMs = startOf(fields, callId, settings.zone ?? timezone)
  const parties = partiesOf(fields, event.direction, defaultCountry)
  const canBeTold = parties.client !== null || parties.called !== null
  if (callId === null && (event.kind === 'call.transcribed' || startedMs === null || !canBeTold)) {
    return rejected('no_call_id', 'neither an id nor what would tell the call apart')
  }
  if (event.kind === 'call.completed' && startedMs === null) {
    return rejected('invalid_time', 'no start time that can be read')
  }
  const told = { event: event.kind, callId, startedMs, parties, projectId }
  return { kind: 'event', call: readCall(fields, told) }
}

/** What a body is about, by the fields it holds; null when none of them is known. */
function eventHeldBy(fields: Fields): Told | Ignored | null {
  const holds = (...names: readonly RingostatField[]) =>
    names.some((name) => fields.all(name).length > 0)
  if (!holds('disposition') && (transcriptOf(fields) ?? transcriptUrlOf(fields)) !== null) {
    return TRANSCRIBED
  }
  if (holds('disposition', 'billsec', 'duration', 'duration_ms')) return COMPLETED
  return holds('uniqueid', 'call_type', 'caller', 'caller_number', 'dst') ? NOT_FINAL : null
}

/** The pair as it must be on the wire, where only the scheme's name may be in any case. */
function isAuthorized({ headers }: ProviderRequest, { basic }: RingostatSettings): boolean {
  if (basic === undefined) return true
  const pair = Buffer.from(`${basic.username}:${basic.password}`).toString('base64')
  return carriesSecret(headers['authorization']?.replace(/^basic +/i, 'Basic '), `Basic ${pair}`)
}
