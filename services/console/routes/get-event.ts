import { z } from 'zod'
import { EVENT_KINDS } from '../../shared/call-event.ts'
import { attempt } from '../attempt.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const request = z.object({
  url: z.string().nullable().describe('Null while disconnected.'),
  headers: z.record(z.string(), z.string()).describe('The password reads `***`.'),
  body: z.string().describe('JSON, byte for byte as it is sent.'),
})

const shown = z.object({
  eventId: z.string(),
  event: z.enum(EVENT_KINDS),
  acceptedAt: instant.nullable(),
  attempts: z.array(attempt).describe('Oldest first.'),
  nextAttemptAt: instant.nullable(),
  request: request
    .nullable()
    .describe('Null: the log does not hold the event any more (retention).'),
})

/** One event: all its attempts, and the request rendered from the log at this moment. */
export function getEvent(app: ConsoleApp, _deps: ConsoleDeps): void {
  const schema = {
    summary: 'Show one event',
    operationId: 'getEvent',
    tags: ['deliveries'],
    params: workspaceParams.extend({ eventId: z.string().max(100) }),
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/events/:eventId', { schema }, async () => {
    throw plainProblem(501, 'Not built yet.')
  })
}
