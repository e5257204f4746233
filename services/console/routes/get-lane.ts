import { z } from 'zod'
import { EVENT_KINDS } from '../../shared/call-event.ts'
import { ERROR_CLASSES } from '../../shared/egress/error-class.ts'
import { listAttempts } from '../../shared/postgres/attempt-queries.ts'
import { type ConnectionWithHealth, findConnection } from '../../shared/postgres/connections.ts'
import { missedGaps } from '../../shared/postgres/gaps.ts'
import type { Pool } from '../../shared/postgres/pool.ts'
import {
  countAccepted,
  countWaiting,
  findNewestTurn,
  type WaitingEvents,
} from '../../shared/postgres/waiting-events.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import {
  dueRetry,
  headOf,
  isStopped,
  LANE_STATES,
  type LaneHead,
  laneState,
  withHead,
} from '../lane-view.ts'
import { problemResponses } from '../problem.ts'

/** Counting ends here: some milliseconds, and beyond it nobody needs to know how many. */
const COUNT_MAX = 10_000

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
    .enum(LANE_STATES)
    .describe('`waiting`: behind a failing event; `stopped`: disconnected or suspended.'),
  next: next.nullable().describe('The event that all later ones wait for.'),
  waiting: z
    .number()
    .int()
    .describe(
      'Events accepted and not delivered yet, the next one included; while stopped: those that ' +
        'came since and are kept in the log. Some seconds behind; of the last 7 days; without ' +
        'those of a back-fill.',
    ),
  waitingIsCapped: z.boolean().describe('True: at least so many. Counting ends at 10,000.'),
  waitingSince: instant.nullable().describe('When the oldest of them was accepted.'),
})

/** Where the calls are: what goes next, how many wait behind it, and until when. */
export function getLane(app: ConsoleApp, { pool, attemptsMax }: ConsoleDeps): void {
  const schema = {
    summary: 'Show what waits',
    operationId: 'getLane',
    tags: ['deliveries'],
    params: workspaceParams,
    response: { 200: shown, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/lane', { schema }, async (request) => {
    const { id } = request.params
    const connection = await findConnection(pool, id)
    const head = connection && (await findHead(pool, connection, attemptsMax))
    const counted = await countEvents(pool, id, connection)
    const { waiting, since } = withHead(counted, head)
    return {
      state: laneState(connection, head),
      next: head && showHead(head, attemptsMax),
      waiting,
      waitingIsCapped: counted.waiting === COUNT_MAX,
      waitingSince: since?.toISOString() ?? null,
    }
  })
}

async function findHead(
  pool: Pool,
  connection: ConnectionWithHealth,
  attemptsMax: number,
): Promise<LaneHead | null> {
  const retry = dueRetry(connection)
  if (retry === null) return null
  const { eventId } = retry
  const filter = { eventId, outcome: 'failed' } as const
  // Twice: after a crash an attempt may be written down a second time.
  const page = { limit: 2 * attemptsMax }
  return headOf(retry, await listAttempts(pool, connection.workspaceId, filter, page))
}

/** Once stopped nothing waits for a turn; what comes is kept, and a back-fill can deliver it. */
async function countEvents(
  pool: Pool,
  workspaceId: string,
  connection: ConnectionWithHealth | null,
): Promise<WaitingEvents> {
  const connectedAt = connection?.connectedAt ?? null
  if (connectedAt === null || isStopped(connection)) {
    const open = (await missedGaps(pool, workspaceId)).find(({ to }) => to === null)
    return countAccepted(pool, workspaceId, open ? new Date(open.from) : null, COUNT_MAX)
  }
  const turn = (await findNewestTurn(pool, workspaceId, connectedAt)) ?? connectedAt
  return countWaiting(pool, workspaceId, { turn, connectedAt }, COUNT_MAX)
}

function showHead(head: LaneHead, attemptsMax: number): z.infer<typeof next> {
  const { replay: _, failingSince, nextAttemptAt, ...rest } = head
  return {
    ...rest,
    attemptsMax,
    failingSince: failingSince?.toISOString() ?? null,
    nextAttemptAt: nextAttemptAt.toISOString(),
  }
}
