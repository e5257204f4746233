import type { CallStatus, Direction } from '../../shared/call-event.ts'
import { type Refusal, unansweredStatus } from './call-sides.ts'
import type { Fields } from './ringostat-fields.ts'
import { seconds, text } from './wire-value.ts'

type Outcome =
  | { readonly kind: 'answered' | 'voicemail' | 'running' }
  /** `client`: it was the client whom we dialled, not one of ours, who did not talk. */
  | { readonly kind: 'unanswered'; readonly refusal: Refusal; readonly by: 'unknown' | 'client' }

const ANSWERED: Outcome = { kind: 'answered' }
const RUNNING: Outcome = { kind: 'running' }
const UNANSWERED: Outcome = { kind: 'unanswered', refusal: 'no_answer', by: 'unknown' }

/** Every status that Ringostat's help and its integrators name. */
const OUTCOMES: ReadonlyMap<string, Outcome> = new Map<string, Outcome>([
  ['ANSWERED', ANSWERED],
  ['ANSWER', ANSWERED],
  ['PROPER', ANSWERED], // a target call
  ['REPEATED', ANSWERED], // after the first target call
  ['NO ANSWER', UNANSWERED],
  ['NOANSWER', UNANSWERED],
  ['DECLINE', UNANSWERED],
  ['DECLINED', UNANSWERED],
  ['NO FORWARD', UNANSWERED], // the forwarding scheme did not work
  ['WRONG EXTENSION', UNANSWERED],
  ['NO EXTENSION', UNANSWERED],
  ['BUSY', { kind: 'unanswered', refusal: 'busy', by: 'unknown' }],
  ['FAILED', { kind: 'unanswered', refusal: 'failed', by: 'unknown' }],
  ['FAILED FORBIDDEN DESTINATION', { kind: 'unanswered', refusal: 'failed', by: 'client' }],
  ['CLIENT NO ANSWER', { kind: 'unanswered', refusal: 'no_answer', by: 'client' }],
  ['VOICEMAIL', { kind: 'voicemail' }],
  ['IN PROGRESS', RUNNING],
  ['CALLING', RUNNING],
])

function outcomeOf(disposition: string | null): Outcome {
  const word = (disposition ?? '').toUpperCase().replace(/[\s+_-]+/g, ' ')
  return OUTCOMES.get(word.trim()) ?? UNANSWERED
}

export function isRunning(fields: Fields): boolean {
  return outcomeOf(fields.first('disposition', text)).kind === 'running'
}

/**
 * A talk wins over the word, except that nobody of ours talked in a voice mail; a word that is not
 * known counts as unanswered. Null where neither a word nor a talk is told.
 */
export function statusOf(fields: Fields, direction: Direction | null): CallStatus | null {
  const disposition = fields.first('disposition', text)
  const talk = fields.first('billsec', seconds)
  if (disposition === null && talk === null) return null
  const outcome = outcomeOf(disposition)
  if (outcome.kind === 'voicemail') return 'voicemail'
  if ((talk ?? 0) > 0) return 'answered'
  if (outcome.kind !== 'unanswered') return outcome.kind === 'answered' ? 'answered' : null
  return unansweredStatus(direction, outcome.refusal, outcome.by === 'client')
}
