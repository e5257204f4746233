import {
  type CallFacts,
  type CallStatus,
  type Direction,
  type Line,
  type RecordingStatus,
  type Tracking,
  untold,
} from '../../shared/call-event.ts'
import { agentOf, groupOf, type RungLeg, readLegs } from './binotel-legs.ts'
import { type FinalOutcome, type Outcome, readOutcome } from './binotel-outcome.ts'
import { callerAndCallee, unansweredStatus } from './call-sides.ts'
import { epochMs, isoInstant, secondsAfter } from './instant.ts'
import { phoneNumber } from './phone-number.ts'
import type { JsonObject, SourceContext } from './provider.ts'
import { firstText, flag, id, number, object, seconds, tag, text, utmTags } from './wire-value.ts'

/**
 * `callDetails` of Binotel → the facts of the call. Knows both generations of names; the newer one
 * wins where a body has both.
 *
 * Calls between two employees have no `callType` of their own and are not guessed at: a short
 * number may as well be a taxi. They come out with the direction that Binotel gives them.
 */

export function callId(details: JsonObject): string | null {
  return id(details['generalCallID']) ?? id(details['callID'])
}

export function readStart(details: JsonObject): number | null {
  return epochMs(number(details['startTime']))
}

export function outcomeOf(details: JsonObject): Outcome {
  return readOutcome(details['disposition'], talkOf(details))
}

/** A call that is over and can be told: what makes it so has been read before. */
export interface CompletedCall {
  readonly id: string
  readonly startedMs: number
  readonly outcome: FinalOutcome
  readonly details: JsonObject
}

export function readCall(
  { id, startedMs, outcome, details }: CompletedCall,
  { defaultCountry }: SourceContext<unknown>,
): CallFacts {
  const callback = Object.keys(object(details['getCallData'])).length > 0
  const direction = callback ? 'inbound' : directionOf(details)
  const legs = readLegs(details, direction)
  const status = statusOf(outcome, direction, callback && tookCallback(details, legs))
  const agent = agentOf(details, legs, { direction, status })
  const line = lineOf(details, defaultCountry)
  const client = phoneNumber(
    firstText(details['externalNumber'], details['srcNumber']),
    defaultCountry,
  )
  const sides = { direction, client, line: line.number, extension: agent.extension, called: null }
  return {
    ...untold('call.completed', 'binotel', id),
    direction,
    callback,
    status,
    statusDetail: text(details['disposition']),
    ...callerAndCallee(sides),
    client: { number: client, name: clientName(details), isNew: flag(details['isNewCall']) },
    line,
    agent,
    group: groupOf(details, legs),
    transferred: isTransferred(details, legs),
    legs: legs.map(({ leg }) => leg),
    ...timesOf({ startedMs, details, legs, status }),
    recordingStatus: recordingStatusOf(details, status),
    tracking: trackingOf(details),
  }
}

function directionOf(details: JsonObject): Exclude<Direction, 'internal'> | null {
  const callType = text(details['callType'])
  if (callType === '0') return 'inbound'
  return callType === '1' ? 'outbound' : null
}

/** A callback counts as dialled by us only where one of ours took it; else nobody of ours talked. */
function statusOf(
  outcome: FinalOutcome,
  direction: Direction | null,
  callbackTaken: boolean,
): CallStatus | null {
  if (outcome === 'answered' || outcome === 'voicemail') return outcome
  return unansweredStatus(
    direction,
    outcome === 'unanswered' ? 'no_answer' : outcome,
    callbackTaken,
  )
}

/**
 * GetCall rings our people first and the client when one of them answers. The legs tell whether
 * somebody did; without legs Binotel's counter of unanswered attempts is all there is.
 */
function tookCallback(details: JsonObject, legs: readonly RungLeg[]): boolean {
  if (legs.length > 0) return legs.some(({ leg }) => leg.status === 'answered')
  const unansweredByUs = number(object(details['getCallData'])['employeesDontAnswerCounter'])
  return (unansweredByUs ?? 0) === 0
}

function isTransferred(details: JsonObject, legs: readonly RungLeg[]): boolean {
  if (text(details['disposition'])?.toUpperCase() === 'TRANSFER') return true
  return legs.filter(({ leg }) => leg.status === 'answered').length > 1
}

function lineOf(details: JsonObject, defaultCountry: string): Line {
  const line = object(details['pbxNumberData'])
  const raw = firstText(
    line['number'],
    details['didNumber'],
    details['did'],
    details['trunkNumber'],
  )
  return {
    number: phoneNumber(raw, defaultCountry),
    label: firstText(line['name'], details['didName']),
  }
}

/** The name that the company's own CRM gave for this very call is the fresher one. */
function clientName(details: JsonObject): string | null {
  const fromCrm = object(details['customerDataFromOutside'])
  return firstText(fromCrm['name'], object(details['customerData'])['name'])
}

function talkOf(details: JsonObject): number | null {
  return seconds(details['billsec'])
}

/** Binotel sends no end; a call is its wait and its talk. */
function timesOf(call: {
  readonly startedMs: number
  readonly details: JsonObject
  readonly legs: readonly RungLeg[]
  readonly status: CallStatus | null
}) {
  const talk = talkOf(call.details)
  const wait = seconds(call.details['waitsec']) ?? waitOfOnlyLeg(call.legs)
  const duration = wait === null || talk === null ? null : seconds(wait + talk)
  const after = (s: number | null) => isoInstant(secondsAfter(call.startedMs, s))
  return {
    duration,
    talkDuration: talk,
    waitDuration: wait,
    startedAt: isoInstant(call.startedMs),
    answeredAt: call.status === 'answered' ? after(wait) : null,
    endedAt: after(duration),
  }
}

/** Some bodies tell the wait only in the history; with one leg it is the call's. */
function waitOfOnlyLeg(legs: readonly RungLeg[]): number | null {
  return legs.length === 1 ? (legs[0]?.leg.waitDuration ?? null) : null
}

/**
 * Only a talk or a left message is recorded. The links in the body lead to pages of the cabinet
 * behind a login, so there is never a `recordingUrl`: the file is fetched by Binotel's REST API.
 */
function recordingStatusOf(details: JsonObject, status: CallStatus | null): RecordingStatus {
  if (status !== 'answered' && status !== 'voicemail') return 'none'
  return text(details['recordingStatus']) === 'uploaded' ? 'available' : 'pending'
}

function trackingOf(details: JsonObject): Tracking {
  const callTracking = object(details['callTrackingData'])
  const getCall = object(details['getCallData'])
  const visit = Object.keys(getCall).length > 0 ? getCall : callTracking
  return {
    ...utmTags((name) => tag(visit[`utm_${name}`])),
    clientId: tag(visit['gaClientId']),
    landingPage: tag(visit['fullUrl']),
  }
}
