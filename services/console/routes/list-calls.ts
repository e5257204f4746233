import { z } from 'zod'
import { maskNumbers } from '../../shared/egress/payload.ts'
import { findConnection } from '../../shared/postgres/connections.ts'
import { cursorsOf, findPlace } from '../calls-place.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { givenInstant } from '../given.ts'
import type { LogScans } from '../log-scans.ts'
import { nextCursor } from '../paging.ts'
import { problemResponses } from '../problem.ts'

const query = z.strictObject({
  since: givenInstant.optional().describe('Default: the oldest that is left.'),
  until: givenInstant.optional().describe('Default: now.'),
  cursor: z
    .string()
    .max(500)
    .optional()
    .describe('`nextCursor` or `resumeCursor` of an earlier page, which also holds its `until`.'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})

const shown = z.object({
  items: z.array(z.record(z.string(), z.unknown())).describe('Events as they are delivered.'),
  nextCursor: nextCursor.describe(
    'Survives restarts. A page may hold fewer items than asked for, or none, and still have a next one.',
  ),
  resumeCursor: z
    .string()
    .nullable()
    .describe(
      'Without `until`: a cursor to ask with later for what has come since, also from the last ' +
        'page. Null when nothing was accepted since `since`: ask again.',
    ),
  availableFrom: instant
    .nullable()
    .describe(
      'Set when `since`, or the place of the cursor, lies before the oldest event that the log ' +
        'still holds.',
    ),
  cost: z
    .object({ bytesRead: z.number().int(), recordsRead: z.number().int() })
    .describe('What was read of the log, other workspaces’ events included; bytes uncompressed.'),
})

/** Events of the workspace straight from the log, in order: to pull instead of being pushed. */
export function listCalls(app: ConsoleApp, { pool, eventLog }: ConsoleDeps, scans: LogScans): void {
  const schema = {
    summary: 'Pull events from the log',
    operationId: 'listCalls',
    tags: ['calls'],
    params: workspaceParams,
    querystring: query,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/calls', { schema }, async (request, reply) => {
    const { id } = request.params
    const asked = request.query
    const place = await findPlace(eventLog, id, asked)
    const { offset, until } = place
    if (offset === null) return { ...NOTHING, availableFrom: iso(place.availableFrom) }
    const range = { offset, until: until ?? Number.POSITIVE_INFINITY, limit: asked.limit }
    const [page, connection] = await Promise.all([
      scans.run(id, reply, ({ signal }) => eventLog.page(id, range, signal)),
      findConnection(pool, id),
    ])
    const isMasked = connection?.maskNumbers ?? false
    // Retention may overtake somebody who pulls slowly: that must not look like a quiet time.
    const availableFrom = page.isTruncated
      ? await eventLog.oldestAt(eventLog.partitionOf(id))
      : place.availableFrom
    return {
      items: page.events.map(({ event }) => ({ ...(isMasked ? maskNumbers(event) : event) })),
      ...cursorsOf(eventLog, id, place, page),
      availableFrom: iso(availableFrom),
      cost: page.cost,
    }
  })
}

const NOTHING = {
  items: [],
  nextCursor: null,
  resumeCursor: null,
  cost: { bytesRead: 0, recordsRead: 0 },
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
