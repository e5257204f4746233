import { type CallFacts, type Direction, untold } from '../../shared/call-event.ts'
import { callerAndCallee, LEGS_MAX, type Refusal, unansweredStatus } from './call-sides.ts'
import { isoInstant, secondsAfter, wallClockMs } from './instant.ts'
import { isWrittenNumber, phoneNumber } from './phone-number.ts'
import type { JsonObject } from './provider.ts'
import { flag, id, list, seconds, tag, text, utmTags } from './wire-value.ts'

/** A finished call of UniTalk, its keys in lower case, → facts. */

export interface UnitalkSource {
  /** IANA zone of the project: UniTalk writes its wall clock without an offset. */
  readonly zone: string
  readonly defaultCountry: string
}

export type UnitalkCall =
  | { readonly kind: 'call'; readonly facts: CallFacts }
  | { readonly kind: 'no_call_id' }
  | { readonly kind: 'invalid_time' }

export function finishedCall(call: JsonObject, source: UnitalkSource): UnitalkCall {
  // `id` is drawn anew and not kept; `dbid` is the key of the saved call and of the history.
  const callId = id(call['dbid']) ?? id(call['id'])
  if (callId === null) return { kind: 'no_call_id' }
  const startMs = wallClockMs(text(call['date']), source.zone)
  if (startMs === null) return { kind: 'invalid_time' }
  return { kind: 'call', facts: factsOf(call, callId, startMs, source) }
}

function factsOf(
  call: JsonObject,
  callId: string,
  startMs: number,
  { defaultCountry }: UnitalkSource,
): CallFacts {
  const course = courseOf(call)
  const direction = directionOf(call)
  const line = lineOf(call, defaultCountry)
  const callback = isCallback(call, direction, line)
  const people = peopleOf(call, direction)
  const client = phoneNumber(people.client, defaultCountry)
  const status = course.isAnswered
    ? 'answered'
    : course.refusal && unansweredStatus(direction, course.refusal, callback)
  const sides = { direction, client, line: line.number, called: people.called }
  return {
    ...untold('call.completed', 'unitalk', callId),
    direction,
    callback,
    status,
    statusDetail: text(call['state']),
    ...callerAndCallee({ ...sides, extension: people.extension }),
    client: { number: client, name: null, isNew: null },
    line,
    agent: { id: null, name: null, extension: people.extension, email: null },
    group: text(call['lastgroupname']),
    legs: legsOf(people.rung, status, course.talk),
    ...timesOf(course, startMs),
    ...recordingOf(call, course.isAnswered),
    tracking: trackingOf(call),
  }
}

interface Course {
  readonly isAnswered: boolean
  /** Null where nothing is told of how the call ended. */
  readonly refusal: Refusal | null
  /** Seconds. */
  readonly full: number | null
  /** Seconds. */
  readonly talk: number | null
}

/** `ANSWER` with no talk stays answered; without a state, talk decides. */
function courseOf(call: JsonObject): Course {
  const state = text(call['state'])?.toUpperCase().replace(/[\s_]/g, '') ?? null
  const full = seconds(call['secondsfulltime'])
  const talk = seconds(call['secondstalk'])
  if (state === null) {
    return { isAnswered: (talk ?? 0) > 0, refusal: talk === null ? null : 'no_answer', full, talk }
  }
  const isAnswered = state === 'ANSWER' || state === 'ANSWERED'
  return { isAnswered, refusal: REFUSALS.get(state) ?? 'failed', full, talk }
}

/**
 * Every other state is a failure: CHANUNAVAIL, NOMONEY, BUSYOUT (no free line of ours, hence not
 * `busy`), WRONGDIR, BLOCKED, UNREACHABLE, NOT_EXIST, FAIL and those of the autodialer.
 */
const REFUSALS: ReadonlyMap<string, Refusal> = new Map([
  ['NOANSWER', 'no_answer'],
  ['BUSY', 'busy'],
])

/** "outgoing" and "inner" contain "in", so they are looked for first. */
function directionOf(call: JsonObject): Direction | null {
  const told = text(call['direction'])?.toLowerCase() ?? ''
  if (told.includes('out')) return 'outbound'
  if (told.includes('inner') || told.includes('internal')) return 'internal'
  return told.includes('in') ? 'inbound' : null
}

