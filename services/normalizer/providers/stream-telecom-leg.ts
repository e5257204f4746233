import type { Direction } from '../../shared/call-event.ts'
import {
  STREAM_TELECOM_FIELDS,
  type StreamTelecomSettings,
} from '../../shared/provider-settings.ts'
import type { Refusal } from './call-sides.ts'
import { epochMs, wallClockMs } from './instant.ts'
import type { Json, JsonObject, SourceContext } from './provider.ts'
import type { Lines } from './stream-telecom-lines.ts'
import { flag, id, number, text } from './wire-value.ts'

export type StreamTelecomSource = SourceContext<StreamTelecomSettings>

/** One rung line of a session, or a session that ended before any line rang. */
export interface SessionLeg {
  readonly legId: string
  readonly direction: Direction | null
  /** Ordered by the client in a callback widget. */
  readonly isCallback: boolean
  readonly isGreeting: boolean
  readonly client: string | null
  /** Line of ours; of an internal call the one that called. */
  readonly extension: string | null
  readonly called: string | null
  /** The company's number or the name of its trunk. */
  readonly via: string | null
  readonly startMs: number | null
  readonly ringMs: number | null
  /** Null unless the leg was answered. */
  readonly answerMs: number | null
  readonly endMs: number | null
  readonly isAnswered: boolean
  readonly refusal: Refusal
  /** Stream Telecom's own word for how the leg ended. */
  readonly result: string | null
  readonly isRedirected: boolean
  readonly recordUrl: string | null
  readonly visit: Json | undefined
}

/** The fields of Stream Telecom under its own names, whatever the source's webhook calls them. */
export function canonicalRecord(
  body: JsonObject,
  fieldMap: StreamTelecomSettings['fieldMap'],
): JsonObject {
  return Object.fromEntries(
    STREAM_TELECOM_FIELDS.flatMap((field): [string, Json][] => {
      const name = fieldMap[field] ?? field
      const value = Object.hasOwn(body, name) ? body[name] : undefined
      return value === undefined ? [] : [[field, value]]
    }),
  )
}

export function isGreeting(record: JsonObject): boolean {
  return text(record['event'])?.toLowerCase() === 'end_in'
}

/** Unique within the session; the end of a greeting has no `call_id` of its own. */
export function legIdOf(record: JsonObject): string {
  return id(record['call_id']) ?? (isGreeting(record) ? 'end_in' : 'hangup')
}

/** Asterisk's id of a session begins with the second of its start. */
export function startOf(record: JsonObject, source: StreamTelecomSource): number | null {
  const told = instantOf(record['time_start'], source)
  if (told !== null) return told
  return epochMs(number(/^(\d{10})\.\d+$/.exec(text(record['sessionid']) ?? '')?.[1]))
}

export function readLeg(record: JsonObject, source: StreamTelecomSource, lines: Lines): SessionLeg {
  const answerMs = instantOf(record['time_answer'], source)
  const result = text(record['result'])
  const outcome = outcomeOf(result, answerMs)
  const isAnswered = outcome === 'answered'
  return {
    legId: legIdOf(record),
    ...sidesOf(record, lines),
    isCallback: text(record['additionally'])?.toLowerCase() === 'api_widget',
    isGreeting: isGreeting(record),
    startMs: startOf(record, source),
    ringMs: instantOf(record['time_ring'], source),
    answerMs: isAnswered ? answerMs : null,
    endMs: instantOf(record['event_time'], source),
    isAnswered,
    refusal: isAnswered ? 'no_answer' : outcome,
    result: result ?? (isGreeting(record) ? text(record['event']) : null),
    isRedirected: flag(record['redirecting']) === true,
    recordUrl: text(record['recordUrl']),
    visit: record['ct_data'],
  }
}

/** A number in the source's unit, or a wall clock in its zone. 0 and `"null"` are unknown. */
export function instantOf(value: Json | undefined, source: StreamTelecomSource): number | null {
  const { timeUnit, timezone } = source.settings
  const told = number(value)
  if (told === null) return wallClockMs(text(value), timezone ?? source.timezone)
  if (timeUnit === 'auto') return epochMs(told)
  const ms = timeUnit === 's' ? told * 1000 : told
  // Outside of these `epochMs` would take the number for another unit than the source says.
  return ms >= 1e11 && ms < 1e14 ? epochMs(ms) : null
}

/** The first two words are all that Stream Telecom has; the others come from an Asterisk CDR. */
const OUTCOMES: ReadonlyMap<string, 'answered' | Refusal> = new Map([
  ['answer', 'answered'],
  ['no answer', 'no_answer'],
  ['answered', 'answered'],
  ['busy', 'busy'],
  ['failed', 'failed'],
  ['congestion', 'failed'],
])

function outcomeOf(result: string | null, answerMs: number | null): 'answered' | Refusal {
  const word = result?.toLowerCase().replaceAll('_', ' ') ?? ''
  return OUTCOMES.get(word) ?? (answerMs === null ? 'no_answer' : 'answered')
}

/** Null: it was not answered, or nobody said when. */
export function answeredAt(record: JsonObject, source: StreamTelecomSource): number | null {
  const answerMs = instantOf(record['time_answer'], source)
  return outcomeOf(text(record['result']), answerMs) === 'answered' ? answerMs : null
}

type Sides = Pick<SessionLeg, 'direction' | 'client' | 'extension' | 'called' | 'via'>

/** Who is who by direction. There is no word for an internal call: both ends are lines of ours. */
function sidesOf(record: JsonObject, lines: Lines): Sides {
  const from = text(record['from'])
  const to = text(record['to'])
  const told = text(record['via'])
  // After a transfer `via` is the line that passed the call on, not a number of the company.
  const via = lines.isInternal(told) ? null : told
  if (lines.isInternal(from) && lines.isInternal(to)) {
    return { direction: 'internal', client: null, extension: from, called: to, via }
  }
  const direction = directionOf(record, lines)
  if (direction === 'inbound') {
    const extension = rungLine(record, via, lines)
    return { direction, client: lines.shown(from), extension, called: null, via }
  }
  const client = direction === null ? null : lines.shown(to)
  const extension = direction === null ? null : from
  return { direction, client, extension, called: null, via }
}

/** The end of a greeting names a placeholder in `to`, and a number of the company is no line. */
function rungLine(record: JsonObject, via: string | null, lines: Lines): string | null {
  const to = text(record['to'])
  if (isGreeting(record)) return null
  if (lines.isInternal(to)) return to
  return to === via || lines.isCompany(to) ? null : to
}

/**
 * `out` to an internal line that is its own `via`, from a number that is none of ours, is in fact
 * an incoming call to that line. Without a type (CDR) the side that is a line of ours tells.
 */
function directionOf(record: JsonObject, lines: Lines): Direction | null {
  const type = text(record['type'])?.toLowerCase()
  const from = text(record['from'])
  const to = text(record['to'])
  if (type === 'in' || isGreeting(record)) return 'inbound'
  const isOdd = to === text(record['via']) && lines.isInternal(to) && !lines.isCompany(from)
  if (type === 'out') return isOdd ? 'inbound' : 'outbound'
  if (lines.isInternal(from)) return 'outbound'
  return lines.isInternal(to) ? 'inbound' : null
}
