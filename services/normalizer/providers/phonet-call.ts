import { type CallFacts, type Direction, untold } from '../../shared/call-event.ts'
import { callerAndCallee, LEGS_MAX, type Refusal, unansweredStatus } from './call-sides.ts'
import { epochMs, isoInstant, secondsAfter, secondsBetween } from './instant.ts'
import { isWrittenNumber, phoneNumber } from './phone-number.ts'
import type { Json, JsonObject } from './provider.ts'
import { firstText, id, number, numbered, object, seconds, text } from './wire-value.ts'

/** A finished call of Phonet → facts. Its hang-up event and its history record share one shape. */

export interface ToldCall {
  readonly record: JsonObject
  /** Host name of the customer's exchange, null when neither the call nor the source names it. */
  readonly account: string | null
  readonly defaultCountry: string
}

export type PhonetCall =
  | { readonly kind: 'call'; readonly facts: CallFacts }
  | { readonly kind: 'no_call_id' }
  | { readonly kind: 'invalid_time' }

/** How a call went: the part that the event and the record tell in different words. */
interface Course {
  readonly startMs: number | null
  readonly answerMs: number | null
  readonly endMs: number | null
  readonly isAnswered: boolean
  readonly refusal: Refusal
  /** Seconds. */
  readonly duration: number | null
  /** Seconds. */
  readonly talk: number | null
  /** Seconds. */
  readonly wait: number | null
  readonly detail: string | null
  readonly recording: Pick<CallFacts, 'recordingStatus' | 'recordingUrl'>
}

/** `call.hangup`: answered exactly when it was bridged; the reason of a refusal is not told. */
export function hangUp(told: ToldCall, receivedAt: number): PhonetCall {
  const { record } = told
  const startMs = epochMs(number(record['dialAt']))
  const answerMs = epochMs(number(record['bridgeAt']))
  const endMs = hungUpMs(record, startMs, receivedAt)
  const isAnswered = answerMs !== null
  return call(told, {
    startMs,
    answerMs,
    endMs,
    isAnswered,
    refusal: 'no_answer',
    duration: secondsBetween(startMs, endMs),
    talk: isAnswered ? secondsBetween(answerMs, endMs) : 0,
    wait: secondsBetween(startMs, answerMs ?? endMs),
    detail: null,
    recording: isAnswered ? expectedRecording(told) : NO_RECORDING,
  })
}

/** No call lasts longer: a receipt later than this is a replay and tells nothing of the end. */
const CALL_MAX_MS = 24 * 3_600_000

/** `hangupAt` may be 0 and `serverTime` absent; then the event came at the end or soon after. */
function hungUpMs(record: JsonObject, startMs: number | null, receivedAt: number): number | null {
  const told = epochMs(number(record['hangupAt'])) ?? epochMs(number(record['serverTime']))
  if (told !== null || startMs === null) return told
  const sinceStart = receivedAt - startMs
  return sinceStart >= 0 && sinceStart <= CALL_MAX_MS ? receivedAt : null
}

/** 1: did not respond; 2: direction overloaded; 3: internal or dial error; 4: busy. */
const REFUSALS: ReadonlyMap<number, Refusal> = new Map([
  [1, 'no_answer'],
  [2, 'failed'],
  [3, 'failed'],
  [4, 'busy'],
])

/** The history record: `disposition` decides, and the start follows from the end. */
export function historyRecord(told: ToldCall): PhonetCall {
  const { record } = told
  const endMs = epochMs(number(record['endAt']))
  const duration = seconds(record['duration'])
  const talk = seconds(record['billSecs'])
  const disposition = number(record['disposition'])
  const isAnswered = disposition === null ? (talk ?? 0) > 0 : disposition === 0
  const audio = text(record['audioRecUrl'])
  return call(told, {
    startMs: epochMs(number(record['dialAt'])) ?? before(endMs, duration),
    answerMs: isAnswered ? before(endMs, talk) : null,
    endMs,
    isAnswered,
    refusal: REFUSALS.get(disposition ?? 1) ?? 'failed',
    duration,
    talk: isAnswered ? talk : 0,
    wait: isAnswered ? difference(duration, talk) : duration,
    detail: text(record['disposition']),
    recording: recordedIn(audio, isAnswered, told),
  })
}

function difference(whole: number | null, part: number | null): number | null {
  return whole === null || part === null || part > whole ? null : whole - part
}

function before(endMs: number | null, secs: number | null): number | null {
  return secondsAfter(endMs, secs === null ? null : -secs)
}

const NO_RECORDING = { recordingStatus: 'none', recordingUrl: null } as const

function recordedIn(audio: string | null, isAnswered: boolean, told: ToldCall) {
  if (!isAnswered) return NO_RECORDING
  if (audio === null) return expectedRecording(told)
  return { recordingStatus: 'available', recordingUrl: audio } as const
}

/**
 * The address of a recording follows from the account and the uuid, but nothing tells when the
 * file behind it is ready: `pending`, with the address, until the history record names it.
 */
function expectedRecording({ record, account }: ToldCall): Course['recording'] {
  const uuid = text(record['uuid'])
  const isHost = account !== null && /^[a-z0-9.-]+(:\d+)?$/.test(account)
  if (!isHost || uuid === null) return { recordingStatus: 'pending', recordingUrl: null }
  const path = `/rest/public/calls/${encodeURIComponent(uuid)}/audio`
  return { recordingStatus: 'pending', recordingUrl: `https://${account}${path}` }
}

