import { z } from 'zod'
import {
  CALL_STATUSES,
  type CallFacts,
  DIRECTIONS,
  EVENT_KINDS,
  EVENT_PROVIDERS,
  type EventProvider,
  idDigest,
  RECORDING_STATUSES,
  untold,
} from '../../shared/call-event.ts'
import { isoInstant } from './instant.ts'
import { isUsableId } from './usable-ids.ts'

/**
 * Events of first-party producers (transcripts, recordings, orders): the event in the shape in
 * which a customer gets it, checked strictly. Unlike a provider, such a producer is ours to
 * correct, so a wrong field is refused by its path instead of being guessed at.
 */

const text = z.string().trim().min(1).max(1_000).nullable().default(null)
const longText = z.string().max(200_000).nullable().default(null)
const seconds = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
  .nullable()
  .default(null)
const url = z
  .url({ protocol: /^https?$/ })
  .max(4_000)
  .nullable()
  .default(null)
const id = z
  .string()
  .trim()
  .min(1)
  .refine(isUsableId, 'must have at most 255 bytes and no line break')
/**
 * The zero value of Go and .NET, 0001-01-01, and all before 1970 count as 1970. There is no year 0,
 * and a year of five digits, or one that nobody alive will see, is a broken clock: refused, because
 * whoever reads the event as a date would fail at it.
 */
const instant = z.iso
  .datetime({ offset: true })
  .refine((value) => isTold(Date.parse(value)), 'must be a time between the years 1 and 2100')
  .transform((value) => isoInstant(Math.max(Date.parse(value), 0)))
  .nullable()
  .default(null)

/** With a day on both sides, for an offset may move the zero value into the year 0. */
function isTold(ms: number): boolean {
  return ms >= Date.parse('0000-12-31T00:00:00Z') && ms < Date.UTC(2100, 0, 1)
}

const transcript = z.strictObject({
  text: longText,
  language: text,
  summary: longText,
  clientMood: text,
  agentMood: text,
  overallMood: text,
  recommendation: longText,
  score: z.number().nullable().default(null),
  scoreDetail: longText,
})

const order = z.strictObject({
  id: z.string().trim().min(1).max(200).refine(isUsableId, 'must not hold a line break'),
  number: text,
  amount: z.number().nullable().default(null),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a code of ISO 4217 such as UAH')
    .nullable()
    .default(null),
  status: text,
  url,
})

const leg = z.strictObject({
  extension: text,
  name: text,
  email: text,
  status: z.enum(CALL_STATUSES).nullable().default(null),
  waitDuration: seconds,
  talkDuration: seconds,
})

const tracking = z.strictObject({
  source: text,
  medium: text,
  campaign: text,
  term: text,
  content: text,
  clientId: text,
  landingPage: longText,
})

const told = z.strictObject({
  event: z.enum(EVENT_KINDS),
  provider: z.enum(EVENT_PROVIDERS).optional(),
  providerCallId: id.optional(),
  callId: z
    .string()
    .regex(/^call_[0-9a-f]{32}$/, 'must be a callId that an event of ours carried')
    .optional(),
  direction: z.enum(DIRECTIONS).nullable().default(null),
  callback: z.boolean().default(false),
  status: z.enum(CALL_STATUSES).nullable().default(null),
  statusDetail: text,
  caller: text,
  callee: text,
  client: z
    .strictObject({ number: text, name: text, isNew: z.boolean().nullable().default(null) })
    .prefault({}),
  line: z.strictObject({ number: text, label: text }).prefault({}),
  agent: z.strictObject({ id: text, name: text, extension: text, email: text }).prefault({}),
  group: text,
  transferred: z.boolean().default(false),
  legs: z.array(leg).max(200).default([]),
  duration: seconds,
  talkDuration: seconds,
  waitDuration: seconds,
  startedAt: instant,
  answeredAt: instant,
  endedAt: instant,
  recordingStatus: z.enum(RECORDING_STATUSES).optional(),
  recordingUrl: url,
  transcriptUrl: url,
  transcript: transcript.nullable().default(null),
  order: order.nullable().default(null),
  tracking: tracking.prefault({}),
})

type Told = z.infer<typeof told>

/** Each kind of event has one part without which it would tell nothing. */
const complete = told.superRefine((event, context) => {
  const missing = missingPart(event)
  if (missing)
    context.addIssue({ code: 'custom', path: [missing], message: `is what ${event.event} tells` })
})

function missingPart(event: Told): keyof Told | null {
  switch (event.event) {
    case 'call.recording_ready':
      return event.recordingUrl === null ? 'recordingUrl' : null
    case 'call.transcribed':
      return event.transcript === null && event.transcriptUrl === null ? 'transcript' : null
    case 'order.created':
      return event.order === null ? 'order' : null
    case 'call.completed':
      return event.status === null ? 'status' : null
  }
}

/** The call that an event is about: by the provider's name of it, by ours, or by both. */
export interface ToldCall {
  readonly provider: EventProvider | undefined
  readonly providerCallId: string | undefined
  readonly callId: string | undefined
}

export type FirstPartyRead =
  | {
      readonly kind: 'event'
      readonly call: ToldCall
      /** The facts, once it is known how the provider names the call. */
      facts(provider: EventProvider, providerCallId: string): CallFacts
    }
  | { readonly kind: 'invalid'; readonly errors: readonly { path: string; message: string }[] }

/** Never throws. */
export function readFirstPartyEvent(body: unknown): FirstPartyRead {
  const parsed = complete.safeParse(body)
  if (!parsed.success) {
    return { kind: 'invalid', errors: parsed.error.issues.flatMap(wrongFields) }
  }
  const { provider, providerCallId, callId, ...rest } = parsed.data
  if (callId === undefined && (provider === undefined || providerCallId === undefined)) {
    const message = 'tell provider and providerCallId, or the callId of a known call'
    return { kind: 'invalid', errors: [{ path: 'providerCallId', message }] }
  }
  const recordingStatus =
    rest.recordingStatus ?? (rest.recordingUrl === null ? 'none' : 'available')
  return {
    kind: 'event',
    call: { provider, providerCallId, callId },
    // The base first: its order of fields is the order of every event.
    facts: (name, id) => ({ ...untold(rest.event, name, id), ...rest, recordingStatus }),
  }
}

/** Each unknown key is a wrong field of its own; zod names them in one issue of their parent. */
function wrongFields(issue: z.core.$ZodIssue): readonly { path: string; message: string }[] {
  if (issue.code !== 'unrecognized_keys') {
    return [{ path: issue.path.join('.'), message: issue.message }]
  }
  return issue.keys.map((key) => ({
    path: [...issue.path, key].join('.'),
    message: 'is no field of the event',
  }))
}

/**
 * The event id that an `Idempotency-Key` stands for. Derived, so that a replica that never saw
 * the first request gives the same one.
 */
export function idempotentEventId(workspaceId: string, key: string): string {
  return `evt_${idDigest([workspaceId, 'idempotency-key', key])}`
}
