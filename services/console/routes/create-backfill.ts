import { z } from 'zod'
import {
  addBackfillProgress,
  BACKFILL_MODES,
  insertBackfill,
} from '../../shared/postgres/backfills.ts'
import {
  askForBackfill,
  backfill,
  newBackfillId,
  requireBackfill,
  requireTakesEvents,
  shownBackfill,
} from '../backfill.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { type EventLog, EventLogAwayError, type LoggedEvent } from '../event-log.ts'
import { firstEvent } from '../first-event.ts'
import { givenInstant } from '../given.ts'
import type { LogScans, ScanBudget } from '../log-scans.ts'
import { type FieldError, invalidRequest, problemResponses } from '../problem.ts'

const body = z.strictObject({
  since: givenInstant,
  until: givenInstant,
  mode: z
    .enum(BACKFILL_MODES)
    .describe('`gaps`: only what was missed, dead letters included; `all`: everything again.'),
})

type Asked = z.infer<typeof body>

/** The clock of whoever asks "until now" may be ahead of ours. */
const CLOCK_TOLERANCE_MS = 5_000

/** Delivers again what lies in a range of time, in order, before newer events. */
export function createBackfill(app: ConsoleApp, deps: ConsoleDeps, scans: LogScans): void {
  const schema = {
    summary: 'Deliver what was missed',
    operationId: 'createBackfill',
    description:
      'Goes back in the log to the first event of the range. A gap that a back-fill has brought, ' +
      'and a dead letter that was sent again, are not missed any more.',
    tags: ['recovery'],
    params: workspaceParams,
    body: body,
    response: { 202: backfill, ...problemResponses },
  }
  app.post(
    '/v1/workspaces/:id/backfills',
    { schema, config: { idempotent: true } },
    async (request, reply) => {
      const wrong = problemsOf(request.body, deps.clock.now())
      if (wrong.length > 0) throw invalidRequest(wrong)
      const { id } = request.params
      await requireTakesEvents(deps, id)
      const event = await scans.run(id, reply, (budget) =>
        findFirst(deps.eventLog, id, request.body, budget),
      )
      const created = await create(id, request.body, event, deps)
      return reply.code(202).send(shownBackfill(created))
    },
  )
}

function problemsOf({ since, until }: Asked, now: number): FieldError[] {
  if (Date.parse(until) > now + CLOCK_TOLERANCE_MS) {
    return [{ path: 'body.until', message: 'lies in the future; what comes now is sent anyway' }]
  }
  if (Date.parse(since) >= Date.parse(until)) {
    return [{ path: 'body.since', message: 'has to lie before until' }]
  }
  return []
}

/** Null: there is nothing to deliver. */
async function findFirst(
  log: EventLog,
  workspaceId: string,
  asked: Asked,
  budget: ScanBudget,
): Promise<LoggedEvent | null> {
  const range = { since: Date.parse(asked.since), until: Date.parse(asked.until) }
  const first = await firstEvent(log, workspaceId, range, budget)
  if (first.kind === 'found') return first.event
  if (first.kind === 'none') return null
  if (first.reachedAt <= range.since) throw new EventLogAwayError('The log answers too slowly.')
  // Not begun at that time by ourselves: the row would say another range than was asked for.
  const next = new Date(first.reachedAt).toISOString()
  const message =
    `no call of this workspace was found from there to ${next}, and more is not read for one ` +
    'request: repeat it with that time'
  throw invalidRequest([{ path: 'body.since', message }])
}

async function create(
  workspaceId: string,
  asked: Asked,
  event: LoggedEvent | null,
  deps: ConsoleDeps,
) {
  const { pool } = deps
  const { mode } = asked
  const [since, until] = [new Date(asked.since), new Date(asked.until)]
  const id = newBackfillId()
  await insertBackfill(pool, { id, workspaceId, since, until, mode })
  if (event === null) {
    await addBackfillProgress(pool, [{ id, replayed: 0, positionAt: null, end: 'done' }])
  } else {
    await askForBackfill(deps, { workspaceId, event, id, mode, until: until.getTime() })
  }
  return requireBackfill(pool, workspaceId, id)
}