/** `outerNumber` holds the name of the site where the call was ordered on one. */
function lineOf(call: JsonObject, defaultCountry: string): CallFacts['line'] {
  const outer = text(call['outernumber'])
  if (outer === null || isWrittenNumber(outer)) {
    return { number: phoneNumber(outer, defaultCountry), label: null }
  }
  return { number: null, label: outer }
}

/** On an outgoing call the same marks mean that a manager pressed "call", not the client. */
function isCallback(
  call: JsonObject,
  direction: Direction | null,
  line: CallFacts['line'],
): boolean {
  if (direction !== 'inbound') return false
  const isOrdered = /^(c2c|callback|auto_cb)/i.test(text(call['source']) ?? '')
  return isOrdered || flag(call['callback']) === true || line.label?.includes('.') === true
}

interface People {
  readonly client: string | null
  /** Our line that talked, or the only one that was rung. */
  readonly extension: string | null
  readonly called: string | null
  readonly rung: readonly string[]
}

/**
 * `from` and `to` follow the direction. `to` of an incoming call lists every line that was rung and
 * not which of them answered, so an agent is told only where there is exactly one.
 */
function peopleOf(call: JsonObject, direction: Direction | null): People {
  const from = text(call['from'])
  const to = dialled(call)
  const first = to[0] ?? null
  switch (direction) {
    case 'inbound':
      return { client: from, extension: to.length === 1 ? first : null, called: null, rung: to }
    case 'outbound': {
      const client = to.find((number) => number.replace(/\D/g, '').length >= 9) ?? first
      return { client, extension: from, called: null, rung: [] }
    }
    case 'internal':
      return { client: null, extension: from, called: first, rung: [] }
    case null:
      return { client: null, extension: null, called: null, rung: [] }
  }
}

/** `to` as a list, as plain text, or as the numbered variables of a template (`call_to_0`). */
function dialled(call: JsonObject): readonly string[] {
  const told = list(call['to']).length > 0 ? list(call['to']) : split(text(call['to']))
  const numbered = Object.keys(call)
    .filter((key) => /^to_\d{1,3}$/.test(key))
    .toSorted((a, b) => Number(a.slice(3)) - Number(b.slice(3)))
    .map((key) => call[key])
  return [...told, ...numbered]
    .map(text)
    .filter((entry) => entry !== null)
    .slice(0, LEGS_MAX)
}

function split(told: string | null): readonly string[] {
  return told === null ? [] : told.split(/[,;]/)
}

function legsOf(
  rung: readonly string[],
  status: CallFacts['status'],
  talk: number | null,
): CallFacts['legs'] {
  const isOnly = rung.length === 1
  return rung.map((extension) => ({
    extension,
    name: null,
    email: null,
    status: isOnly ? status : null,
    // The whole wait of the client includes the greeting; how long this line rang is not told.
    waitDuration: null,
    talkDuration: isOnly ? talk : null,
  }))
}

function timesOf({ isAnswered, full, talk }: Course, startMs: number) {
  const talked = isAnswered ? talk : 0
  const wait = full === null || talked === null || talked > full ? null : full - talked
  return {
    duration: full,
    talkDuration: talk,
    waitDuration: wait,
    startedAt: isoInstant(startMs),
    answeredAt: isAnswered ? isoInstant(secondsAfter(startMs, wait)) : null,
    endedAt: isoInstant(secondsAfter(startMs, full)),
  }
}

/** `pending`, because UniTalk stores the file behind the link 10 to 15 minutes after the call. */
function recordingOf(call: JsonObject, isAnswered: boolean) {
  const link = isAnswered ? text(call['link']) : null
  return { recordingStatus: link === null ? 'none' : 'pending', recordingUrl: link } as const
}

/** Seen in UniTalk's own model of a call; Standard JSON may or may not carry them. */
function trackingOf(call: JsonObject): CallFacts['tracking'] {
  return {
    ...utmTags((name) => tag(call[`utm${name}`])),
    clientId: tag(call['googleid']),
    landingPage: null,
  }
}