function call(told: ToldCall, course: Course): PhonetCall {
  const { record, defaultCountry } = told
  const callId = callIdOf(record)
  if (callId === null) return { kind: 'no_call_id' }
  if (course.startMs === null) return { kind: 'invalid_time' }
  const direction = directionOf(record)
  const people = peopleOf(record)
  const client = direction === 'internal' ? NOBODY : clientOf(record, defaultCountry)
  const line = lineOf(record, defaultCountry)
  const { extension } = people.agent
  const sides = { direction, client: client.number, line: line.number, extension }
  const status = course.isAnswered ? 'answered' : unansweredStatus(direction, course.refusal)
  const facts: CallFacts = {
    ...untold('call.completed', 'phonet', callId),
    direction,
    status,
    statusDetail: course.detail,
    ...callerAndCallee({ ...sides, called: people.called }),
    client,
    line,
    agent: people.agent,
    group: people.group,
    transferred: isTransferred(record, direction),
    legs: passedOn(record, people.agent),
    duration: course.duration,
    talkDuration: course.talk,
    waitDuration: course.wait,
    startedAt: isoInstant(course.startMs),
    answeredAt: isoInstant(course.answerMs),
    endedAt: isoInstant(course.endMs),
    ...course.recording,
  }
  return { kind: 'call', facts }
}

/**
 * In lower case where it is a UUID: Phonet writes it in several ways, and an id that differs only
 * in case would deliver the same call twice.
 */
function callIdOf(record: JsonObject): string | null {
  const uuid = id(record['uuid'])
  return uuid !== null && /^[0-9a-f-]+$/i.test(uuid) ? uuid.toLowerCase() : uuid
}

const DIRECTIONS: ReadonlyMap<string | null, Direction> = new Map([
  ['1', 'internal'],
  ['2', 'outbound'],
  ['4', 'inbound'],
])

/** 32 and 64 (hold and unhold) hide the direction, so it is unknown then. */
function directionOf(record: JsonObject): Direction | null {
  return DIRECTIONS.get(text(record['lgDirection'])) ?? null
}

const NOBODY: CallFacts['client'] = { number: null, name: null, isNew: null }

/** The event lists the client in `otherLegs`, the history record names it in two flat fields. */
function clientOf(record: JsonObject, defaultCountry: string): CallFacts['client'] {
  const leg = object(numbered(record['otherLegs'])[0])
  const num = firstText(leg['num'], record['otherLegNum'])
  const name = nameOf(leg['name'], record['otherLegName'], leg['companyName'])
  return { number: phoneNumber(num, defaultCountry), name, isNew: null }
}

/** The company's line; the history record hides it in `trunk`: "o=380442249895;". */
function lineOf(record: JsonObject, defaultCountry: string): CallFacts['line'] {
  const digits = /\d{9,}/.exec(text(record['trunk']) ?? '')?.[0] ?? null
  const num = firstText(record['trunkNum']) ?? digits
  return {
    number: phoneNumber(num, defaultCountry),
    label: nameOf(record['trunkName']),
  }
}

/**
 * Phonet repeats the number where it has no name. A number in a name field tells nothing and would
 * show what `maskNumbers` hides.
 */
function nameOf(...told: readonly (Json | undefined)[]): string | null {
  return told.map(text).find((name) => name !== null && !isWrittenNumber(name)) ?? null
}

interface People {
  readonly agent: CallFacts['agent']
  readonly group: string | null
  readonly called: string | null
}

/** `leg` is always our side; a group (type 2) or an IVR (4) in it is no employee. */
function peopleOf(record: JsonObject): People {
  const leg = object(record['leg'])
  const leg2 = object(record['leg2'])
  const agent = {
    id: id(leg['id']),
    name: nameOf(leg['displayName']),
    extension: id(leg['ext']),
    email: null,
  }
  const group = [leg, leg2].find(isGroup) ?? {}
  return {
    agent: isGroup(leg) ? { id: null, name: null, extension: null, email: null } : agent,
    group: firstText(group['displayName'], group['ext']),
    called: id(leg2['ext']),
  }
}

function isGroup(leg: JsonObject): boolean {
  const type = text(leg['type'])
  return type === '2' || type === '4'
}

/**
 * A call with a parent came from a transfer. An internal one does not count: it is the
 * consultation before the transfer, and nobody was passed on by it.
 */
function isTransferred(record: JsonObject, direction: Direction | null): boolean {
  const isChild = id(record['parentUuid']) !== null && direction !== 'internal'
  return text(record['transferHistory']) !== null || isChild
}

/** "003 > 001": who had the call, in order. Only the last one's name is told. */
function passedOn(record: JsonObject, agent: CallFacts['agent']): CallFacts['legs'] {
  const extensions = text(record['transferHistory'])?.split('>') ?? []
  return extensions
    .map((extension) => extension.trim())
    .filter((extension) => extension !== '')
    .slice(0, LEGS_MAX)
    .map((extension) => ({
      extension,
      name: extension === agent.extension ? agent.name : null,
      email: null,
      status: null,
      waitDuration: null,
      talkDuration: null,
    }))
}
