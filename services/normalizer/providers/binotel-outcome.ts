import type { Json } from './provider.ts'
import { text } from './wire-value.ts'

/** How a call, or one leg of it, ended: not yet a status, since that depends on the direction. */
export type FinalOutcome = 'answered' | 'unanswered' | 'busy' | 'failed' | 'voicemail'
export type Outcome = FinalOutcome | 'not_final' | 'not_a_call'

/** Binotel's official list, spelt without the marks in which senders differ (`NO ANSWER`). */
const OUTCOMES: ReadonlyMap<string, Outcome> = new Map([
  ['ANSWER', 'answered'],
  ['TRANSFER', 'answered'],
  ['NOANSWER', 'unanswered'],
  ['CANCEL', 'unanswered'],
  ['BUSY', 'busy'],
  ['CONGESTION', 'failed'],
  ['CHANUNAVAIL', 'failed'],
  ['VM', 'unanswered'], // reached the voice mail and left no message
  ['VMSUCCESS', 'voicemail'],
  ['ONLINE', 'not_final'],
  ['CALLING', 'not_final'],
  ['SMSSENDING', 'not_a_call'],
  ['SMSSUCCESS', 'not_a_call'],
  ['SMSFAILED', 'not_a_call'],
  ['SUCCESS', 'not_a_call'], // a fax
  ['FAILED', 'not_a_call'], // a fax
])

/** A word that is not in the list counts by whether anybody talked. */
export function readOutcome(disposition: Json | undefined, talk: number | null): Outcome {
  const word = (text(disposition) ?? '').toUpperCase().replace(/[\s_-]/g, '')
  return OUTCOMES.get(word) ?? ((talk ?? 0) > 0 ? 'answered' : 'unanswered')
}
