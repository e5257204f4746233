import {
  type StreamTelecomSettings,
  streamTelecomSettings,
} from '../../shared/provider-settings.ts'
import { carriesSecret } from './header-secret.ts'
import {
  type JsonObject,
  type Provider,
  type ProviderRequest,
  rejected,
  type Verdict,
} from './provider.ts'
import { hangUpOfCdr } from './stream-telecom-cdr.ts'
import { keptLeg } from './stream-telecom-kept-leg.ts'
import {
  canonicalRecord,
  isGreeting,
  legIdOf,
  type StreamTelecomSource,
  startOf,
} from './stream-telecom-leg.ts'
import { sessionCall } from './stream-telecom-session.ts'
import { firstText, flag, id, isObject, text } from './wire-value.ts'

/**
 * Stream Telecom (streamtele.com). A call is a session; every line that rang tells its own
 * `Hangup`, so a group call that somebody answered also tells of those who did not. The legs are
 * handed out as `leg` and become one call when the session closes or falls silent.
 *
 * `End_in` is an incoming call that ended in the greeting. The client did call: it is missed.
 */
export const streamTelecom: Provider<StreamTelecomSettings> = {
  name: 'stream-telecom',
  settings: streamTelecomSettings,
  acknowledgement: { contentType: 'text/plain', body: 'OK' },
  read(request, source) {
    const { authorizationHeader } = source.settings
    const given = request.headers['authorization']
    if (authorizationHeader && !carriesSecret(given, authorizationHeader)) {
      return [{ kind: 'unauthorized', detail: 'the authorization header is missing or wrong' }]
    }
    if (!isObject(request.body)) return [rejected('unrecognized', 'the body is not an object')]
    return [readEvent(withEvent(request, request.body, source), request.body, source)]
  },
  merge(legs, source) {
    // Cut again, for legs that were stored before they were cut.
    return sessionCall(legs.map(keptLeg), sessionIdOf(legs[0] ?? {}) ?? '', source)
  },
}

/** The record under canonical names; the address names the event where the body does not. */
function withEvent(
  request: ProviderRequest,
  body: JsonObject,
  source: StreamTelecomSource,
): JsonObject {
  const record = canonicalRecord(body, source.settings.fieldMap)
  if (text(record['event']) !== null || request.eventPath === '') return record
  return { ...record, event: request.eventPath.replaceAll('-', '_') }
}

const NOT_FINAL = new Set(['start', 'startcall', 'answer'])

function readEvent(record: JsonObject, body: JsonObject, source: StreamTelecomSource): Verdict {
  const event = text(record['event'])?.toLowerCase()
  if (event === undefined) return readCdr(record, body, source)
  if (NOT_FINAL.has(event)) return { kind: 'ignored', reason: 'not_final' }
  if (isGreeting(record) && !source.settings.storeEndIn) {
    return { kind: 'ignored', reason: 'end_in_disabled' }
  }
  if (event !== 'hangup' && event !== 'end_in') return { kind: 'ignored', reason: 'unknown_event' }
  return readLastWord(record, source, source.settings.mergeBySession)
}

function readCdr(record: JsonObject, body: JsonObject, source: StreamTelecomSource): Verdict {
  const hangUp = text(record['sessionid']) === null ? hangUpOfCdr(body, source) : null
  if (hangUp === null) return rejected('unrecognized', 'neither an event nor a call record')
  return readLastWord(hangUp, source, false)
}

/** The end of a leg: held until its session is over, or a call of its own. */
function readLastWord(record: JsonObject, source: StreamTelecomSource, isHeld: boolean): Verdict {
  const sessionId = sessionIdOf(record)
  if (sessionId === null) return rejected('no_call_id', 'neither sessionid nor call_id is told')
  if (startOf(record, source) === null) {
    return rejected('invalid_time', 'time_start is no usable time')
  }
  if (!isHeld) {
    const callId = id(record['call_id']) ?? sessionId
    return { kind: 'event', call: sessionCall([keptLeg(record)], callId, source) }
  }
  return {
    kind: 'leg',
    held: {
      sessionId,
      legId: legIdOf(record),
      leg: keptLeg(record),
      closing: isClosing(record),
      windowMs: source.settings.mergeWindowSec * 1000,
    },
  }
}

/** A leg without a session is a session of its own. */
function sessionIdOf(record: JsonObject): string | null {
  return firstText(id(record['sessionid']), id(record['call_id']))
}

/** Only a leg of a queue or a group (`join`) leaves the session open, until one says otherwise. */
function isClosing(record: JsonObject): boolean {
  return isGreeting(record) || flag(record['join']) !== true || flag(record['end_sess']) === true
}
