import { type CallFacts, type CallStatus, untold } from '../../shared/call-event.ts'
import { callerAndCallee, unansweredStatus } from './call-sides.ts'
import { isoInstant, secondsBetween } from './instant.ts'
import type { JsonObject } from './provider.ts'
import { readLeg, type SessionLeg, type StreamTelecomSource } from './stream-telecom-leg.ts'
import { type Lines, linesOf } from './stream-telecom-lines.ts'
import { joinedLegs } from './stream-telecom-telling.ts'
import { trackingOf } from './stream-telecom-visit.ts'
import { object } from './wire-value.ts'

/**
 * The legs of one session → one call, however they came: every leg may be told again, late, and in
 * any order. Answered beats not answered, so the losers of a group call do not turn a call that
 * somebody took into a missed one; the last who answered is the employee it ended with.
 */
export function sessionCall(
  records: readonly JsonObject[],
  callId: string,
  source: StreamTelecomSource,
): CallFacts {
  const lines = linesOf(source.settings, source.defaultCountry)
  const legs = joinedLegs(records, source)
    .map((record) => readLeg(record, source, lines))
    .toSorted(byRing)
  const main = mainLegOf(legs)
  const facts = untold('call.completed', 'stream-telecom', callId)
  if (main === null) return facts
  const isCallback = legs.some((leg) => leg.isCallback)
  const direction = isCallback ? 'inbound' : main.direction
  const answered = answeredIn(legs)
  const final = answered.at(-1) ?? null
  const statusOf = (leg: SessionLeg): CallStatus | null =>
    leg.isAnswered ? 'answered' : unansweredStatus(direction, leg.refusal, isCallback)
  const client = direction === 'internal' ? null : firstTold(legs, (leg) => leg.client)
  const extension = final ? final.extension : onlyExtension(legs)
  const line = lineOf(legs, lines)
  const sides = { direction, client, line: line.number, extension, called: main.called }
  return {
    ...facts,
    direction,
    callback: isCallback,
    status: statusOf(final ?? main),
    statusDetail: (final ?? legs.at(-1) ?? main).result,
    ...callerAndCallee(direction === 'internal' ? { ...sides, extension: main.extension } : sides),
    client: { number: client, name: null, isNew: null },
    line,
    agent: { id: null, name: null, extension, email: null },
    transferred: answered.length > 1 || legs.some((leg) => leg.isRedirected),
    legs: legs.filter((leg) => !leg.isGreeting).map((leg) => toldLeg(leg, statusOf(leg))),
    ...timesOf(legs, answered),
    ...recordingOf(legs),
    tracking: trackingOf(legs.find((leg) => Object.keys(object(leg.visit)).length > 0)?.visit),
  }
}

function byRing(a: SessionLeg, b: SessionLeg): number {
  const apart = (a.ringMs ?? a.startMs ?? 0) - (b.ringMs ?? b.startMs ?? 0)
  if (apart !== 0) return apart
  return a.legId < b.legId ? -1 : 1
}

/** The leg that says what kind of call it was: one with the client, not a consultation in it. */
function mainLegOf(legs: readonly SessionLeg[]): SessionLeg | null {
  const rung = legs.filter((leg) => !leg.isGreeting)
  return rung.find((leg) => leg.direction !== 'internal') ?? rung[0] ?? legs[0] ?? null
}

/** In the order in which they were answered. */
function answeredIn(legs: readonly SessionLeg[]): readonly SessionLeg[] {
  const at = (leg: SessionLeg): number => leg.answerMs ?? leg.endMs ?? 0
  return legs.filter((leg) => leg.isAnswered).toSorted((a, b) => at(a) - at(b))
}

function onlyExtension(legs: readonly SessionLeg[]): string | null {
  const extensions = new Set(legs.map((leg) => leg.extension).filter((told) => told !== null))
  const [first] = extensions
  return extensions.size === 1 && first !== undefined ? first : null
}

function firstTold<Value>(
  legs: readonly SessionLeg[],
  read: (leg: SessionLeg) => Value | null,
): Value | null {
  return legs.map(read).find((value) => value !== null) ?? null
}

/** An outgoing leg may name its trunk in place of a number. */
function lineOf(legs: readonly SessionLeg[], lines: Lines): CallFacts['line'] {
  const isNumber = (via: string): boolean => /^\+?[\d\s()-]+$/.test(via)
  const told = legs.map((leg) => leg.via).filter((via) => via !== null)
  const number = told.find(isNumber) ?? null
  return { number: lines.shown(number), label: told.find((via) => !isNumber(via)) ?? null }
}

function toldLeg(leg: SessionLeg, status: CallStatus | null): CallFacts['legs'][number] {
  return {
    extension: leg.extension,
    name: null,
    email: null,
    status,
    waitDuration: leg.isAnswered
      ? secondsBetween(leg.ringMs, leg.answerMs)
      : secondsBetween(leg.ringMs, leg.endMs),
    talkDuration: leg.isAnswered ? secondsBetween(leg.answerMs, leg.endMs) : 0,
  }
}

/** Talk runs from the first answer to the end of the last answered leg, transfers included. */
function timesOf(legs: readonly SessionLeg[], answered: readonly SessionLeg[]) {
  const startMs = least(legs.map((leg) => leg.startMs))
  const endMs = greatest(legs.map((leg) => leg.endMs))
  const answerMs = least(answered.map((leg) => leg.answerMs))
  const isAnswered = answered.length > 0
  const talkEndMs = greatest(answered.map((leg) => leg.endMs))
  return {
    duration: secondsBetween(startMs, endMs),
    talkDuration: isAnswered ? secondsBetween(answerMs, talkEndMs) : 0,
    waitDuration: secondsBetween(startMs, isAnswered ? answerMs : endMs),
    startedAt: isoInstant(startMs),
    answeredAt: isoInstant(answerMs),
    endedAt: isoInstant(endMs),
  }
}

function least(instants: readonly (number | null)[]): number | null {
  const told = instants.filter((ms) => ms !== null)
  return told.length === 0 ? null : told.reduce((a, b) => Math.min(a, b))
}

function greatest(instants: readonly (number | null)[]): number | null {
  const told = instants.filter((ms) => ms !== null)
  return told.length === 0 ? null : told.reduce((a, b) => Math.max(a, b))
}

/**
 * The recording is of the session and already there when a leg ends. The part of its address
 * behind `?` is one token without keys, so the address is never taken apart and put together.
 */
function recordingOf(legs: readonly SessionLeg[]) {
  const recordUrl = firstTold(legs, (leg) => leg.recordUrl)
  return {
    recordingStatus: recordUrl === null ? 'none' : 'available',
    recordingUrl: recordUrl,
  } as const
}
