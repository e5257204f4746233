import { type Dispatcher, request } from 'undici'
import { readAtMost } from '../../shared/egress/read-at-most.ts'
import { type FoundRecording, readAnswer, type ToldRules } from './binotel-answer.ts'
import type { ApiCredentials } from './linked-call.ts'

/** Asks Binotel's REST API for a fresh link to a recording. Never rejects. */
export type AskForRecording = (question: Question) => Promise<FoundRecording>

export interface Question {
  readonly credentials: ApiCredentials
  readonly providerCallId: string
  /** Milliseconds since the event was published. */
  readonly linkAgeMs: number
}

export interface AskOptions extends Omit<ToldRules, 'linkAgeMs'> {
  /** Base address of the API, without a slash at its end. */
  readonly apiUrl: string
  readonly dispatcher: Dispatcher
}

const PATH = '/api/4.0/stats/call-record.json'
/** Somebody waits in front of a player. */
const ASK_MS = 4_000
/** An answer holds one link. */
const ANSWER_BYTES_MAX = 16 * 1024

export function createAskBinotel(options: AskOptions): AskForRecording {
  return async ({ credentials, providerCallId, linkAgeMs }) => {
    try {
      const { statusCode, body } = await request(options.apiUrl + PATH, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ ...credentials, generalCallID: providerCallId }),
        dispatcher: options.dispatcher,
        signal: AbortSignal.timeout(ASK_MS),
      })
      const answer = await readAtMost(body, ANSWER_BYTES_MAX)
      if (answer === null) return { kind: 'provider_unavailable', code: null }
      return readAnswer(statusCode, answer.toString('utf8'), { ...options, linkAgeMs })
    } catch {
      // Cut off, too slow, not reachable, or refused by the guard: there is no answer, and the
      // error is not logged, because it could hold the request and so the key.
      return { kind: 'provider_unavailable', code: null }
    }
  }
}
