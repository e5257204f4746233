import { type Answer, problem, tooManyRequests } from '../answers.ts'
import type { RateLimited } from '../rate-limited.ts'
import type { RecordingResult } from './find-recording.ts'

/** How a request for a recording ends; the README tells what to do about each. */
export type RecordingOutcome = RecordingResult['kind'] | 'rate_limited' | 'method_not_allowed'

export type AnsweredRecording = RecordingResult | RateLimited

/** A link to a file is worth as much as the file: no cache keeps it, no page is told where it was. */
const PRIVATE = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }

export function answerOf(result: AnsweredRecording): Answer {
  const answer = publicAnswerOf(result)
  return { ...answer, headers: { ...answer.headers, ...PRIVATE } }
}

function publicAnswerOf(result: AnsweredRecording): Answer {
  switch (result.kind) {
    case 'redirected': {
      const headers = { location: result.url }
      return { status: 302, contentType: 'text/plain', body: '', headers }
    }
    case 'recording_unknown':
      return because(404, result.kind, UNKNOWN)
    case 'link_expired':
      return because(410, result.kind, EXPIRED)
    case 'source_removed':
      return because(410, result.kind, REMOVED)
    case 'not_yet_uploaded':
      return because(409, result.kind, NOT_YET, 60)
    case 'provider_refused':
      return because(503, result.kind, REFUSED, 300)
    case 'provider_unavailable':
      return because(503, result.kind, AWAY, 30)
    case 'unavailable':
      return because(503, result.kind, OURS, 5)
    case 'rate_limited':
      return tooManyRequests(result)
  }
}

function because(status: number, reason: string, detail: string, waitSeconds?: number): Answer {
  const headers = waitSeconds === undefined ? {} : { 'retry-after': String(waitSeconds) }
  return problem(status, detail, { reason, headers })
}

const UNKNOWN =
  'There is no such recording. Take the address from the event, to its last letter; if it is complete, the provider has no recording of this call.'
const EXPIRED = 'This link has expired. Recordings have to be fetched within its lifetime.'
const REMOVED = 'The source of this call was deleted, and its links with it.'
const NOT_YET = 'The provider has not stored the recording yet. Ask again in a minute.'
const REFUSED =
  'The provider refuses the API key of this source. Add the source again with a valid key and secret.'
const AWAY = 'The provider does not give the recording at the moment. Ask again later.'
const OURS = 'We cannot look this up at the moment. Ask again in a few seconds.'
