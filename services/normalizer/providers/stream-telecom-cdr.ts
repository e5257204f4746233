import { isoInstant, secondsAfter } from './instant.ts'
import type { Json, JsonObject } from './provider.ts'
import { instantOf, type StreamTelecomSource } from './stream-telecom-leg.ts'
import { firstText, seconds } from './wire-value.ts'

/**
 * A call record with Asterisk's own names, told as a hang-up of Stream Telecom. An assumption, for
 * customers whose exchange posts its CDR table: asked only where a body has neither an event nor a
 * session.
 *
 * Null where the body is no such record: without an end and without a party nothing can be told.
 */
export function hangUpOfCdr(body: JsonObject, source: StreamTelecomSource): JsonObject | null {
  const told = (...names: readonly string[]): string | null =>
    firstText(...names.map((name): Json | undefined => body[name]))
  const from = told('src', 'caller', 'from')
  const to = told('dst', 'callee', 'to')
  const result = told('disposition')
  const duration = seconds(body['duration'])
  const talk = seconds(body['billsec'])
  const isOver = result !== null || duration !== null || talk !== null
  if ((from === null && to === null) || !isOver) return null
  const startMs = instantOf(told('calldate', 'start', 'time_start'), source)
  const endMs = instantOf(told('end', 'event_time'), source) ?? secondsAfter(startMs, duration)
  const answerMs = instantOf(told('answer', 'time_answer'), source) ?? talkedFrom(endMs, talk)
  return {
    event: 'Hangup',
    type: told('did') === null ? null : 'in', // Only an incoming call has dialled a number of ours.
    from,
    to,
    via: told('did', 'via'),
    call_id: told('uniqueid', 'linkedid', 'call_id'),
    time_start: isoInstant(startMs),
    time_answer: isoInstant(answerMs),
    event_time: isoInstant(endMs),
    result,
    recordUrl: addressOf(told('recordUrl', 'recordingfile')),
  }
}

function talkedFrom(endMs: number | null, talk: number | null): number | null {
  return talk === null || talk === 0 ? null : secondsAfter(endMs, -talk)
}

/** Asterisk writes the name of a file on its own disk where there is no address. */
function addressOf(told: string | null): string | null {
  return told !== null && /^https?:\/\//i.test(told) ? told : null
}
