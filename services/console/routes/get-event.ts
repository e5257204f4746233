import { z } from 'zod'
import { EVENT_KINDS } from '../../shared/call-event.ts'
import { findConnection } from '../../shared/postgres/connections.ts'
import { findEpoch } from '../../shared/postgres/sequence-positions.ts'
import { attempt, showAttempt } from '../attempt.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { type FoundEvent, findEvent, REQUEST_MISSING } from '../find-event.ts'
import { givenId } from '../given.ts'
import type { LogScans } from '../log-scans.ts'
import { plainProblem, problemResponses } from '../problem.ts'
import { renderRequest } from '../render-request.ts'

const request = z.object({
  url: z.string().nullable().describe('Null while disconnected.'),
  headers: z
    .record(z.string(), z.string())
    .describe(
      'As of the last attempt, with the connection as it is now. The password reads `***`. None ' +
        'while disconnected.',
    ),
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
    .describe('Null: the log does not hold the event any more; see `requestMissing`.'),
  requestMissing: z
    .enum(REQUEST_MISSING)
    .nullable()
    .describe(
      'Why there is no request. `retention`: the log has removed the event. `not_found`: it was ' +
        'not found where it was looked for, which is around the time at which it was published, ' +
        'or else a day back from its first attempt. `too_much_to_read`: so much lies there that the ' +
        'search was ended; `GET …/calls` with `since` and `until` reads it page by page.',
    ),
})

/** One event: all its attempts, and the request rendered from the log at this moment. */
export function getEvent(app: ConsoleApp, deps: ConsoleDeps, scans: LogScans): void {
  const schema = {
    summary: 'Show one event',
    operationId: 'getEvent',
    tags: ['deliveries'],
    params: workspaceParams.extend({ eventId: givenId }),
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/events/:eventId', { schema }, async ({ params }, reply) => {
    const { id: workspaceId, eventId } = params
    const found = await scans.run(workspaceId, reply, (budget) =>
      findEvent(deps, { workspaceId, eventId }, budget),
    )
    if (found === null) throw plainProblem(404, 'There is no such event, or nothing is left of it.')
    const last = found.attempts.at(-1)
    return {
      eventId,
      event: found.kind,
      acceptedAt: found.acceptedAt?.toISOString() ?? null,
      attempts: found.attempts.map(showAttempt),
      nextAttemptAt: last?.nextAttemptAt?.toISOString() ?? null,
      request: await render(deps, workspaceId, found),
      requestMissing: found.missing,
    }
  })
}

async function render({ pool, secretBox, clock }: ConsoleDeps, id: string, found: FoundEvent) {
  if (found.logged === null) return null
  const connection = await findConnection(pool, id)
  const epoch = await findEpoch(pool, found.logged.partition)
  const attempt = found.attempts.at(-1)
  const now = clock.now()
  return renderRequest(found.logged, { connection, attempt, epoch, box: secretBox, now })
}
