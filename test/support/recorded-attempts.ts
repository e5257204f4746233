import type { RecordedAttempt } from '../../services/shared/postgres/attempt-queries.ts'
import { NOON } from './builders.ts'

/** An attempt as the console reads it. */
export function aRecordedAttempt(overrides: Partial<RecordedAttempt> = {}): RecordedAttempt {
  return {
    id: 1,
    eventId: 'evt_1',
    event: 'call.completed',
    attempt: 1,
    outcome: 'delivered',
    errorClass: null,
    status: 200,
    durationMs: 15,
    at: new Date(NOON),
    nextAttemptAt: null,
    replay: false,
    ...overrides,
  }
}
