import type { Attempt } from '../../../../services/console/web/src/screens/deliveries/attempt-filters.ts'

export function anAttempt(overrides: Partial<Attempt> = {}): Attempt {
  return {
    id: 'att_1',
    eventId: 'evt_1',
    event: 'call.completed',
    attempt: 1,
    outcome: 'delivered',
    errorClass: null,
    status: 200,
    durationMs: 84,
    at: '2026-05-28T12:00:00.000Z',
    nextAttemptAt: null,
    replay: false,
    ...overrides,
  }
}
