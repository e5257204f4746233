import { z } from 'zod'
import { EVENT_KINDS } from '../shared/call-event.ts'
import { ERROR_CLASSES } from '../shared/egress/error-class.ts'
import type { RecordedAttempt } from '../shared/postgres/attempt-queries.ts'
import { ATTEMPT_OUTCOMES } from '../shared/postgres/delivery-attempts.ts'
import { instant } from './console-app.ts'

/** One request to the customer's endpoint, as the API shows it. */
export const attempt = z
  .object({
    id: z.string(),
    eventId: z.string(),
    event: z.enum(EVENT_KINDS),
    attempt: z.number().int().describe('Number of the attempt, from 1.'),
    outcome: z.enum(ATTEMPT_OUTCOMES),
    errorClass: z.enum(ERROR_CLASSES).nullable(),
    status: z.number().int().nullable().describe('HTTP status; null when nothing was answered.'),
    durationMs: z.number().int(),
    at: instant,
    nextAttemptAt: instant.nullable(),
    replay: z.boolean().describe('Part of a back-fill.'),
  })
  .meta({ id: 'Attempt' })

export function showAttempt(recorded: RecordedAttempt): z.infer<typeof attempt> {
  const { id, at, nextAttemptAt, ...rest } = recorded
  return {
    ...rest,
    id: String(id),
    at: at.toISOString(),
    nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
  }
}
