import { z } from 'zod'
import type { ProviderName } from './call-event.ts'
import { timeZone } from './time-zone.ts'

/**
 * What a source of each provider can be told: the console checks it when it is saved, the
 * normalizer reads by it. `{}` is valid everywhere, since every setting has a default or is
 * optional; an unknown key is refused, because a misspelt setting that is silently ignored shows
 * only in wrong events.
 *
 * Parsing is idempotent: what was parsed and stored can be parsed again.
 */

const text = z.string().trim().min(1).max(128)
/** A secret is compared byte for byte, so it is not trimmed. */
const secret = z.string().min(1).max(256)
const number = z
  .string()
  .trim()
  .regex(/^\+?\d{2,20}$/, 'must be digits, with or without a plus')

/** An object of exactly these keys; a wrong one is answered with the list of the allowed ones. */
function settings<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, { error: allowing(Object.keys(shape)) })
}

/** Maps our name of a field to the name that the source's webhook uses for it. */
function renames<const Field extends string>(fields: readonly Field[]) {
  return z.partialRecord(z.enum(fields), text, { error: allowing(fields) }).default({})
}

function allowing(allowed: readonly string[]): z.core.$ZodErrorMap {
  return (issue) =>
    issue.code === 'unrecognized_keys'
      ? `unknown: ${issue.keys.join(', ')}; allowed: ${allowed.join(', ')}`
      : undefined
}

/**
 * Parameters as Ringostat names them in "Webhooks 2.0". A customer names them freely in the
 * cabinet, so `fieldMap` tells which name of theirs stands for which of these.
 */
export const RINGOSTAT_FIELDS = [
  'uniqueid',
  'project_id',
  'calldate',
  'call_type',
  'caller',
  'caller_number',
  'dst',
  'connected_with',
  'disposition',
  'duration',
  'waittime',
  'billsec',
  'employee_number',
  'employee_fio',
  'employee_email',
  'additional_number',
  'department',
  'has_recording',
  'recording',
  'recording_wav',
  'call_card',
  'pool_name',
  'call_counter',
  'repeated_flag',
  'substitution_type',
  'client_id',
  'landing',
  'utm_source',
  'utm_medium',
  'utm_campaign',
  'utm_content',
  'utm_term',
  'dialogue_quality_score',
  'dialogue_quality_details',
  'summary',
  'client_mood',
  'employee_mood',
  'overall_mood',
  'recommendation',
  'transcript',
  'language',
  'vtt',
] as const

/** Fields as Stream Telecom's own event builder names them. */
export const STREAM_TELECOM_FIELDS = [
  'event',
  'type',
  'from',
  'to',
  'via',
  'sessionid',
  'call_id',
  'time_start',
  'time_ring',
  'time_answer',
  'event_time',
  'result',
  'recordUrl',
  'redirecting',
  'additionally',
  'join',
  'end_sess',
  'ct_data',
] as const

export const ringostatSettings = settings({
  /** Our name of a field → the customer's name of it; what is not listed keeps its usual names. */
  fieldMap: renames(RINGOSTAT_FIELDS),
  /** Zone of the Ringostat project, for times without offset. Default: the workspace's zone. */
  zone: timeZone.optional(),
  /** Refuses webhooks that name another project. Default: not compared. */
  projectId: z
    .string()
    .trim()
    .regex(/^\d{1,20}$/, 'must be digits')
    .optional(),
  /** The Basic pair that Ringostat was told to send. Default: the token in the URL is enough. */
  basic: settings({
    // The colon separates the two on the wire, so a name with one could never match.
    username: text.regex(/^[^:]+$/, 'must not hold a colon'),
    password: secret,
  }).optional(),
})

export const binotelSettings = settings({
  /** Refuses webhooks that name another company. Default: not compared. */
  companyId: z
    .string()
    .trim()
    .regex(/^\d{1,20}$/, 'must be digits')
    .optional(),
  /** Key of Binotel's REST API; with it events carry the address of their recording. */
  apiKey: secret.optional(),
  /** The secret that belongs to the key. */
  apiSecret: secret.optional(),
}).refine(({ apiKey, apiSecret }) => (apiKey === undefined) === (apiSecret === undefined), {
  message: 'apiKey and apiSecret belong together: give both or none',
  path: ['apiSecret'],
})

