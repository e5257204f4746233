import { z } from 'zod'
import { EVENT_KINDS } from '../../shared/call-event.ts'
import { ERROR_CLASSES } from '../../shared/egress/error-class.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const next = z.object({
  eventId: z.string(),
  event: z.enum(EVENT_KINDS).nullable(),
  attempt: z.number().int(),
  attemptsMax: z.number().int(),
  failingSince: instant.nullable(),
  nextAttemptAt: instant,
  errorClass: z.enum(ERROR_CLASSES).nullable(),
  status: z.number().int().nullable(),
})

const shown = z.object({
  state: z
    .enum(['flowing', 'waiting', 'stopped'])
    .describe('`waiting`: behind a failing event; `stopped`: disconnected or suspended.'),
  next: next.nullable().describe('The event that all later ones wait for.'),
  waiting: z
    .number()
    .int()
    .describe('Events accepted and not delivered yet, the next one included.'),
  waitingSince: instant.nullable().describe('When the oldest of them was accepted.'),
})

/** Where the calls are: what goes next, how many wait behind it, and until when. */
export function getLane(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Show what waits',
    operationId: 'getLane',
    tags: ['deliveries'],
    params: workspaceParams,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/lane', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
