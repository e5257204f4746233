import type { Transcript } from '../../shared/call-event.ts'
import type { Json } from './provider.ts'
import { type Fields, firstRead, plainText } from './ringostat-fields.ts'
import { number, text, webUrl } from './wire-value.ts'

/**
 * What Ringostat's AI made of a call. The keys are the customer's own even more than elsewhere, so
 * beside the likely ones the subtitle file is known by its ending.
 */
export function transcriptOf(fields: Fields): Transcript | null {
  const transcript: Transcript = {
    text: fields.first('transcript', plainText),
    language: fields.first('language', text),
    summary: fields.first('summary', plainText),
    clientMood: fields.first('client_mood', plainText),
    agentMood: fields.first('employee_mood', plainText),
    overallMood: fields.first('overall_mood', plainText),
    recommendation: fields.first('recommendation', plainText),
    score: fields.first('dialogue_quality_score', number),
    scoreDetail: fields.first('dialogue_quality_details', plainText),
  }
  const { language: _, ...made } = transcript
  return Object.values(made).some((part) => part !== null) ? transcript : null
}

export function transcriptUrlOf(fields: Fields): string | null {
  const named = fields.first('vtt', webUrl)
  return named ?? firstRead(fields.values, (value) => (isSubtitles(value) ? webUrl(value) : null))
}

function isSubtitles(value: Json): boolean {
  return /^[^?#]+\.vtt(?:[?#]|$)/i.test(text(value) ?? '')
}