export const phonetSettings = settings({
  /** `acme.phonet.com.ua`; refuses webhooks that name another one. Default: not compared. */
  accountDomain: z
    .string()
    .trim()
    .toLowerCase()
    .transform((value) => value.replace(/^https?:\/\//, '').replace(/\/$/, ''))
    .pipe(
      z
        .string()
        .max(253)
        .regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, 'must be a host name'),
    )
    .optional(),
})

/**
 * Digits, `\d`, classes such as `[2-5]` and fixed counts; only the end of an alternative may vary
 * in length. The pattern comes from a customer and runs for every call: with nested or repeated
 * quantifiers one hostile pattern could hold the process for minutes.
 */
const ATOM = String.raw`(?:\d|\\d|\[\d-\d\])`
const ALTERNATIVE = String.raw`(?:${ATOM}(?:\{\d{1,2}\})?)*(?:${ATOM}\{\d{1,2},\d{1,2}\})?`
const LINE_PATTERN = new RegExp(
  String.raw`^\^(?:${ALTERNATIVE}|\(${ALTERNATIVE}(?:\|${ALTERNATIVE})*\))\$$`,
)

const linePattern = z
  .string()
  .max(200)
  .regex(LINE_PATTERN, String.raw`must look like ^(800\d{8}|\d{2,5})$`)
  .refine(isRegExp, 'is no regular expression')

function isRegExp(pattern: string): boolean {
  try {
    new RegExp(pattern)
    return true
  } catch {
    return false // The only thing that can go wrong is the pattern itself.
  }
}

export const streamTelecomSettings = settings({
  /** Lines of our own staff. When given, `internalLinePattern` is not asked. */
  internalLines: z.array(number).max(1000).default([]),
  /** Tells internal lines by their look; Stream Telecom's are 800 and eight digits. */
  internalLinePattern: linePattern.default(String.raw`^(800\d{8}|\d{2,5})$`),
  /** Numbers of the company, to tell the odd `out` event that is an incoming call. */
  companyNumbers: z.array(number).max(1000).default([]),
  /** Whether a call that ended in the greeting is a missed call or is left out. */
  storeEndIn: z.boolean().default(true),
  /** Whether the legs of one session become one call, or each a call of its own. */
  mergeBySession: z.boolean().default(true),
  /** Seconds of silence after which a session that nobody closed counts as over. */
  mergeWindowSec: z.number().int().min(5).max(600).default(60),
  /** Our name of a field → the name in the source's webhook; unlisted ones keep theirs. */
  fieldMap: renames(STREAM_TELECOM_FIELDS),
  /** Unit of the numeric times; `auto` tells it by magnitude. */
  timeUnit: z.enum(['auto', 's', 'ms']).default('auto'),
  /** Zone of times written as text. Default: the workspace's zone. */
  timezone: timeZone.optional(),
  /** Value that the `authorization` header must have. Default: not compared. */
  authorizationHeader: secret.optional(),
})

export const unitalkSettings = settings({
  /** Zone of the UniTalk project, for its times without offset. Default: the workspace's zone. */
  zone: timeZone.optional(),
  /** Value of the `authorization` header, bare or behind `Bearer `. Default: not compared. */
  headerSecret: secret.optional(),
})

/**
 * Longest settings of a source, as JSON: room for 1,000 numbers, and every replica of the normalizer
 * remembers them. Asked when they are saved; what was saved before is still read.
 */
export const SETTINGS_BYTES_MAX = 16 * 1024

export const providerSettings = {
  ringostat: ringostatSettings,
  phonet: phonetSettings,
  binotel: binotelSettings,
  'stream-telecom': streamTelecomSettings,
  unitalk: unitalkSettings,
} satisfies Record<ProviderName, z.ZodType>

export type RingostatSettings = z.infer<typeof ringostatSettings>
export type BinotelSettings = z.infer<typeof binotelSettings>
export type PhonetSettings = z.infer<typeof phonetSettings>
export type StreamTelecomSettings = z.infer<typeof streamTelecomSettings>
export type UnitalkSettings = z.infer<typeof unitalkSettings>

const SECRET_KEYS = new Set([
  'password',
  'authorizationHeader',
  'headerSecret',
  'apiKey',
  'apiSecret',
])

/** A copy to show: every secret in it reads `***`. */
export function withoutSecrets(told: unknown): Record<string, unknown> {
  const shown = JSON.stringify(told, (key, value) => (SECRET_KEYS.has(key) ? '***' : value))
  return z.record(z.string(), z.unknown()).parse(JSON.parse(shown))
}
