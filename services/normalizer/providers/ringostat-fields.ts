import type { RINGOSTAT_FIELDS } from '../../shared/provider-settings.ts'
import type { Json, JsonObject } from './provider.ts'
import { object, text } from './wire-value.ts'

/**
 * Ringostat has no fixed format: each customer picks the parameters of a webhook and the key of
 * each. A field is therefore known by many names: that of Webhooks 2.0 and of the REST API (ours,
 * too), those of the classic webhooks, and those that customers were seen to choose. The source's
 * `fieldMap` goes before all of them.
 */
type MappableField = (typeof RINGOSTAT_FIELDS)[number]

const ALIASES = {
  uniqueid: ['uniqueid', 'call_id', 'cdr_id', 'record', 'call_id2', 'id'],
  project_id: ['project_id'],
  // Those in microseconds first: they are exact and need no zone.
  calldate: [
    'call_timestamp',
    'call_date_microsecond',
    'calldate',
    'date',
    'call_date',
    'start_time',
    'call_time',
  ],
  call_type: ['call_type', 'type', 'direction'],
  caller: ['caller', 'src'],
  caller_number: ['caller_number', 'callers_number', 'caller_id'],
  client: ['client_number', 'client_mob', 'phone', 'userfield'],
  e164: ['number_e164', 'e164'],
  dst: ['dst', 'callee', 'destination', 'called_id', 'call_destination', 'n_alias'],
  connected_with: ['connected_with'],
  outbound_number: ['outbound_number'],
  disposition: ['disposition', 'status', 'call_status'],
  duration: ['duration', 'call_duration', 'duration_call'],
  duration_ms: ['duration_ms', 'duration_call_ms'],
  waittime: ['waittime', 'waiting', 'duration_waiting', 'ringing_time'],
  billsec: ['billsec', 'dialog', 'duration_conversation', 'talk_time', 'talk'],
  employee_number: ['employee_number', 'staffid', 'employee_id', 'manager_id', 'user_call'],
  employee_fio: ['employee_fio', 'employee', 'manager', 'responsible_name'],
  employee_email: ['employee_email'],
  additional_number: [
    'additional_number',
    'employee_estension', // sic
    'employee_extension',
    'employee_ext',
    'internal_number',
    'sip',
  ],
  department: ['department'],
  has_recording: ['has_recording', 'recording_presence'],
  recording: ['recording', 'call_recording', 'record_url', 'record_link'],
  recording_wav: ['recording_wav'],
  call_card: ['call_card', 'call_card_link'],
  pool_name: ['pool_name'],
  call_counter: ['call_counter'],
  unique_call: ['unique_call', 'uniq'],
  repeated_flag: ['repeated_flag'],
  substitution_type: ['substitution_type', 'callback'],
  client_id: ['client_id', 'ga'],
  landing: ['landing', 'url'],
  utm_source: ['utm_source', 'last_utm_source', 'sales_source', 'sales_cource'],
  utm_medium: ['utm_medium', 'last_utm_medium', 'sales_channel'],
  utm_campaign: ['utm_campaign', 'last_utm_campaign', 'market_comp'],
  utm_content: ['utm_content', 'last_utm_content'],
  utm_term: ['utm_term', 'last_utm_term', 'key_word'],
  dialogue_quality_score: ['dialogue_quality_score'],
  dialogue_quality_details: ['dialogue_quality_details'],
  summary: ['summary', 'brief_summary', 'call_summary'],
  client_mood: ['client_mood', 'customer_mood'],
  employee_mood: ['employee_mood', 'agent_mood', 'manager_mood'],
  overall_mood: ['overall_mood'],
  recommendation: ['recommendation', 'recommendations', 'recommended_actions'],
  transcript: ['transcript', 'transcription', 'transcript_text'],
  language: ['language', 'transcript_language'],
  vtt: ['vtt', 'vtt_file', 'transcript_url'],
} as const satisfies Record<string, readonly string[]>

export type RingostatField = keyof typeof ALIASES

export type FieldMap = Readonly<Partial<Record<MappableField, string | undefined>>>

/** The fields of one call, by our names. What tells nothing (`''`, `null`, …) is not there. */
export interface Fields {
  /** What the field's first usable value is read as; null when none is usable. */
  first<Value>(field: RingostatField, read: (value: Json) => Value | null): Value | null
  /** Every value under any of the field's names. */
  all(field: RingostatField): readonly Json[]
  /** Every value of the call, under whatever name. */
  readonly values: readonly Json[]
}

const NAMES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(ALIASES).map(([field, names]) => [field, names.map(plainName)]),
)

/** Objects in which some generations of webhooks, and a relay, put the greater part of a call. */
const NESTED = ['additional_call_data', 'extraFields']

export function readFields(call: JsonObject, fieldMap: FieldMap): Fields {
  const layers = [call, ...NESTED.map((name) => object(call[name]))]
    .map(byPlainName)
    .filter((layer) => layer.size > 0)
  const mapped = new Map<string, string | undefined>(Object.entries(fieldMap))
  const all = (field: RingostatField): readonly Json[] => {
    const own = mapped.get(field)
    const usual = NAMES.get(field) ?? []
    const names = own === undefined ? usual : [plainName(own), ...usual]
    return names.flatMap((name) => layers.flatMap((layer) => layer.get(name) ?? []))
  }
  return {
    all,
    first: (field, read) => firstRead(all(field), read),
    values: layers.flatMap((layer) => [...layer.values()]),
  }
}

/** `callId`, `call_id` and `Call ID` are one name: a customer types it, a relay re-spells it. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, '')
}

function byPlainName(layer: JsonObject): ReadonlyMap<string, Json> {
  const named = new Map<string, Json>()
  for (const [name, value] of Object.entries(layer)) {
    const plain = plainName(name)
    const tells = text(value) !== null || typeof value === 'boolean'
    if (tells && !named.has(plain)) named.set(plain, value)
  }
  return named
}

export function firstRead<Value>(
  values: readonly Json[],
  read: (value: Json) => Value | null,
): Value | null {
  for (const value of values) {
    const result = read(value)
    if (result !== null) return result
  }
  return null
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&#34;': '"',
  '&#39;': "'",
  '&apos;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
}

/** Text whose HTML escapes, which a proxy put in, are undone. Not for URLs: those stay as sent. */
export function plainText(value: Json): string | null {
  const read = text(value)
  return (
    read?.replace(/&(?:quot|#34|#39|apos|lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity) ??
    null
  )
}
