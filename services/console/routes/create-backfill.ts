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
import { givenInstant } from '../given.ts'
import { firstEvent } from '../first-event.ts'
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
export function createBackfill(app: ConsoleApp, deps: ConsoleDeps): void {
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
      const created = await create(request.params.id, request.body, deps)
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

async function create(workspaceId: string, asked: Asked, deps: ConsoleDeps) {
  const { pool, eventLog } = deps
  await requireTakesEvents(pool, workspaceId)
  const { mode } = asked
  const [since, until] = [new Date(asked.since), new Date(asked.until)]
  const range = { since: since.getTime(), until: until.getTime() }
  const event = await firstEvent(eventLog, workspaceId, range)

  const id = newBackfillId()
  await insertBackfill(pool, { id, workspaceId, since, until, mode })
  if (event === null) {
    await addBackfillProgress(pool, [{ id, replayed: 0, positionAt: null, end: 'done' }])
  } else {
    await askForBackfill(deps, { workspaceId, event, id, mode, until: range.until })
  }
  return requireBackfill(pool, workspaceId, id)
}
