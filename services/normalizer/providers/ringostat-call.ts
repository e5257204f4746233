import {
  type Agent,
  type CallFacts,
  type CallStatus,
  type Tracking,
  untold,
} from '../../shared/call-event.ts'
import { callerAndCallee } from './call-sides.ts'
import { isoInstant, secondsAfter } from './instant.ts'
import type { Json } from './provider.ts'
import { type Fields, plainText } from './ringostat-fields.ts'
import { syntheticId } from './ringostat-identity.ts'
import { statusOf } from './ringostat-outcome.ts'
import type { Parties } from './ringostat-parties.ts'
import { transcriptOf, transcriptUrlOf } from './ringostat-transcript.ts'
import { flag, id, number, seconds, tag, text, utmTags, webUrl } from './wire-value.ts'

/** What has been found out of a body before its call can be told. */
export interface ToldCall {
  readonly event: 'call.completed' | 'call.transcribed'
  /** Null: the body has no id, and one is made from the rest. */
  readonly callId: string | null
  /** Milliseconds since 1970. */
  readonly startedMs: number | null
  readonly parties: Parties
  readonly projectId: string | null
}

export function readCall(fields: Fields, told: ToldCall): CallFacts {
  const { direction, callback, client, line } = told.parties
  const sides = callerAndCallee(told.parties)
  const made = [told.projectId, told.startedMs, sides.caller, sides.callee, direction]
  const status = statusOf(fields, direction)
  return {
    ...untold(told.event, 'ringostat', told.callId ?? syntheticId(made)),
    direction,
    callback,
    status,
    statusDetail: fields.first('disposition', text),
    ...sides,
    // A display name beside the number is a SIP client's label or an operator's, not a person's.
    client: { number: client, name: null, isNew: isNewClient(fields) },
    line: { number: line, label: fields.first('pool_name', plainText) },
    agent: agentOf(fields, told.parties),
    group: fields.first('department', plainText),
    ...timesOf(fields, told.startedMs, status),
    ...recordingOf(fields),
    transcriptUrl: transcriptUrlOf(fields),
    transcript: transcriptOf(fields),
    tracking: trackingOf(fields),
  }
}

/** Agents are known by their staff id and login only: the numbers are the client's and the line's. */
function agentOf(fields: Fields, { extension }: Parties): Agent {
  return {
    id: fields.first('employee_number', id),
    name: fields.first('employee_fio', plainText),
    extension,
    email: fields.first('employee_email', text),
  }
}

function isNewClient(fields: Fields): boolean | null {
  const unique = fields.first('unique_call', flag)
  if (unique !== null) return unique
  const counter = fields.first('call_counter', number)
  if (counter !== null && counter > 0) return counter === 1
  return fields.first('repeated_flag', flag) === true ? false : null
}

/** Ringostat's total is wait and talk, so it can be told from these where it is missing. */
function timesOf(fields: Fields, startedMs: number | null, status: CallStatus | null) {
  const wait = fields.first('waittime', seconds)
  const talk = fields.first('billsec', seconds)
  const sum = wait === null || talk === null ? null : seconds(wait + talk)
  const duration = fields.first('duration', seconds) ?? fields.first('duration_ms', wholeS) ?? sum
  const after = (s: number | null) => isoInstant(secondsAfter(startedMs, s))
  return {
    duration,
    talkDuration: talk,
    waitDuration: wait,
    startedAt: isoInstant(startedMs),
    answeredAt: status === 'answered' ? after(wait) : null,
    endedAt: after(duration),
  }
}

function wholeS(value: Json): number | null {
  const ms = number(value)
  return ms === null ? null : seconds(ms / 1000)
}

/** The flag decides: an address is sent for calls without recording, too. */
function recordingOf(fields: Fields): Pick<CallFacts, 'recordingStatus' | 'recordingUrl'> {
  const isRecorded = fields.first('has_recording', flag)
  if (isRecorded === false) return { recordingStatus: 'none', recordingUrl: null }
  const recordingUrl = fields.first('recording', webUrl) ?? fields.first('recording_wav', webUrl)
  if (recordingUrl !== null) return { recordingStatus: 'available', recordingUrl }
  return { recordingStatus: isRecorded === true ? 'pending' : 'none', recordingUrl }
}

function trackingOf(fields: Fields): Tracking {
  return {
    ...utmTags((name) => fields.first(`utm_${name}`, tag)),
    clientId: fields.first('client_id', tag),
    landingPage: fields.first('landing', tag),
  }
}
